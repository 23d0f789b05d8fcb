/**
 * Revokes keys of a running Latchkey and asks every isolate until the last of them refuses.
 *
 *     npm run prove:revocation -- [--revocations 10000] [--isolates 4] [--seconds 5] [--late 0] [--write]
 *
 * 10,000 revocations take a quarter of an hour, 300 a minute. Ends with code 1 where an isolate accepted a key
 * beyond the bound, or read more of D1 for keys in constant use than once in half a bound. With `--late 0.3`
 * so many of the reads take longer than their deadline; then an isolate in constant use must keep the bound.
 */
import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { quantile, table, whole } from "./figures.ts";
import { ROOT, type ServiceKey, startService, WAYS, type Way } from "./service.ts";

const REPORT = join(import.meta.dirname, "REVOCATION.md");

/** Keys alive at once, at most: each wave creates, uses and revokes so many. */
const MAX_WAVE_KEYS = 100;
/** A short run has so many waves nevertheless. */
const MIN_WAVES = 4;
/** Pause between two questions to an isolate, each of which presents every live key. */
const ASK_PAUSE_MS = 100;
/** Between two revocations of a wave that is revoked at once. */
const BURST_GAP_MS = 5;
/** Time for the first questions of a wave. */
const FILL_MS = 300;
/** A rarely used isolate is not asked this close to the bound: the ends of a call could not tell the side. */
const EDGE_MS = 250;
/** How often it is asked only after the bound. */
const PAST_BOUND_SHARE = 0.25;
/** An isolate that still accepts after so many bounds is given up. */
const GIVE_UP_BOUNDS = 5;
/** How long, in half bounds, hot keys are left alone to count reads. */
const HOT_HALF_BOUNDS = 4;
const CREATE_LANES = 8;
/** Acceptances beyond the bound that are described, at most. */
const DESCRIBED = 20;
/** How keys are revoked, in proportion. */
const MIX: readonly Way[] = [WAYS[0], WAYS[0], WAYS[0], WAYS[1], WAYS[2]];

/** Moments are milliseconds of this process's monotonic clock. */
interface Key extends ServiceKey {
  way: Way;
  /** Just before the revoking call was made. */
  calledAt: number;
  /** When that call had returned. */
  returnedAt: number;
  /** For each isolate, when its last accepting answer had arrived. */
  acceptedAt: number[];
  /** For each isolate, when the question with that answer was sent. */
  askedAt: number[];
  /** For each isolate, when its first refusal had arrived. */
  refusedAt: (number | undefined)[];
  /** The isolate that was left alone. */
  rare: number;
  /** Reads of D1 that failed or came too late, at any isolate, during the key's wave. */
  failedReads: number;
}

const { values: options } = parseArgs({
  options: {
    revocations: { type: "string", default: "10000" },
    isolates: { type: "string", default: "4" },
    seconds: { type: "string", default: "5" },
    late: { type: "string", default: "0" },
    write: { type: "boolean", default: false },
  },
});
const revocations = Number(options.revocations);
const boundMs = Number(options.seconds) * 1000;
const halfBoundMs = boundMs / 2;
const waveKeys = Math.min(MAX_WAVE_KEYS, Math.ceil(revocations / MIN_WAVES));
const clock = () => performance.now();
const say = (text: string) => process.stdout.write(`${text}\n`);

const isolates = Array.from({ length: Number(options.isolates) }, (_, i) => i);
const lateShare = Number(options.late);
const service = await startService(isolates.length, boundMs / 1000, lateShare);
let unclear = 0;
let failedReads = 0;

try {
  const apart = new Set((await service.reads()).map((reads) => reads.isolate)).size;
  if (apart !== isolates.length) throw new Error(`${isolates.length} Workers share ${apart} isolates`);

  const hot = await countHotReads(await createKeys(waveKeys));
  const keys = await revokeAll();
  const { text, beyond } = report(keys, hot);
  if (options.write) await writeFile(REPORT, await page(text));
  say(`${text}\n\nAccepted beyond the bound of ${boundMs / 1000} s: ${beyond}`);
  const thrifty = lateShare > 0 || (hot.first === 0 && hot.background <= HOT_HALF_BOUNDS);
  process.exitCode = beyond === 0 && thrifty ? 0 : 1;
} finally {
  await service.close();
}

/** One key after the other in each of a few lanes, so that the load of creation stays even. */
async function createKeys(count: number): Promise<Key[]> {
  const keys: Key[] = [];
  let started = 0;
  const lane = async () => {
    while (started++ < count) {
      const made = await service.createKey(below(isolates.length));
      const way = MIX[below(MIX.length)] ?? WAYS[0];
      keys.push({
        ...made,
        way,
        calledAt: Number.POSITIVE_INFINITY,
        returnedAt: Number.POSITIVE_INFINITY,
        acceptedAt: [],
        askedAt: [],
        refusedAt: [],
        rare: 0,
        failedReads: 0,
      });
    }
  };
  await Promise.all(Array.from({ length: CREATE_LANES }, lane));
  return keys;
}

/** Presents the keys to an isolate and notes what it says. */
async function ask(keys: readonly Key[], isolate: number): Promise<void> {
  const sentAt = clock();
  const statuses = await service.present(keys, isolate);
  const answeredAt = clock();
  for (const [i, key] of keys.entries()) {
    if (statuses[i] === 200) {
      key.acceptedAt[isolate] = answeredAt;
      key.askedAt[isolate] = sentAt;
    } else if (statuses[i] !== 401) unclear++;
    else if (key.calledAt > answeredAt) throw new Error("A good key was refused");
    else key.refusedAt[isolate] = answeredAt;
  }
}

/** Reads of D1 while keys that every isolate holds are asked for, and nothing changes. */
async function countHotReads(keys: readonly Key[]) {
  await Promise.all(isolates.map((i) => ask(keys, i)));
  const before = await service.reads();
  const until = clock() + HOT_HALF_BOUNDS * halfBoundMs;
  let answers = 0;
  while (clock() < until) {
    await Promise.all(isolates.map((i) => ask(keys, i)));
    answers += keys.length * isolates.length;
    await sleep(ASK_PAUSE_MS);
  }
  const after = await service.reads();
  const grown = (of: "background" | "first") => after.map((reads, i) => reads[of] - (before[i]?.[of] ?? 0));
  return { answers, background: Math.max(...grown("background")), first: Math.max(...grown("first")) };
}

async function revokeAll(): Promise<Key[]> {
  const done: Key[] = [];
  let next = createKeys(Math.min(waveKeys, revocations));
  for (let wave = 0; done.length < revocations; wave++) {
    const keys = await next;
    const left = revocations - done.length - keys.length;
    next = createKeys(Math.min(waveKeys, left));
    await revokeWave(keys, wave % 2 === 0);
    done.push(...keys);
    const failed = service.takeFailedReads();
    for (const key of keys) key.failedReads = failed;
    failedReads += failed;
    process.stderr.write(`${done.length} of ${revocations}\r`);
  }
  return done;
}

/**
 * Each isolate is first asked at a random moment of half a bound, so that each stands somewhere else
 * between two looks at the feed when the revocations start. One isolate of each wave is then left alone
 * until a random moment of the bound, or past it: the worst case of the promise.
 */
async function revokeWave(keys: readonly Key[], atOnce: boolean): Promise<void> {
  const soonestAt = clock() + halfBoundMs + FILL_MS;
  const rare = below(isolates.length);
  const holding = isolates.map(async (isolate) => {
    await sleep(Math.random() * halfBoundMs);
    while (keys.some((key) => key.acceptedAt[isolate] === undefined)) await ask(keys, isolate);
  });
  const started = Promise.all(holding).then(() => Math.max(soonestAt, clock()));

  const askUntilRefused = async (isolate: number) => {
    await holding[isolate];
    if (isolate === rare) {
      const past = Math.random() < PAST_BOUND_SHARE;
      const pause = past ? boundMs + Math.random() * halfBoundMs : Math.random() * (boundMs - EDGE_MS);
      await sleepUntil((await started) + pause);
    }
    let asked = keys;
    for (const since = clock(); asked.length > 0 && clock() - since < GIVE_UP_BOUNDS * boundMs; ) {
      await ask(asked, isolate);
      asked = asked.filter((key) => key.refusedAt[isolate] === undefined);
      await sleep(ASK_PAUSE_MS);
    }
  };
  const revokeInTime = async (key: Key, i: number) => {
    key.rare = rare;
    await sleepUntil((await started) + (atOnce ? i * BURST_GAP_MS : Math.random() * halfBoundMs));
    key.calledAt = clock();
    // Not at the isolate that is to be left alone.
    await service.revoke(key, key.way, rare + 1 + below(isolates.length - 1));
    key.returnedAt = clock();
  };
  await Promise.all([...isolates.map(askUntilRefused), ...keys.map(revokeInTime)]);
}

function report(keys: readonly Key[], hot: Awaited<ReturnType<typeof countHotReads>>) {
  const delay = (key: Key, isolate: number) => Math.max(0, (key.acceptedAt[isolate] ?? 0) - key.calledAt);
  const pairs = keys.flatMap((key) => isolates.map((isolate) => ({ key, isolate, ms: delay(key, isolate) })));
  const beyond = (delays: readonly number[]) => delays.filter((ms) => ms > boundMs).length;
  const row = (name: string, delays: readonly number[]) => [
    name,
    whole(delays.length),
    whole(quantile(delays, 0.5)),
    whole(quantile(delays, 0.99)),
    whole(quantile(delays, 1)),
    whole(beyond(delays)),
  ];
  const all = pairs.map(({ ms }) => ms);
  const text = [
    table(
      ["last accepted after the revocation", "samples", "median ms", "p99 ms", "worst ms", "beyond"],
      [
        row("each key at each isolate", all),
        row(
          "… isolate in constant use",
          pairs.filter(({ key, isolate }) => isolate !== key.rare).map(({ ms }) => ms),
        ),
        row(
          "… isolate rarely used",
          pairs.filter(({ key, isolate }) => isolate === key.rare).map(({ ms }) => ms),
        ),
        ...WAYS.map((way) =>
          row(
            `… revoked by ${way}`,
            pairs.filter(({ key }) => key.way === way).map(({ ms }) => ms),
          ),
        ),
        row(
          "each key at its last isolate",
          keys.map((key) => Math.max(...isolates.map((i) => delay(key, i)))),
        ),
      ],
    ),
    "",
    table(
      [`reads of D1 in ${HOT_HALF_BOUNDS} half bounds, keys held, worst isolate`, "reads"],
      [
        ["beside the answer", whole(hot.background)],
        [`before one of ${whole(hot.answers)} answers`, whole(hot.first)],
      ],
    ),
    "",
    `${whole(keys.length)} revocations, ${isolates.length} isolates, bound ${boundMs / 1000} s; answers neither 200 nor 401: ${unclear};`,
    `reads of D1 that failed or came too late: ${failedReads}`,
    ...pairs
      .filter(({ ms }) => ms > boundMs)
      .slice(0, DESCRIBED)
      .map(({ key, isolate }) => describe(key, isolate)),
  ].join("\n");
  const held = pairs.filter(({ key, isolate }) => lateShare === 0 || isolate !== key.rare);
  return { text, beyond: beyond(held.map(({ ms }) => ms)) };
}

/** An acceptance beyond the bound, with what tells a late isolate from a slow call or a read that failed. */
function describe(key: Key, isolate: number): string {
  const since = (moment: number | undefined) => whole((moment ?? Number.NaN) - key.calledAt);
  return [
    `- beyond: revoked by ${key.way}, call returned after ${since(key.returnedAt)} ms;`,
    `isolate ${isolate} accepted a question sent after ${since(key.askedAt[isolate])} ms,`,
    `answered after ${since(key.acceptedAt[isolate])} ms, refused after ${since(key.refusedAt[isolate])} ms;`,
    `failed reads in its wave: ${key.failedReads}`,
  ].join(" ");
}

async function page(text: string): Promise<string> {
  const [wrangler, workerd] = await Promise.all(["wrangler", "workerd"].map(versionOf));
  return `# Revoked means revoked: measured

Written by \`npm run prove:revocation -- --write\`, which anybody can repeat.

${text}

## What is measured

The Worker of this repository as wrangler bundles it, once in each of several isolates of workerd, over one D1 database
without replicas; rate limits are left out. Keys are created by the management API and revoked by it, by their holder,
or by an \`UPDATE\` in SQL. Each isolate holds each key before it is revoked, and is asked until it refuses.

- **The clock** starts just before the revoking call is made, so before the commit, and stops when an accepting
  answer has arrived, so after the verdict. Both ends are to the disadvantage of Latchkey: the call, the way back
  and the other answers of the same round are in the figure. 0 where no accepting answer came after the call.
- **In constant use**: every held key is presented every ${ASK_PAUSE_MS} ms or so. Such an isolate looks at the feed
  every half bound, so the delay is spread evenly over half a bound; the one that takes the call looks at once.
- **Rarely used**: in each wave of up to ${MAX_WAVE_KEYS} keys one isolate is left alone after it took the keys in, until
  a random moment of the bound or past it. Its first answer may rest on what it knew almost a whole bound ago: the
  worst case of the promise. It is not woken in the last ${EDGE_MS} ms before the bound, where the ends of a call could
  not tell the side.
- Half of the waves are revoked at once, ${BURST_GAP_MS} ms apart, half at random moments of half a bound. Isolates stand at
  random moments between two looks at the feed.
- **Reads that failed or came too late** are counted, as the promise is made for a database that can be reached. An
  acceptance beyond the bound counts as such in any case, and is described.

## Where

Node.js ${process.version}, wrangler ${wrangler}, workerd ${workerd}; ${cpus().length} × ${cpus()[0]?.model.trim()}, ${process.platform}.
`;
}

async function versionOf(name: string): Promise<string> {
  return JSON.parse(await readFile(join(ROOT, "node_modules", name, "package.json"), "utf8")).version;
}

async function sleepUntil(moment: number): Promise<void> {
  await sleep(Math.max(0, moment - clock()));
}

/** A random whole number from 0, less than `end`; 0 where there is none. */
function below(end: number): number {
  return Math.floor(Math.random() * Math.max(1, end));
}
