/**
 * Revokes keys of a running Latchkey and asks its isolates about them, before the bound, at it and long after it.
 *
 *     npm run prove:revocation -- [--revocations 10000] [--isolates 4] [--processes 2] [--seconds 5] [--late 0] [--cache none] …
 *
 * 10,000 revocations take twelve minutes, 300 three and a half. Ends with code 1 where an isolate accepted a key
 * beyond the bound or after it had refused it, where it had no answer (503) on a key that it held, or on any key though
 * all reads came in time, where keys in constant use cost more reads of D1 than one in half a bound, and where the run
 * could have missed a bound 1.2 times too long.
 *
 * `--late 0.3`: so many of the reads take 1.5 s. `--configured 6`: Latchkey runs with this bound in place of the one
 * that it is held to, so that the run has to fail. `--cache shared`: the isolates of a process share the Cache API, as those
 * of a data centre do, and it fails as well where they look at the feed more than 1.2 times a second between them;
 * `forged`, `delayed`, `replayed`: somebody else has that cache in hand. `--databases 4 --lag 7`: of so many, each with
 * a replica that is 7 s behind. `--beside ../old`: every other isolate runs the release that is checked out there.
 */
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Turned, turnCompany } from "./company.ts";
import { quantile, table, whole } from "./figures.ts";
import { CACHES, type CacheKind, READS, type ServiceKey, startService, WAYS, type Way } from "./service.ts";

/** Revoked together, at most and at least. */
const MAX_WAVE_KEYS = 200;
const MIN_WAVES = 10;
/** One isolate in so many is in constant use, the others are idle. */
const ISOLATES_PER_HOT = 4;
const ASK_PAUSE_MS = 100;
/** Of a wave's keys, so many are revoked one after the other, the rest at random moments of `SPREAD_BOUNDS`. */
const AT_ONCE_SHARE = 0.8;
const AT_ONCE_GAP_MS = 4;
const SPREAD_BOUNDS = 0.3;
/** When an idle isolate is asked again, in bounds; not just before the bound, where the ends of a call tell no side. */
const IDLE = [
  { share: 0.2, from: 0, to: 0.95 },
  { share: 0.8, from: 1, to: 1.2 },
] as const;
/** A wave ends when its last keys are so many bounds past their revocation. */
const WAVE_BOUNDS = SPREAD_BOUNDS + 1.1;
/** The mistake that the run has to be able to see. */
const TOO_LONG = 1.2;
const MIN_CHANCE = 0.99;
/** Revoked or expired; suspended, or not from there. */
const REFUSALS = new Set<number | undefined>([401, 403]);
/** Keys of earlier waves that are asked again with each question, at random. */
const DEAD_ASKED = 10;
/** How long, in half bounds, keys in constant use are left unchanged to count reads. */
const HOT_HALF_BOUNDS = 4;
/** How many of them. With so many requests that the machine falls behind, the isolates would wait for each other, not for the cache. */
const HOT_KEYS = 30;
/** How often isolates that share a cache look at the feed, a second, all together. */
const MAX_SHARED_LOOKS = 1.2;
const CREATE_LANES = 8;
const LOOK_PAUSE_MS = 20;
/** By how much two ways to tell the time may differ. */
const CLOCK_MS = 10;
/** How often a key is presented that is neither accepted nor refused. */
const MAX_ASKED = 20;
/** Broken promises that are described, at most. */
const DESCRIBED = 20;
/** How keys are revoked, in proportion. */
const MIX: readonly Way[] = [WAYS[0], ...WAYS];

/** What an isolate has said of a key. Moments are milliseconds of this process's monotonic clock. */
interface Seen {
  /** When the question of its last accepting answer was sent, and when that answer had arrived. */
  askedAt: number;
  acceptedAt: number;
  /** Whether that answer told that the database could not be asked. */
  isStale: boolean;
  /** Since when it is known to hold the key: then it had answered by what it knew before the question. */
  heldSince: number;
  /** When its first refusal had arrived, and how often it accepted later. */
  refusedAt: number;
  again: number;
}

interface Key extends ServiceKey {
  way: Way;
  /** Just before the revoking call was made. */
  calledAt: number;
  /** The latest moment that is known to be before its commit. */
  committedAfter: number;
  /** When that call had returned. */
  returnedAt: number;
  /** By isolate. */
  seen: Seen[];
}

const { values: options } = parseArgs({
  options: {
    revocations: { type: "string", default: "10000" },
    isolates: { type: "string", default: "4" },
    processes: { type: "string", default: "2" },
    seconds: { type: "string", default: "5" },
    configured: { type: "string" },
    late: { type: "string", default: "0" },
    cache: { type: "string", default: "none" },
    databases: { type: "string", default: "1" },
    lag: { type: "string", default: "0" },
    beside: { type: "string" },
  },
});
const revocations = Number(options.revocations);
const boundMs = Number(options.seconds) * 1000;
const lateShare = Number(options.late);
const databases = Number(options.databases);
const isolates = Array.from({ length: Number(options.isolates) }, (_, i) => i);
const waveKeys = Math.min(MAX_WAVE_KEYS, Math.ceil(revocations / MIN_WAVES));
const hot = isolates.slice(0, Math.max(1, Math.floor(isolates.length / ISOLATES_PER_HOT)));
const idle = isolates.slice(hot.length);
const readAtOnce = Math.ceil(READS.atOnce / isolates.length);
const clock = () => performance.now();

const service = await startService({
  isolates: isolates.length,
  processes: Number(options.processes),
  revocationSeconds: Number(options.configured ?? options.seconds),
  cache: cacheOf(options.cache),
  databases,
  lagMs: Number(options.lag) * 1000,
  ...(options.beside !== undefined && { beside: resolve(options.beside) }),
});
/** Keys of earlier waves. */
const dead: Key[] = [];
/** For each idle isolate that was asked again: how likely its answer would have shown that the bound is too long. */
const chances: number[] = [];
/** Answers that neither accept nor refuse: all of them, and those on good keys that the isolate held. */
const unclear = { all: 0, held: 0 };
/** The longest that an answer took. What is accepted just before the bound and answered so slowly counts as beyond it. */
let slowestMs = 0;

try {
  const apart = new Set((await service.reads()).map((reads) => reads.isolate)).size;
  if (apart !== isolates.length) throw new Error(`${isolates.length} Workers share ${apart} isolates`);
  const good = await createKeys(waveKeys);
  const hotReads = await countHotReads(good.slice(0, HOT_KEYS));
  const company = await turnCompany(service, isolates, good, boundMs);
  await revokeAll();
  const holds = [report(hotReads), reportCompany(company)];
  process.exitCode = holds.every(Boolean) ? 0 : 1;
} finally {
  await service.close();
}

/** One key after the other in each of a few lanes, so that the load of creation stays even. */
async function createKeys(count: number): Promise<Key[]> {
  const keys: Key[] = [];
  let started = 0;
  const lane = async () => {
    while (started++ < count) {
      const way = anyOf(MIX);
      keys.push({
        ...(await service.createKey(anyOf(hot), way)),
        way,
        calledAt: Number.POSITIVE_INFINITY,
        committedAfter: Number.POSITIVE_INFINITY,
        returnedAt: Number.POSITIVE_INFINITY,
        seen: isolates.map(() => ({
          askedAt: 0,
          acceptedAt: 0,
          isStale: false,
          heldSince: Number.POSITIVE_INFINITY,
          refusedAt: 0,
          again: 0,
        })),
      });
    }
  };
  await Promise.all(Array.from({ length: CREATE_LANES }, lane));
  return keys;
}

/** Presents the keys to an isolate, each in a request of its own, and notes what it says. */
async function ask(keys: readonly Key[], isolate: number, late = lateShare): Promise<void> {
  const sentAt = clock();
  const answers = await service.present(keys, isolate, late);
  for (const [i, key] of keys.entries()) {
    const { status, at, isStale, checkedAt } = nth(answers, i);
    slowestMs = Math.max(slowestMs, at - sentAt);
    const seen = nth(key.seen, isolate);
    if (status === 200) {
      if (seen.refusedAt > 0 && seen.refusedAt < sentAt) seen.again++;
      seen.acceptedAt = at;
      seen.isStale = isStale;
      if (checkedAt < sentAt - CLOCK_MS) seen.heldSince = Math.min(seen.heldSince, at);
      seen.askedAt = sentAt;
    } else if (!REFUSALS.has(status)) {
      unclear.all++;
      if (key.calledAt > at && seen.heldSince < sentAt) unclear.held++;
    } else if (key.calledAt > at) throw new Error("A good key was refused");
    else seen.refusedAt ||= at;
  }
}

/** Asks an isolate about keys that it has to read, so many at once that the database is not late by itself. */
async function askGently(keys: readonly Key[], isolate: number, late = lateShare): Promise<void> {
  const asked: Promise<void>[] = [];
  for (let from = 0; from < keys.length; from += readAtOnce) {
    // A database that falls behind is asked more slowly.
    await asked.at(-READS.unanswered);
    asked.push(ask(keys.slice(from, from + readAtOnce), isolate, late));
    await sleep(READS.pauseMs);
  }
  await Promise.all(asked);
}

/** Presents the keys until the isolate holds all of them, with prompt reads. */
async function takeIn(keys: readonly Key[], isolate: number): Promise<void> {
  for (let left = keys; left.length > 0; ) {
    await askGently(left, isolate, 0);
    left = left.filter((key) => nth(key.seen, isolate).acceptedAt === 0);
  }
}

/** Lets an isolate that was left alone for half a bound look at the feed. @returns as of when it knows all changes. */
async function lookAt(key: Key, isolate: number): Promise<number> {
  const startedAt = clock();
  for (;;) {
    const [answer] = await service.present([key], isolate);
    if (answer !== undefined && answer.checkedAt >= startedAt) return answer.checkedAt;
    await sleep(LOOK_PAUSE_MS);
  }
}

/** Reads of D1 while keys that every isolate holds are asked for, and nothing changes. */
async function countHotReads(keys: readonly Key[]) {
  await Promise.all(isolates.map((i) => takeIn(keys, i)));
  const before = await service.reads();
  const startedAt = clock();
  const until = startedAt + HOT_HALF_BOUNDS * (boundMs / 2);
  let answers = 0;
  while (clock() < until) {
    await Promise.all(isolates.map((i) => ask(keys, i)));
    answers += keys.length * isolates.length;
    await sleep(ASK_PAUSE_MS);
  }
  const after = await service.reads();
  const seconds = (clock() - startedAt) / 1000;
  const grown = (of: "background" | "first") => after.map((reads, i) => reads[of] - (before[i]?.[of] ?? 0));
  const background = grown("background");
  return {
    answers,
    background: Math.max(...background),
    first: Math.max(...grown("first")),
    looksPerSecond: background.reduce((sum, looks) => sum + looks, 0) / seconds,
  };
}

async function revokeAll(): Promise<void> {
  let live: readonly Key[] = [];
  let isOver = false;
  /** Isolates in constant use are never left alone, so that each stands somewhere else between two looks at the feed. */
  const inConstantUse = hot.map(async (isolate) => {
    while (!isOver) {
      await ask([...live, ...someDead()], isolate);
      await sleep(ASK_PAUSE_MS);
    }
  });
  const revokeWaves = async () => {
    let next = createKeys(waveKeys);
    while (dead.length < revocations) {
      const keys = await next;
      live = keys;
      next = createKeys(Math.min(waveKeys, revocations - dead.length - keys.length));
      await revokeWave(keys);
      dead.push(...keys);
      const failed = `reads that failed: ${service.failedReads()}, held keys without an answer: ${unclear.held}`;
      process.stderr.write(`${dead.length} of ${revocations}; ${failed}\r`);
    }
    live = [];
    await Promise.all(idle.map((isolate) => askAtRandom([], isolate, clock() + boundMs)));
    isOver = true;
  };
  await Promise.all([...inConstantUse, revokeWaves()]);
}

/** All isolates hold the keys; they are revoked; each idle isolate is asked about one of them, and then about others. */
async function revokeWave(keys: readonly Key[]): Promise<void> {
  await Promise.all(isolates.map((isolate) => takeIn(keys, isolate)));
  await sleep(boundMs / 2);
  const knownSince = await Promise.all(idle.map((isolate) => lookAt(anyOf(keys), isolate)));
  const startedAt = clock();
  const endsAt = startedAt + WAVE_BOUNDS * boundMs;
  const atOnce = Math.ceil(AT_ONCE_SHARE * keys.length);

  const revokeInTime = async (key: Key, i: number) => {
    await sleep(i < atOnce ? i * AT_ONCE_GAP_MS : Math.random() * SPREAD_BOUNDS * boundMs);
    key.calledAt = clock();
    await service.revoke(key, key.way, anyOf(hot));
    key.returnedAt = clock();
  };
  const leaveAlone = async (isolate: number) => {
    await sleepUntil(startedAt + idleMs());
    const key = anyOf(keys);
    await ask([key], isolate);
    await askAtRandom(keys, isolate, endsAt);
    await untilRefused(keys, isolate);
    return key;
  };
  const [asked] = await Promise.all([Promise.all(idle.map(leaveAlone)), ...keys.map(revokeInTime)]);
  await Promise.all(hot.map((isolate) => untilRefused(keys, isolate)));
  const commits = await service.commits();
  for (const key of keys) key.committedAfter = Math.max(key.calledAt, commits.get(key.id) ?? 0);
  for (const [i, key] of asked.entries()) {
    const beyondAt = key.committedAfter + boundMs;
    const tooLongUntil = nth(knownSince, i) + TOO_LONG * boundMs;
    chances.push(chanceBetween(beyondAt - startedAt, tooLongUntil - startedAt));
  }
}

/** Presents the keys until the isolate has refused all of them; where reads are late, some are answered 503 at first. */
async function untilRefused(keys: readonly Key[], isolate: number): Promise<void> {
  for (let left = keys, asked = 0; left.length > 0 && asked < MAX_ASKED; asked++) {
    await askGently(left, isolate);
    left = left.filter((key) => nth(key.seen, isolate).refusedAt === 0);
  }
}

/** Single keys, of the wave and of earlier ones. */
async function askAtRandom(keys: readonly Key[], isolate: number, until: number): Promise<void> {
  while (clock() < until) {
    const asked = keys.length > 0 ? [anyOf(keys), ...someDead()] : someDead();
    if (asked.length > 0) await ask([anyOf(asked)], isolate);
    await ask(asked, isolate);
    await sleepUntil(Math.min(until, clock() + Math.random() * 2 * ASK_PAUSE_MS));
  }
}

function someDead(): Key[] {
  return dead.length === 0 ? [] : Array.from({ length: DEAD_ASKED }, () => anyOf(dead));
}

/** @returns whether everything held. */
function report(hotReads: Awaited<ReturnType<typeof countHotReads>>): boolean {
  const samples = dead.flatMap((key) =>
    isolates.map((isolate) => {
      const seen = nth(key.seen, isolate);
      return { key, isolate, seen, ms: Math.max(0, seen.acceptedAt - key.committedAfter) };
    }),
  );
  const broken = samples
    .filter(({ ms, seen }) => ms > boundMs || seen.again > 0 || seen.refusedAt === 0)
    .sort((a, b) => b.ms - a.ms);
  const row = (name: string, some: typeof samples) => {
    const delays = some.map(({ ms }) => ms);
    return [
      name,
      whole(delays.length),
      ...[0.5, 0.99, 1].map((q) => whole(quantile(delays, q))),
      whole(delays.filter((ms) => ms > boundMs).length),
    ];
  };
  const failedReads = service.failedReads();
  const missed = chances.reduce((product, chance) => product * (1 - chance), 1);
  const expected = chances.reduce((sum, chance) => sum + chance, 0);
  const lines = [
    table(
      ["last accepted after the revocation", "samples", "median ms", "p99 ms", "worst ms", "beyond"],
      [
        row("each key at each isolate", samples),
        row(
          "… isolate in constant use",
          samples.filter(({ isolate }) => hot.includes(isolate)),
        ),
        row(
          "… idle isolate",
          samples.filter(({ isolate }) => idle.includes(isolate)),
        ),
        ...WAYS.map((way) =>
          row(
            `… revoked by ${way}`,
            samples.filter(({ key }) => key.way === way),
          ),
        ),
      ],
    ),
    "",
    table(
      [`reads of D1 in ${HOT_HALF_BOUNDS} half bounds, keys held, worst isolate`, "reads"],
      [
        ["beside the answer", whole(hotReads.background)],
        [`before one of ${whole(hotReads.answers)} answers`, whole(hotReads.first)],
        ["a second at the primary, of all isolates", hotReads.looksPerSecond.toFixed(1)],
      ],
    ),
    "",
    `${whole(dead.length)} revocations; ${isolates.length} isolates in ${options.processes} processes, ${idle.length} of them idle; bound ${boundMs / 1000} s; cache: ${options.cache};`,
    `databases: ${databases}${options.lag === "0" ? "" : `, with replicas that are ${options.lag} s behind`}${options.beside === undefined ? "" : "; two releases"};`,
    `${lateShare * 100} % of the reads 1.5 s late; reads that failed or came too late: ${whole(failedReads)};`,
    `answers that neither accept nor refuse: ${whole(unclear.all)}, on keys that were held: ${unclear.held};`,
    `the slowest answer took ${whole(slowestMs)} ms;`,
    `accepted after it was refused: ${samples.filter(({ seen }) => seen.again > 0).length}.`,
    `${whole(chances.length)} idle isolates were asked about one key. Had the bound been ${TOO_LONG} times as long, ${expected.toFixed(1)} of them`,
    `would have shown it on average, and none with a chance of ${missed.toExponential(1)}.`,
    ...broken.slice(0, DESCRIBED).map(({ key, isolate, seen }) => describe(key, isolate, seen)),
    "",
    `Broken promises: ${broken.length}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  const isShared = options.cache === "shared";
  // Releases that sign what they share in different ways share nothing with each other.
  const releases = options.beside === undefined ? 1 : 2;
  const isSeldom = isShared
    ? hotReads.looksPerSecond <= MAX_SHARED_LOOKS * Number(options.processes) * databases * releases
    : options.cache !== "none" || hotReads.background <= HOT_HALF_BOUNDS * databases;
  const isThrifty = lateShare > 0 || (hotReads.first === 0 && isSeldom);
  // Where reads are late, who asks about a key that is not held may be told to come again.
  const isClear = unclear.held === 0 && (failedReads > 0 || unclear.all === 0);
  return broken.length === 0 && isClear && isThrifty && missed <= 1 - MIN_CHANCE;
}

/** @returns whether all keys of the company followed within the bound, and no other. */
function reportCompany({ suspendedMs, resumedMs, left, others }: Turned): boolean {
  const lines = [
    "",
    `A company of 1,000 keys in use at four isolates: last accepted ${whole(suspendedMs)} ms after it was suspended,`,
    `last refused ${whole(resumedMs)} ms after it was resumed; wrong in the end: ${left}; keys of others refused: ${others}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return suspendedMs <= boundMs && resumedMs <= boundMs && left === 0 && others === 0;
}

/** What tells a late isolate from a slow call. */
function describe(key: Key, isolate: number, seen: Seen): string {
  const since = (moment: number) => whole(moment - key.committedAfter);
  return [
    `- revoked by ${key.way}, call returned after ${since(key.returnedAt)} ms; isolate ${isolate} accepted${seen.isStale ? " as stale" : ""}`,
    `a question sent after ${since(seen.askedAt)} ms, answered after ${since(seen.acceptedAt)} ms,`,
    `${seen.refusedAt > 0 ? `first refused after ${since(seen.refusedAt)} ms` : "never refused"}, accepted later ${seen.again} times`,
  ].join(" ");
}

function cacheOf(name: string): CacheKind {
  const found = CACHES.find((kind) => kind === name);
  if (found === undefined) throw new Error(`--cache is one of ${CACHES.join(", ")}`);
  return found;
}

/** How long an idle isolate is left alone. */
function idleMs(): number {
  const [early, late] = IDLE;
  const { from, to } = Math.random() < early.share ? early : late;
  return (from + Math.random() * (to - from)) * boundMs;
}

/** The chance that `idleMs` is between the two. */
function chanceBetween(startMs: number, endMs: number): number {
  return IDLE.reduce((sum, { share, from, to }) => {
    const overlap = Math.min(endMs / boundMs, to) - Math.max(startMs / boundMs, from);
    return sum + (share * Math.max(0, overlap)) / (to - from);
  }, 0);
}

async function sleepUntil(moment: number): Promise<void> {
  await sleep(Math.max(0, moment - clock()));
}

function anyOf<T>(items: readonly T[]): T {
  return nth(items, Math.floor(Math.random() * items.length));
}

function nth<T>(items: readonly T[], index: number): T {
  const found = items[index];
  if (found === undefined) throw new RangeError(`There is no number ${index}`);
  return found;
}
