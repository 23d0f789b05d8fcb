/**
 * Isolates, keys and databases, simulated: no I/O, no clock, and chance is seeded. A sample of isolates is lived
 * through, one request after the other.
 */
import type { KeyRecord } from "../src/verify/decide.ts";
import { Feed, type Question } from "../src/verify/feed.ts";
import { FEED_PAGE_SIZE, type KeyChange, NO_KEY, PAGE_SIZE } from "../src/verify/snapshot.ts";
import { pause, random, zipf } from "./chance.ts";

const OUTAGE_SECONDS = 300;
/** As in `src/isolate.ts`. */
const RETRY_MS = 1_000;
const CALLER_WAIT_MS = 2_000;
const CACHE_CAPACITY = 200_000;

/** An isolate starts with nothing, lives so long, and is followed by a new one. */
export const LIFE_SECONDS = 1_800;
/** What each quarter of a region's isolates gets, in parts of the mean. */
export const LOADS = [0.1, 0.4, 1, 2.5];
/** At least so many keys are revoked, more where a key lives for a day or so on average. */
export const MIN_REVOCATIONS_PER_SECOND = 0.02;
const REVOCATIONS_PER_KEY_AND_SECOND = 1e-5;
/** A revoked key goes on being presented for so many bounds, then its successor is. */
const REVOKED_USE_BOUNDS = 2;
/** How far a replica is behind the primary. */
export const LAG_MS = 100;
const SEED = 1;

/** Where D1 has replicas; the first has the primary. */
export const REGIONS: readonly Region[] = [
  { traffic: 0.32, isolates: 0.28, readMs: 12, lagMs: 0 },
  { traffic: 0.12, isolates: 0.14, readMs: 15, lagMs: LAG_MS },
  { traffic: 0.28, isolates: 0.24, readMs: 12, lagMs: LAG_MS },
  { traffic: 0.08, isolates: 0.1, readMs: 20, lagMs: LAG_MS },
  { traffic: 0.17, isolates: 0.18, readMs: 30, lagMs: LAG_MS },
  { traffic: 0.03, isolates: 0.06, readMs: 25, lagMs: LAG_MS },
];

interface Region {
  /** Shares of all requests and of all isolates. */
  traffic: number;
  isolates: number;
  /** There and back. */
  readMs: number;
  lagMs: number;
}

export interface Size {
  requestsPerSecond: number;
  isolates: number;
  keys: number;
}

type Rank = ReturnType<typeof zipf>;

/** What happens to the keys during the life of an isolate. Moments are milliseconds of that life. */
interface History {
  /** The revoked key, by the database that holds it; a change's `seq` is its place. */
  changes: readonly (readonly { digest: string; at: number }[])[];
  /** In the order of time. */
  revokedAt: ReadonlyMap<string, number>;
  /** In the order of `at`: from here on the next key of this rank is presented. */
  successions: readonly { rank: number; at: number }[];
}

/** A way of caching, as one isolate lives it. */
interface Cache {
  reads: number;
  /** Of the reads, those which ask the feed alone, beside an answer. */
  background: number;
  withoutIo: number;
  /** For each key held when it was revoked: how long after that a request would still have been accepted. */
  delays: Map<string, number>;
  present(digest: string, shard: number, now: number): void;
  /** The key was revoked just now, wherever this isolate may be. */
  revoked(digest: string, shard: number, now: number): void;
}

export interface Outcome {
  /** At all databases and replicas together. */
  readsPerSecond: number;
  backgroundPerSecond: number;
  /** At the region that asks most. */
  busiestPerSecond: number;
  withoutIo: number;
  delaysMs: number[];
}

const digestOf = (rank: number, generation: number) => `${rank}.${generation}`;
const rankIn = (digest: string) => Number.parseInt(digest, 10);
/** Neighbours in use are spread over the databases, as the bits of a digest would. */
const shardOf = (rank: number, shards: number) => rank % shards;

/** Keys in use are revoked more often than others: of those a delay can be seen. */
function makeHistory({ keys }: Size, rankOf: Rank, boundMs: number, shards: number): History {
  const chance = random(SEED);
  const perSecond = Math.max(MIN_REVOCATIONS_PER_SECOND, keys * REVOCATIONS_PER_KEY_AND_SECOND);
  const changes = Array.from({ length: shards }, () => [{ digest: "", at: 0 }]);
  const revokedAt = new Map<string, number>();
  const successions: { rank: number; at: number }[] = [];
  const newest = new Map<number, { generation: number; from: number }>();
  for (let at = pause(perSecond, chance); at < LIFE_SECONDS * 1000; at += pause(perSecond, chance)) {
    const rank = rankOf(chance());
    const { generation, from } = newest.get(rank) ?? { generation: 0, from: 0 };
    if (at < from) continue;
    const digest = digestOf(rank, generation);
    const succession = { rank, at: at + REVOKED_USE_BOUNDS * boundMs };
    changes[shardOf(rank, shards)]?.push({ digest, at });
    revokedAt.set(digest, at);
    successions.push(succession);
    newest.set(rank, { generation: generation + 1, from: succession.at });
  }
  return { changes, revokedAt, successions };
}

/** What a read at the region's replica sees. */
function recordAt(history: History, digest: string, seenAt: number): KeyRecord {
  const at = history.revokedAt.get(digest) ?? Number.POSITIVE_INFINITY;
  const revokedAt = at <= seenAt ? at : null;
  return {
    id: "",
    companyId: "",
    scopes: [],
    expiresAt: null,
    revokedAt,
    suspendedAt: null,
    metadata: null,
    allowedIps: null,
    company: null,
  };
}

/** The product's own state machine, one for each database, driven as `src/verify/verifier.ts` does. */
export function feedCache(history: History, region: Region, boundMs: number): Cache {
  const limits = {
    boundMs,
    outageMs: OUTAGE_SECONDS * 1000,
    retryMs: RETRY_MS,
    waitMs: CALLER_WAIT_MS,
    capacity: CACHE_CAPACITY,
  };
  const databases = history.changes.map((changes) => ({
    changes,
    feed: new Feed(limits),
    committed: 0,
    /** Revoked, and still held as good. */
    exposed: new Set<string>(),
  }));
  type Database = (typeof databases)[number];
  const underWay: { database: Database; question: Question; digest: string }[] = [];
  const delays = new Map<string, number>();

  function settle(now: number): void {
    for (let [read] = underWay; read && read.question.askedAt + region.readMs <= now; [read] = underWay) {
      underWay.shift();
      absorb(read);
    }
  }

  function absorb({ database, question, digest }: (typeof underWay)[number]): void {
    const { changes, feed, exposed } = database;
    const seenAt = question.askedAt + region.readMs / 2 - region.lagMs;
    while ((changes[database.committed + 1]?.at ?? Number.POSITIVE_INFINITY) <= seenAt) database.committed++;
    const from = question.cursor?.seq ?? database.committed;
    const pageSize = digest === NO_KEY ? FEED_PAGE_SIZE : PAGE_SIZE;
    const seen: KeyChange[] = [];
    for (let seq = from; seq <= database.committed && seen.length <= pageSize; seq++) {
      seen.push({ seq, digest: changes[seq]?.digest ?? "", changedAt: changes[seq]?.at ?? 0 });
    }
    const now = question.askedAt + region.readMs;
    const usableUntil = Math.min(now, feed.syncedAt + boundMs);
    feed.absorb(
      question,
      {
        changes: seen,
        head: database.committed,
        record: digest === NO_KEY ? null : recordAt(history, digest, seenAt),
      },
      digest,
      now,
    );
    // A read that was under way when its key was revoked.
    if (digest && isExposed(feed, digest) && (history.revokedAt.get(digest) ?? now) < now)
      exposed.add(digest);
    for (const held of exposed) {
      const revokedAt = history.revokedAt.get(held) ?? usableUntil;
      delays.set(held, Math.max(delays.get(held) ?? 0, usableUntil - revokedAt));
      if (!isExposed(feed, held)) exposed.delete(held);
    }
  }

  return {
    reads: 0,
    background: 0,
    withoutIo: 0,
    delays,
    present(digest, shard, now) {
      settle(now);
      const database = nth(databases, shard);
      const { feed } = database;
      const urgency = feed.urgency(now);
      const held = urgency === "first" ? undefined : feed.get(digest);
      if (held !== undefined) this.withoutIo++;
      if (held !== undefined && urgency === "none") return;
      this.reads++;
      if (held !== undefined) this.background++;
      underWay.push({ database, question: feed.ask(now), digest: held === undefined ? digest : "" });
    },
    revoked(digest, shard, now) {
      settle(now);
      const { feed, exposed } = nth(databases, shard);
      if (isExposed(feed, digest)) exposed.add(digest);
    },
  };
}

function isExposed(feed: Feed, digest: string): boolean {
  return feed.get(digest)?.revokedAt === null;
}

/** A record is used for the bound after it was read, and then read again. */
export function timeToLiveCache(history: History, region: Region, boundMs: number): Cache {
  const held = new Map<string, { usableFrom: number; record: KeyRecord }>();
  const delays = new Map<string, number>();

  function note(digest: string, now: number): void {
    const entry = held.get(digest);
    const revokedAt = history.revokedAt.get(digest);
    if (entry === undefined || entry.record.revokedAt !== null || revokedAt === undefined) return;
    const delay = entry.usableFrom + boundMs - revokedAt;
    if (revokedAt <= now && delay > 0) delays.set(digest, delay);
  }

  return {
    reads: 0,
    background: 0,
    withoutIo: 0,
    delays,
    present(digest, _shard, now) {
      const found = held.get(digest);
      if (found !== undefined && found.usableFrom <= now && now < found.usableFrom + boundMs) {
        this.withoutIo++;
        return;
      }
      this.reads++;
      if (found !== undefined && found.usableFrom > now) return;
      const record = recordAt(history, digest, now + region.readMs / 2 - region.lagMs);
      held.set(digest, { usableFrom: now + region.readMs, record });
      note(digest, now + region.readMs);
    },
    revoked(digest, _shard, now) {
      note(digest, now);
    },
  };
}

/** An isolate's life, with so many requests a second. @returns how many there were. */
function live(cache: Cache, history: History, rankOf: Rank, perSecond: number, chance: () => number): number {
  const shards = history.changes.length;
  const generations = new Map<number, number>();
  const revocations = [...history.revokedAt];
  let requests = 0;
  let revoked = 0;
  let succeeded = 0;
  for (let now = pause(perSecond, chance); now < LIFE_SECONDS * 1000; now += pause(perSecond, chance)) {
    for (let next = revocations[revoked]; next && next[1] <= now; next = revocations[++revoked]) {
      cache.revoked(next[0], shardOf(rankIn(next[0]), shards), next[1]);
    }
    const { successions } = history;
    for (let next = successions[succeeded]; next && next.at <= now; next = successions[++succeeded]) {
      generations.set(next.rank, (generations.get(next.rank) ?? 0) + 1);
    }
    const rank = rankOf(chance());
    cache.present(digestOf(rank, generations.get(rank) ?? 0), shardOf(rank, shards), now);
    requests++;
  }
  return requests;
}

/** A sample of isolates, one for each load in each region, that stands for all. */
export function simulate(size: Size, boundSeconds: number, makeCache: typeof feedCache, shards = 1): Outcome {
  const boundMs = boundSeconds * 1000;
  const rankOf = zipf(size.keys);
  const history = makeHistory(size, rankOf, boundMs, shards);
  const delaysMs: number[] = [];
  const readsPerSecond: number[] = [];
  let background = 0;
  let requests = 0;
  let withoutIo = 0;
  for (const [i, region] of REGIONS.entries()) {
    const isolates = size.isolates * region.isolates;
    const standsFor = isolates / LOADS.length;
    let reads = 0;
    for (const [j, load] of LOADS.entries()) {
      const cache = makeCache(history, region, boundMs);
      const perSecond = ((size.requestsPerSecond * region.traffic) / isolates) * load;
      const chance = random(SEED + 1 + i * LOADS.length + j);
      requests += live(cache, history, rankOf, perSecond, chance) * standsFor;
      withoutIo += cache.withoutIo * standsFor;
      reads += cache.reads * standsFor;
      background += cache.background * standsFor;
      for (const delay of cache.delays.values()) delaysMs.push(delay);
    }
    readsPerSecond.push(reads / LIFE_SECONDS);
  }
  return {
    readsPerSecond: readsPerSecond.reduce((sum, reads) => sum + reads, 0),
    backgroundPerSecond: background / LIFE_SECONDS,
    busiestPerSecond: Math.max(...readsPerSecond),
    withoutIo: withoutIo / requests,
    delaysMs,
  };
}

function nth<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`There is no number ${index}`);
  return found;
}
