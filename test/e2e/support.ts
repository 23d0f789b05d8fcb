import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, delimiter, join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { importJWK, type JWTPayload, SignJWT } from "jose";
import { afterAll, expect } from "vitest";
import type { startTestIssuer } from "../support/issuer.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const COPIED = [
  "LICENSE",
  "README.md",
  "assets",
  "docs",
  "examples",
  "migrations",
  "package.json",
  "src",
  "tsconfig.json",
  "wrangler.toml",
];
const START_MS = 60_000;
const STOP_MS = 15_000;
const POLL_MS = 50;
const RAW_MS = 5_000;

export const NODE_MODULES = join(ROOT, "node_modules");

/** What is to be undone when the test file ends, the last first. */
const undo: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const act of undo.reverse()) await act();
});

/** An empty directory until the test file ends. */
export async function temporaryDirectory(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "latchkey-"));
  undo.push(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/** A copy of the project, as a clone with its dependencies installed, until the test file ends. */
export async function copyProject(): Promise<string> {
  const dir = await temporaryDirectory();
  for (const name of COPIED.filter((name) => existsSync(join(ROOT, name)))) {
    const filter = (source: string) => ![".wrangler", "node_modules"].includes(basename(source));
    await cp(join(ROOT, name), join(dir, name), { recursive: true, filter });
  }
  await symlink(NODE_MODULES, join(dir, "node_modules"));
  return dir;
}

/** What a stranger's shell has: nothing of the test run, neither its Node nor its settings. */
function environment(dir: string): Record<string, string> {
  const path = (process.env.PATH ?? "").split(delimiter);
  return {
    PATH: path.filter((entry) => !entry.includes("node_modules")).join(delimiter),
    HOME: dir,
    npm_config_update_notifier: "false",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
  };
}

/** Tells when this process is made to end before its tests have. */
const testsEnd = new EventEmitter();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => {
    testsEnd.emit("end");
    process.kill(process.pid, name);
  });
}

export interface Running {
  /** All it has said so far. */
  output(): string;
  /** Resolves once it says so; fails if it ends before. */
  says(pattern: RegExp): Promise<void>;
  /** What Ctrl-C does: `SIGINT` to the whole group. Resolves once nobody is left in it. */
  stop(): Promise<void>;
}

/** Starts a command that goes on. It is stopped when the test file ends. */
export function start(dir: string, command: string, ...args: string[]): Running {
  const child = spawn(command, args, { cwd: dir, env: environment(dir), detached: true, stdio: "pipe" });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const signal = (name: NodeJS.Signals | 0) => signalGroup(child.pid, name);
  const stopWithTests = () => signal("SIGINT");
  testsEnd.on("end", stopWithTests);

  async function stop(): Promise<void> {
    const deadline = Date.now() + STOP_MS;
    signal("SIGINT");
    while (signal(0)) {
      if (Date.now() > deadline) {
        signal("SIGKILL");
        throw new Error(`${command} ${args.join(" ")} does not stop:\n${output}`);
      }
      await setTimeout(POLL_MS);
    }
    testsEnd.off("end", stopWithTests);
  }
  undo.push(stop);
  return {
    output: () => output,
    async says(pattern) {
      const deadline = Date.now() + START_MS;
      while (!pattern.test(output)) {
        if (child.exitCode !== null || Date.now() > deadline) {
          throw new Error(`${command} ${args.join(" ")} does not say ${pattern}:\n${output}`);
        }
        await setTimeout(POLL_MS);
      }
    },
    stop,
  };
}

/** `false`: nobody is left in the group. The signal 0 only asks. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  try {
    return pid !== undefined && process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Runs a script of bash to its end. */
export async function bash(dir: string, script: string) {
  const options = { cwd: dir, env: environment(dir), stdio: "pipe", timeout: START_MS } as const;
  const child = spawn("bash", ["-c", script], options);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const [code] = await once(child, "close");
  return { code: code as number | null, ...output };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "localhost");
  const connected = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}

/** `npx wrangler dev`, alone, with these vars. */
export async function startLatchkey(dir: string, vars: Record<string, string>, at?: number) {
  const port = at ?? (await freePort());
  const flags = Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  const dev = ["wrangler", "dev", "--port", `${port}`, "--inspector-port", "0", ...flags];
  const running = start(dir, "npx", ...dev);
  await running.says(/Ready on/);
  return { ...running, port, url: `http://localhost:${port}` };
}

export type TestIssuer = Awaited<ReturnType<typeof startTestIssuer>>;

/** A token of the test issuer, good for ten minutes. */
export async function signToken(issuer: TestIssuer, alg: string, typ: string, claims: JWTPayload) {
  const jwk = issuer.signingKeys[alg] ?? {};
  return new SignJWT({ iss: issuer.url, sub: "ada", ...claims })
    .setProtectedHeader({ alg, typ, kid: alg })
    .setIssuedAt()
    .setExpirationTime("10 minutes")
    .sign(await importJWK(jwk, alg));
}

/** What the tests use of the answer to a creation. */
export interface CreatedKey {
  id: string;
  rawKey: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed, where it is JSON. */
  body: unknown;
}

export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, body: parsed(await response.text()) };
}

/** Sends these bytes over TCP, ends its side, and takes what comes back until the connection closes. */
export async function raw(port: number, bytes: string | Uint8Array): Promise<Answer | undefined> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => {}); // A connection that is reset is closed as well.
  socket.setTimeout(RAW_MS, () => socket.destroy());
  socket.end(bytes);
  await new Promise((resolve) => socket.once("close", resolve));
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const status = /^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1];
  if (status === undefined) return undefined;
  const headers = new Headers(lines.map((line) => line.split(/:\s*(.*)/s, 2) as [string, string]));
  return { status: Number(status), headers, body: parsed(rest.join("\r\n\r\n")) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.slice(text.search(/[[{]/), text.search(/[\]}][^\]}]*$/) + 1));
  } catch {
    return text;
  }
}

/** The contract's envelope, and nothing else. */
export function expectEnvelope(answer: Answer | undefined, status: number, error: string, message?: string) {
  expect(answer).toMatchObject({ status, body: { status, error } });
  expect(answer?.body).toEqual({
    status,
    error,
    message: message ?? expect.any(String),
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
    path: expect.stringMatching(/^\//),
    ...(status === 422 && { details: expect.any(Array) }),
  });
  expect(answer?.headers.get("Content-Type")).toBe("application/json; charset=utf-8");
  expect(answer?.headers.get("Cache-Control")).toBe("no-store");
}
