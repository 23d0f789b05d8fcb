/** Workers under workerd, each process on a core of its own, and the load on them. Needs Linux and two cores. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import autocannon from "autocannon";
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from "miniflare";

export const ROOT = join(import.meta.dirname, "..");
const LOAD_CORE = 0;
const SERVER_CORE = 1;
const COLLECTIONS = 4;
const COLLECTION_MS = 1_000;
/** Connections that ask at the same time. */
const CONNECTIONS = 8;

export interface Bundle {
  script: string;
  /** Bytes. */
  gzip: number;
}

const outputs = mkdtempSync(join(tmpdir(), "latchkey-bench-"));

/** A Worker as `wrangler deploy` would upload it, of the checkout at `root`. */
export function bundle(entry: string, config = "bench/wrangler.toml", root = ROOT): Bundle {
  const outdir = join(outputs, join(root, entry).replace(/\W/g, "-"));
  const wrangler = ["wrangler", "deploy", entry, "--config", config, "--dry-run", "--outdir", outdir];
  execFileSync("npx", wrangler, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  const file = readdirSync(outdir).find((name) => name.endsWith(".js")) ?? "";
  const script = readFileSync(join(outdir, file), "utf8");
  return { script, gzip: gzipSync(script).length };
}

/** A process of workerd. */
export interface Lab {
  /** Where the Worker of this name listens, past Miniflare's own. */
  url(worker: string): Promise<string>;
  /** Microseconds of CPU that the process has used so far, on all of its threads. */
  cpu(): number;
  close(): Promise<void>;
}

export type LabWorker = V4WorkerOptions & { name: string };

/** Starts `workers` in one process, with an inspector where a port for it is given. */
export async function startLab(workers: readonly LabWorker[], inspectorPort?: number): Promise<Lab> {
  pin(process.pid, LOAD_CORE);
  const before = new Set(children());
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...(inspectorPort !== undefined && { inspectorPort }),
      workers: workers.map((worker) => ({
        compatibilityDate: "2026-08-01",
        modules: true,
        unsafeDirectSockets: [{}],
        ...worker,
      })),
    }),
  );
  await miniflare.ready;
  const pid = children().find((child) => !before.has(child));
  if (pid === undefined) throw new Error("There is no process of workerd");
  pin(pid, SERVER_CORE);
  return {
    url: async (worker) => (await miniflare.unsafeGetDirectURL(worker)).origin,
    cpu: () => readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + runTime(pid, thread), 0),
    close: () => miniflare.dispose(),
  };
}

/** Microseconds: https://docs.kernel.org/scheduler/sched-stats.html */
function runTime(pid: number, thread: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1_000;
  } catch {
    return 0; // it has ended
  }
}

function children(): number[] {
  return readdirSync("/proc/self/task").flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

function pin(pid: number, core: number): void {
  execFileSync("taskset", ["-a", "-c", "-p", `${core}`, `${pid}`], { stdio: "ignore" });
}

export interface Target {
  lab: Lab;
  url: string;
  method?: "GET" | "POST";
  /** The headers of each request. */
  headers: () => Record<string, string>;
  body?: () => string;
  /** The status that every answer must have; 200 by default. */
  status?: number;
}

export interface Outcome {
  /** Microseconds of CPU a request. */
  cpu: number;
  /** Requests a second. */
  rate: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

/**
 * Sends `amount` requests, as fast as they are answered, or `rate` a second.
 *
 * @throws Error where an answer has another status.
 */
export async function load(target: Target, amount: number, rate?: number): Promise<Outcome> {
  const { lab, url, method = "GET", headers, body, status = 200 } = target;
  const before = lab.cpu();
  const result = await autocannon({
    url,
    amount,
    connections: Math.min(CONNECTIONS, amount),
    sampleInt: 10,
    ...(rate !== undefined && { overallRate: rate }),
    requests: [
      {
        method,
        setupRequest: (request) => ({
          ...request,
          headers: { "CF-Connecting-IP": "192.0.2.1", ...headers() },
          ...(body && { body: body() }),
        }),
      },
    ],
  });
  const cpu = lab.cpu() - before;
  const right = result.statusCodeStats?.[`${status}`]?.count ?? 0;
  if (right !== amount) {
    const found = JSON.stringify(result.statusCodeStats);
    throw new Error(
      `${url}: ${right} of ${amount} answers were ${status}: ${found}, ${result.errors} errors`,
    );
  }
  return {
    cpu: cpu / amount,
    rate: amount / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
  };
}

/** Tells how much of the heap a Worker uses. https://chromedevtools.github.io/devtools-protocol/v8/ */
export async function heapOf(port: number, worker: string) {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as InspectorTarget[];
  const target = targets.find(({ title }) => title.endsWith(`core:user:${worker}`));
  if (target === undefined) throw new Error(`There is no Worker ${worker}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  let sent = 0;
  const send = (method: string) => socket.send(JSON.stringify({ id: ++sent, method }));
  return {
    /** Bytes, after a collection. */
    async used(): Promise<number> {
      let used = Number.NaN;
      socket.addEventListener("message", ({ data }) => {
        used = JSON.parse(String(data)).result?.usedSize ?? used;
      });
      // A collection may come after the answer to what follows it.
      for (let i = 0; i < COLLECTIONS; i++) {
        send("HeapProfiler.collectGarbage");
        send("Runtime.getHeapUsage");
        await sleep(COLLECTION_MS);
      }
      return used;
    },
    close: () => socket.close(),
  };
}

interface InspectorTarget {
  title: string;
  webSocketDebuggerUrl: string;
}
