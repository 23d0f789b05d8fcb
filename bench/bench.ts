/**
 * Measures verification beside what people would use instead, everything under the same workerd.
 *
 *     npm run bench -- [--rounds 120] [--only verification|misses|management|steps|growth|writes|startUp] [--write]
 *
 * Takes half an hour, on Linux with two cores; the machine must be quiet. Workers are asked in turn, a slice
 * of requests each, forwards and backwards, so that whatever else the machine does hits them alike; figures are
 * medians over the rounds, ratios are medians of the ratio within each round. CPU is that of the whole process of
 * workerd, as the operating system counts it, D1 included.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { averageOf, quantile, table, whole } from "./figures.ts";
import {
  bundle,
  heapOf,
  type Lab,
  type LabWorker,
  load,
  type Outcome,
  ROOT,
  startLab,
  type Target,
} from "./lab.ts";
import { database, latchkeyBench, migrations } from "./latchkey.ts";
import { growthPlot } from "./plot.ts";
import type { SeededKey } from "./workers/seed.ts";

const REPORT = join(import.meta.dirname, "RESULTS.md");
const PLOT = join(import.meta.dirname, "growth.svg");
const PATH = "/public/v1/key";
const MISS = "Latchkey, each key once";
const RAW = "a raw D1 point query in Hono";

/** Requests of a slice: without I/O, with it, and of what takes milliseconds. */
const SLICE = { hot: 1_000, cold: 150, slow: 40 };
const WARM_UP_SLICES = 5;
/** Requests before each slice, and milliseconds after them: see `interleave`. */
const LEAD_IN = 100;
const LEAD_IN_MS = 50;
/** Of throughput and latency: seconds, and requests a second. */
const STEADY_SECONDS = 5;
const STEADY_RATE = 200;
const MANAGEMENT_ROUNDS = 20;
const KEYS_OF_COMPANY = 1_000;
const COMPANIES = 1_000;
const GROWTH = [1_000, 100_000, 1_000_000];
const GROWTH_ROUNDS = 30;
/** One process differs from the next by some hundredths, which rounds within one do not make up for. */
const MISS_STARTS = 8;
const MISS_ROUNDS = 20;
/** First uses until an isolate hardly ever looks for records that others have shared. */
const MISS_WARM_UP = 15_000;
const STEP_ROUNDS = 15;
const STEP_CALLS = 20_000;
const HELD_KEYS = 150_000;
const INSPECTOR_PORT = 9_339;
const MINUTE_CALLS = 1_000;
/** Until the last counts are written. */
const SETTLE_SECONDS = 25;
const STARTS = 15;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "120" },
    only: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const say = (text: string) => process.stderr.write(`${text}\n`);

const latchkey = await latchkeyBench();
const scripts = {
  bare: bundle("bench/workers/bare.ts").script,
  hono: bundle("bench/workers/hono.ts").script,
  ideal: bundle("bench/workers/ideal.ts").script,
  caller: bundle("bench/workers/caller.ts").script,
  d1: bundle("bench/workers/d1.ts").script,
  kv: bundle("bench/workers/kv.ts").script,
  first: bundle("bench/workers/first.ts").script,
  steps: bundle("bench/workers/steps.ts").script,
};
execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", "bench/better-auth"], {
  cwd: ROOT,
  stdio: ["ignore", "ignore", "inherit"],
});
const betterAuth = bundle("bench/better-auth/worker.js", "bench/better-auth/wrangler.toml");

interface Measured extends Target {
  /** Requests of a slice. */
  slice: number;
}

type Samples = Map<string, number[]>;

/** Keys of a target of `interleave` that presents each of them once. */
const keysOfMisses = (count: number) => (count + WARM_UP_SLICES) * (LEAD_IN + SLICE.cold);

const named = (name: keyof typeof scripts, more: Partial<LabWorker> = {}) =>
  ({ name, script: scripts[name], ...more }) as LabWorker;

interface Turns {
  /** Microseconds of CPU a request, in each round. */
  samples: Samples;
  /** Microseconds of CPU of all the requests before a slice, in each round. */
  leadIns: Samples;
}

/**
 * Slices in turn, each after some requests that do not count: an isolate that was not asked for seconds, as here while the
 * others have their turn, looks at the feed first, which in constant use is one request in thousands.
 */
async function interleave(targets: Record<string, Measured>, count: number): Promise<Turns> {
  const names = Object.keys(targets);
  const samples: Samples = new Map(names.map((name) => [name, []]));
  const leadIns: Samples = new Map(names.map((name) => [name, []]));
  const measure = async (name: string) => {
    const target = targets[name];
    if (target === undefined) throw new RangeError(name);
    const before = target.lab.cpu();
    await load(target, LEAD_IN);
    await sleep(LEAD_IN_MS);
    const leadIn = target.lab.cpu() - before;
    return { leadIn, cpu: (await load(target, target.slice)).cpu };
  };
  for (const name of names) for (let i = 0; i < WARM_UP_SLICES; i++) await measure(name);
  for (let round = 0; round < count; round++) {
    for (const name of round % 2 ? names.toReversed() : names) {
      const { leadIn, cpu } = await measure(name);
      leadIns.get(name)?.push(leadIn);
      samples.get(name)?.push(cpu);
    }
  }
  return { samples, leadIns };
}

const median = (samples: readonly number[]) => quantile(samples, 0.5);

function ratio(samples: Samples, one: string, other: string): number {
  const base = samples.get(other) ?? [];
  return median((samples.get(one) ?? []).map((cpu, round) => cpu / (base[round] ?? Number.NaN)));
}

/** Presents the keys in turn. */
function inTurn(keys: readonly SeededKey[], part: keyof SeededKey): () => Record<string, string> {
  let next = 0;
  return () => ({ "X-API-Key": keys[next++ % keys.length]?.[part] ?? "" });
}

const always = (rawKey: string) => () => ({ "X-API-Key": rawKey });

/** @throws Error where a target refuses a good key, or takes another one. */
async function expectVerification({ url, headers }: Target): Promise<void> {
  const { status } = await fetch(url, { headers: headers() });
  const { status: refusal } = await fetch(url, { headers: { "X-API-Key": `lk_live_${"0".repeat(50)}` } });
  if (status !== 200 || refusal !== 401) {
    throw new Error(`${url} answered ${status} to a good key and ${refusal} to a wrong one`);
  }
}

const sections: string[] = [];
const goals: string[][] = [];
const labs: Lab[] = [];

function judge(figure: string, measured: string, goal: string, isReached: boolean): void {
  goals.push([figure, measured, goal, isReached ? "yes" : "no"]);
}

async function close(): Promise<void> {
  await Promise.all(labs.splice(0).map((lab) => lab.close()));
}

async function start(workers: readonly LabWorker[], port?: number): Promise<Lab> {
  const lab = await startLab(workers, port);
  labs.push(lab);
  return lab;
}

for (const part of [verification, misses, management, steps, growth, writes, startUp]) {
  if (values.only !== undefined && values.only !== part.name) continue;
  say(part.name);
  const told = sections.length;
  await part();
  await close();
  say(sections.slice(told).join("\n\n"));
}
const text = page();
process.stdout.write(`${text}\n`);
if (values.write) await writeFile(REPORT, text);
process.exit(0); // the issuer listens on

async function verification(): Promise<void> {
  const hot = await start([
    ...latchkey.workers({ consumer: true }),
    named("bare"),
    named("hono"),
    named("ideal"),
  ]);
  const [hotKey] = await (await database(hot)).keys(1);
  const rawKey = hotKey?.rawKey ?? "";

  const cold = await coldTargets(keysOfMisses(rounds) + 10_000);

  const rpc = await start([
    named("caller", {
      serviceBindings: {
        LATCHKEY: { name: "latchkey", entrypoint: "ApiKeyVerifier" },
        IDEAL: { name: "ideal", entrypoint: "IdealVerifier" },
      },
    }),
    ...latchkey.workers({ consumer: true }),
    named("ideal"),
  ]);
  const [rpcKey] = await (await database(rpc)).keys(1);

  const other = await start([
    {
      name: "better-auth",
      script: betterAuth.script,
      compatibilityFlags: ["nodejs_compat"],
      d1Databases: { DB: "better-auth" },
    },
  ]);
  const otherUrl = await other.url("better-auth");
  const otherKey = async (way: string) => {
    const answer = await fetch(`${otherUrl}/${way}/keys`, { method: "POST" });
    if (!answer.ok) throw new Error(`better-auth: ${await answer.text()}`);
    return always(await answer.text());
  };

  const kv = await start([named("kv", { kvNamespaces: { KEYS: "keys" } })]);
  const made = await fetch(`${await kv.url("kv")}/keys`, { method: "POST" });
  if (!made.ok) throw new Error(`Workers KV: ${await made.text()}`);
  const kvKey = always(await made.text());

  const at = async (lab: Lab, worker: string, path = PATH) => ({ lab, url: (await lab.url(worker)) + path });
  const targets = {
    "bare Worker": { ...(await at(hot, "bare")), headers: always(rawKey), slice: SLICE.hot },
    Hono: { ...(await at(hot, "hono")), headers: always(rawKey), slice: SLICE.hot },
    "the ideal: Hono, SHA-256, Map": {
      ...(await at(hot, "ideal")),
      headers: always(rawKey),
      slice: SLICE.hot,
    },
    "Latchkey, hot": { ...(await at(hot, "latchkey")), headers: always(rawKey), slice: SLICE.hot },
    "empty RPC": { ...(await at(rpc, "caller", "/nothing")), headers: always(rawKey), slice: SLICE.hot },
    "the ideal behind RPC": {
      ...(await at(rpc, "caller", "/ideal")),
      headers: always(rawKey),
      slice: SLICE.hot,
    },
    "Latchkey, hot, by its middleware": {
      ...(await at(rpc, "caller", "/latchkey")),
      headers: always(rpcKey?.rawKey ?? ""),
      slice: SLICE.hot,
    },
    ...cold,
    "its hash in Workers KV, cacheTtl 30 s": {
      ...(await at(kv, "kv", "/30")),
      headers: kvKey,
      slice: SLICE.cold,
    },
    "its hash in Workers KV, cacheTtl 60 s": {
      ...(await at(kv, "kv", "/60")),
      headers: kvKey,
      slice: SLICE.cold,
    },
    "better-auth, as installed": {
      ...(await at(other, "better-auth", "/installed")),
      headers: await otherKey("installed"),
      slice: SLICE.slow,
    },
    "better-auth, tuned": {
      ...(await at(other, "better-auth", "/tuned")),
      headers: await otherKey("tuned"),
      slice: SLICE.slow,
    },
    "better-auth on a Map": {
      ...(await at(other, "better-auth", "/map")),
      headers: await otherKey("map"),
      slice: SLICE.hot,
    },
  } satisfies Record<string, Measured>;
  type Name = keyof typeof targets;
  const answersAll: Name[] = ["bare Worker", "Hono", "empty RPC"];
  for (const [name, target] of Object.entries(targets)) {
    if (!answersAll.includes(name as Name)) await expectVerification(target);
  }

  const { samples, leadIns } = await interleave(targets, rounds);
  const over = (one: Name, than: Name) => ratio(samples, one, than);
  const steady = new Map<Name, { full: Outcome; even: Outcome }>();
  for (const [name, target] of Object.entries(targets) as [Name, Measured][]) {
    const amount = Math.min(20_000, Math.ceil((2 * 1_000_000) / median(samples.get(name) ?? [])));
    const full = await load(target, amount);
    steady.set(name, { full, even: await load(target, STEADY_RATE * STEADY_SECONDS, STEADY_RATE) });
  }
  const base: Name = "the ideal: Hono, SHA-256, Map";
  const hottest: Name = "Latchkey, hot";
  const leadIn = (name: Name) => median(leadIns.get(name) ?? []);
  const lookMs = (leadIn(hottest) - leadIn(base)) / 1_000;
  sections.push(
    "## Verification",
    "One core for workerd, the load on another. CPU in microseconds a request: median, and the range of half the rounds.",
    table(
      ["", "CPU", "half", "÷ ideal", "requests/s", `p50 ms at ${STEADY_RATE}/s`, "p99 ms"],
      (Object.keys(targets) as Name[]).map((name) => {
        const cpu = samples.get(name) ?? [];
        const { full, even } = steady.get(name) ?? {};
        return [
          name,
          whole(median(cpu)),
          `${whole(quantile(cpu, 0.25))}–${whole(quantile(cpu, 0.75))}`,
          over(name, base).toFixed(2),
          whole(full?.rate ?? 0),
          `${even?.p50}`,
          `${even?.p99}`,
        ];
      }),
    ),
    `Each slice follows ${LEAD_IN} requests that do not count. With them Latchkey takes ${lookMs.toFixed(1)} ms more than the ideal, as it has not been asked for seconds: it looks at the feed, in the local D1 and the local cache, which in constant use it does once in 2.5 s, and its code has left the caches of the processor.`,
  );
  const atMost = (name: string, value: number, limit: number) =>
    judge(name, value.toFixed(2), `≤ ${limit}`, value <= limit);
  const atLeast = (name: string, value: number, limit: number) =>
    judge(name, value.toFixed(2), `≥ ${limit}`, value >= limit);
  atMost("HTTP verification, hot ÷ the ideal", over(hottest, base), 1.1);
  atMost(
    "RPC verification, hot, by the middleware ÷ the ideal behind RPC",
    over("Latchkey, hot, by its middleware", "the ideal behind RPC"),
    1.15,
  );
  atLeast("better-auth as installed ÷ Latchkey, hot", over("better-auth, as installed", hottest), 20);
  atLeast("better-auth tuned ÷ Latchkey, hot", over("better-auth, tuned", hottest), 12);
  atLeast("better-auth on a Map ÷ Latchkey, hot", over("better-auth on a Map", hottest), 2.3);
}

/** What a key costs that is used for the first time, and what it is compared with, in a process of their own. */
async function coldTargets(count: number): Promise<Record<typeof MISS | typeof RAW, Measured>> {
  // The counts of uses are written elsewhere, so that they are not taken for the cost of a miss.
  const lab = await start([...latchkey.workers(), named("d1", { d1Databases: { DB: "latchkey" } })]);
  const keys = await (await database(lab)).keys(count);
  const of = async (worker: string, part: keyof SeededKey) => ({
    lab,
    url: (await lab.url(worker)) + PATH,
    headers: inTurn(keys, part),
    slice: SLICE.cold,
  });
  return { [RAW]: await of("d1", "digest"), [MISS]: await of("latchkey", "rawKey") };
}

async function misses(): Promise<void> {
  const ratios: number[] = [];
  for (let n = 0; n < MISS_STARTS; n++) {
    const targets = await coldTargets(MISS_WARM_UP + keysOfMisses(MISS_ROUNDS));
    await load(targets[MISS], MISS_WARM_UP);
    const { samples } = await interleave(targets, MISS_ROUNDS);
    ratios.push(ratio(samples, MISS, RAW));
    await close();
    say(`misses: ${ratios.at(-1)?.toFixed(3)}`);
  }
  const { mean, error } = averageOf(ratios);
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((value) => value.toFixed(2));
  sections.push(
    "## A miss",
    `Of ${MISS_STARTS} processes, each after ${whole(MISS_WARM_UP)} first uses: a miss costs ${least} to ${most} times what a raw D1 query costs, ${mean.toFixed(2)} times on average, with a standard error of ${error.toFixed(2)}. The same code differs as much from one start to the next, so that one process tells little.`,
  );
  judge("a miss ÷ a raw D1 point query in Hono", mean.toFixed(2), "≤ 1.15", mean <= 1.15);
}

async function management(): Promise<void> {
  const lab = await start(latchkey.workers());
  const db = await database(lab);
  await db.keys(KEYS_OF_COMPANY, "many");
  const [few, many] = [await latchkey.admin("few"), await latchkey.admin("many")];
  const url = `${await lab.url("latchkey")}/settings/api-keys`;
  const body = JSON.stringify({ label: "Careers page", scopes: ["jobs:read"] });
  const targets: Record<string, Measured> = {
    "create a key": {
      lab,
      url,
      method: "POST",
      status: 201,
      headers: () => few,
      body: () => body,
      slice: SLICE.slow,
    },
    "list 1,000 keys": { lab, url, headers: () => many, slice: SLICE.slow / 4 },
    "a page of 100 of them": { lab, url: `${url}?limit=100`, headers: () => many, slice: SLICE.slow },
  };
  const { samples } = await interleave(targets, MANAGEMENT_ROUNDS);
  sections.push(
    "## Management",
    "With an access token, whose signature is checked each time. CPU in microseconds a request, D1 included.",
    table(
      ["", "CPU"],
      Object.keys(targets).map((name) => [name, whole(median(samples.get(name) ?? []))]),
    ),
  );
}

/** Asks the Worker of the steps. */
async function asker(lab: Lab): Promise<(path: string) => Promise<void>> {
  const url = await lab.url("steps");
  return async (path) => {
    // A connection that is kept may be closed by the other side just then.
    const answer = await fetch(`${url}/${path}`, { headers: { Connection: "close" } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    await answer.text();
  };
}

/** Bytes of the heap, in an isolate that has done nothing else. */
async function memoryOfKey(worker: LabWorker): Promise<number> {
  const lab = await start([worker], INSPECTOR_PORT);
  const ask = await asker(lab);
  await ask("hold?n=1");
  const heap = await heapOf(INSPECTOR_PORT, worker.name);
  const before = await heap.used();
  await ask(`hold?n=${HELD_KEYS}`);
  const after = await heap.used();
  heap.close();
  return (after - before) / HELD_KEYS;
}

async function steps(): Promise<void> {
  const worker = { name: "steps", script: scripts.steps };
  const lab = await start([worker]);
  const ask = await asker(lab);
  const cost = async (step: string) => {
    const before = lab.cpu();
    await ask(`${step}?n=${STEP_CALLS}`);
    return (lab.cpu() - before) / STEP_CALLS;
  };
  const named: [string, string][] = [
    ["nothing", "the loop itself"],
    ["sha256", "SHA-256 of a key, in base64url: all that the ideal does"],
    ["digest", "form, HMAC-SHA-256, tag"],
    ["urgency", "how fresh the isolate is"],
    ["lookup", "look-up in the cache"],
    ["decide", "revoked, suspended, expired, scopes"],
    ["ipv4", "an IPv4 address among 50 blocks of `allowedIps`"],
    ["ipv6", "an IPv6 address among them"],
    ["check", "the whole check, its count of uses included"],
    ["json", "JSON of an answer"],
    ["response", "a Response with one header"],
    ["complete", "a Response with all of them"],
    ["request", "a Request, made for the next line"],
    ["route", "Hono, the check and the answer"],
  ];
  const once = async (steps: readonly string[]) => {
    const samples: Samples = new Map(steps.map((step) => [step, []]));
    for (let round = -1; round < STEP_ROUNDS; round++) {
      for (const step of steps) {
        const microseconds = await cost(step);
        if (round >= 0) samples.get(step)?.push(microseconds);
      }
    }
    return samples;
  };
  const samples = await once(named.map(([step]) => step));

  await ask(`hold?n=${HELD_KEYS}`);
  const full = await once(["check"]);
  const perKey = await memoryOfKey(worker);
  sections.push(
    "## Steps of the hot path",
    `In the isolate, ${whole(STEP_CALLS)} times in a loop, in microseconds of CPU each. (The clock of workerd stands still while a Worker computes, so that it is the process that is measured.)`,
    table(
      ["", "µs"],
      named.map(([step, title]) => [title, median(samples.get(step) ?? []).toFixed(2)]),
    ),
    `With ${whole(HELD_KEYS)} keys more held, the whole check takes ${median(full.get("check") ?? []).toFixed(2)} µs. A held key takes ${whole(perKey)} bytes of the heap, after a collection.`,
  );
  judge("memory per cached key", `${whole(perKey)} B`, "≤ 400 B", perKey <= 400);
}

async function growth(): Promise<void> {
  const targets: Record<string, Measured> = {};
  const sizes: string[] = [];
  for (const count of GROWTH) {
    const lab = await start(latchkey.workers());
    const db = await database(lab);
    await db.rows(count, Math.min(COMPANIES, count / KEYS_OF_COMPANY));
    const keys = await db.keys(keysOfMisses(GROWTH_ROUNDS) + 1, "company-0");
    const hot = keys.pop()?.rawKey ?? "";
    const [row] = await db.sql("SELECT id FROM api_keys WHERE company_id = 'company-0' LIMIT 1");
    const admin = await latchkey.admin("company-0");
    const url = await lab.url("latchkey");
    const size = whole(count);
    sizes.push(size);
    targets[`hot ${size}`] = { lab, url: url + PATH, headers: always(hot), slice: SLICE.hot };
    targets[`miss ${size}`] = { lab, url: url + PATH, headers: inTurn(keys, "rawKey"), slice: SLICE.cold };
    targets[`page ${size}`] = {
      lab,
      url: `${url}/settings/api-keys?limit=100`,
      headers: () => admin,
      slice: SLICE.slow,
    };
    targets[`find ${size}`] = {
      lab,
      url: `${url}/settings/api-keys/${row?.id}`,
      headers: () => admin,
      slice: SLICE.slow,
    };
    say(`growth: ${size} keys`);
  }
  const { samples } = await interleave(targets, GROWTH_ROUNDS);
  const rows: [string, string][] = [
    ["hot", "hot verification"],
    ["miss", "a miss"],
    ["page", "a page of 100 keys"],
    ["find", "one key, by its company"],
  ];
  const cpu = (step: string, size: string) => median(samples.get(`${step} ${size}`) ?? []);
  sections.push(
    "## Growth",
    `Keys in D1, ${whole(KEYS_OF_COMPANY)} and more of each company, in CPU microseconds a request, and the last column ÷ the first.`,
    table(
      ["", ...sizes, "÷"],
      rows.map(([step, title]) => [
        title,
        ...sizes.map((size) => whole(cpu(step, size))),
        ratio(samples, `${step} ${sizes.at(-1)}`, `${step} ${sizes[0]}`).toFixed(2),
      ]),
    ),
    "![CPU a request over keys in D1](growth.svg)",
  );
  const flat = ["hot", "miss"].map((step) =>
    ratio(samples, `${step} ${sizes.at(-1)}`, `${step} ${sizes[0]}`),
  );
  judge(
    "from 1 thousand to 1 million keys in D1: hot, a miss",
    flat.map((value) => `× ${value.toFixed(2)}`).join(", "),
    "flat",
    flat.every((value) => value < 1.1),
  );
  if (values.write) {
    const series = rows.map(([step, title]) => ({ title, values: sizes.map((size) => cpu(step, size)) }));
    await writeFile(PLOT, growthPlot(GROWTH, series));
  }
}

/** What a minute of one key's use reads and writes. */
async function writes(): Promise<void> {
  const lab = await start(latchkey.workers({ consumer: true, main: bundle("bench/isolate.ts") }));
  const db = await database(lab);
  const [key] = await db.keys(1);
  await db.sql("CREATE TABLE writes (at)");
  for (const change of ["INSERT ON usage_days", "UPDATE ON usage_days", "UPDATE ON api_keys"]) {
    const name = change.replaceAll(" ", "_");
    await db.sql(`CREATE TRIGGER ${name} AFTER ${change} BEGIN INSERT INTO writes VALUES (unixepoch()); END`);
  }
  const url = await lab.url("latchkey");
  const target = { lab, url: url + PATH, headers: always(key?.rawKey ?? "") };
  const reads = async () => (await (await fetch(`${url}/reads`)).json()) as { first: number };
  await load(target, 1);
  await sleep(SETTLE_SECONDS * 1000);
  await db.sql("DELETE FROM writes");
  await load(target, 1);
  const { first } = await reads();
  await load(target, MINUTE_CALLS, MINUTE_CALLS / 60);
  const statements = (await reads()).first - first;
  await sleep(SETTLE_SECONDS * 1000);
  const [row] = await db.sql("SELECT count(*) AS written FROM writes");
  const written = row?.written ?? 0;
  const [counted] = await db.sql("SELECT sum(allowed) AS uses FROM usage_days");
  if (counted?.uses !== MINUTE_CALLS + 2) throw new Error(`${counted?.uses} uses were counted`);
  judge(
    "D1 statements before the answer, per 1,000 hot verifications",
    `${statements}`,
    "0",
    statements === 0,
  );
  judge("rows written per 1,000 verifications of one key in a minute", `${written}`, "≤ 1", written <= 1);
}

/**
 * CPU until the first answer: of a good key over RPC, and of a Worker that does no more than a query of D1 in Hono. The
 * simulated queues and rate limits are Workers of the same process: each setup has them.
 */
async function startUp(): Promise<void> {
  const lab = await start(latchkey.workers());
  const [key] = await (await database(lab)).keys(1);
  const first = named("first", {
    d1Databases: { DB: "latchkey" },
    bindings: {
      RAW_KEY: key?.rawKey ?? "",
      DIGEST: key?.digest ?? "",
      STATEMENTS: [
        ...(await migrations()),
        `INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at) VALUES ('1', 'acme', 'bench', 'lk_live_', '${key?.digest}', '["jobs:read"]', 0)`,
      ],
    },
  });
  const [own] = latchkey.workers() as [LabWorker, ...LabWorker[]];
  const rpc = { serviceBindings: { LATCHKEY: { name: "latchkey", entrypoint: "ApiKeyVerifier" } } };
  const asked = { ...first, serviceBindings: { OTHER: "other" } };
  const inPlaceOfIt = (name: "d1" | "bare") => ({ ...own, ...named(name), name: "other" }) as LabWorker;
  const setups: Record<string, readonly LabWorker[]> = {
    latchkey: [{ ...first, ...rpc }, own],
    d1: [asked, inPlaceOfIt("d1")],
    bare: [asked, inPlaceOfIt("bare")],
  };
  const samples: Samples = new Map(Object.keys(setups).map((name) => [name, []]));
  for (let i = 0; i < STARTS; i++) {
    for (const [name, workers] of Object.entries(setups)) {
      const started = await startLab(workers);
      const answer = await fetch((await started.url("first")) + PATH);
      const text = await answer.text();
      if (!answer.ok || text.includes('"valid":false')) throw new Error(`${name} answered ${text}`);
      samples.get(name)?.push(started.cpu() / 1000);
      await started.close();
    }
  }
  const ms = (name: string) => median(samples.get(name) ?? []);
  const above = (name: string) => whole(ms(name) - ms("bare"));
  const kib = latchkey.bundle.gzip / 1024;
  const factor = ratio(samples, "latchkey", "d1");
  sections.push(
    "## Start-up",
    `The bundle is ${kib.toFixed(1)} KiB, gzip; better-auth with Hono is ${(betterAuth.gzip / 1024).toFixed(1)} KiB. A process of workerd that starts with D1, queues, rate limits and Latchkey, and gives its first verdict over RPC, takes ${whole(ms("latchkey"))} ms of CPU; one with a Hono Worker and a D1 query in Latchkey's place ${whole(ms("d1"))} ms, one with a bare Worker ${whole(ms("bare"))} ms. Without what the process itself takes, Latchkey's start is ${above("latchkey")} ms, and that of the Hono Worker ${above("d1")} ms.`,
  );
  judge("Worker bundle, gzip", `${kib.toFixed(1)} KiB`, "≤ 150 KiB", kib <= 150);
  judge(
    "first verdict over RPC ÷ first D1 query in Hono, start-up of the process included",
    factor.toFixed(2),
    "≤ 1.5",
    factor <= 1.5,
  );
}

function page(): string {
  const version = (name: string) =>
    JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8")).version;
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], {
    cwd: ROOT,
    encoding: "utf8",
  }).trim();
  const packages = ["workerd", "miniflare", "wrangler", "hono", "drizzle-orm", "autocannon"];
  const other = JSON.parse(readFileSync(join(ROOT, "bench/better-auth/package.json"), "utf8")).dependencies;
  return [
    "# How fast verification is",
    "Written by `npm run bench -- --write`; [bench.ts](bench.ts) says how it is measured.",
    table(["figure", "measured", "goal", "reached"], goals),
    ...sections,
    "## What was run",
    `- ${new Date().toISOString().slice(0, 10)}, sources ${commit}, ${rounds} rounds`,
    `- ${cpus()[0]?.model ?? "an unknown processor"}, ${cpus().length} cores, Linux ${release()}, Node ${process.version}`,
    `- ${packages.map((name) => `${name} ${version(name)}`).join(", ")}, better-auth ${other["better-auth"]}, @better-auth/api-key ${other["@better-auth/api-key"]}`,
  ]
    .join("\n\n")
    .replaceAll("\n\n- ", "\n- ")
    .replace("## What was run\n", "## What was run\n\n");
}
