/**
 * Isolates, keys and databases, simulated: no I/O, no clock, and chance is seeded. A sample of isolates is lived
 * through, one request after the other.
 */
import type { KeyRecord } from "../src/verify/decide.ts";
import { Feed } from "../src/verify/feed.ts";
import {
  FEED_PAGE_SIZE,
  type KeyChange,
  type NearestQuestion,
  NO_KEY,
  PAGE_SIZE,
  type Question,
} from "../src/verify/snapshot.ts";
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
/** How far a replica is behind the primary: what was reported to be the 95th percentile. */
export const LAG_MS = 3_400;
const SEED = 1;

/** Where D1 has replicas; the first has the primary. */
export const REGIONS: readonly Region[] = [
  { traffic: 0.32, isolates: 0.28, readMs: 12, primaryMs: 12, lagMs: 0 },
  { traffic: 0.12, isolates: 0.14, readMs: 15, primaryMs: 70, lagMs: LAG_MS },
  { traffic: 0.28, isolates: 0.24, readMs: 12, primaryMs: 90, lagMs: LAG_MS },
  { traffic: 0.08, isolates: 0.1, readMs: 20, primaryMs: 110, lagMs: LAG_MS },
  { traffic: 0.17, isolates: 0.18, readMs: 30, primaryMs: 170, lagMs: LAG_MS },
  { traffic: 0.03, isolates: 0.06, readMs: 25, primaryMs: 200, lagMs: LAG_MS },
];

interface Region {
  /** Shares of all requests and of all isolates. */
  traffic: number;
  isolates: number;
  /** To the nearest replica, there and back. */
  readMs: number;
  /** To the primary, there and back. */
  primaryMs: number;
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
  /** At the primary, or for time-to-live caching at the nearest replica. */
  reads: number;
  /** At the nearest replica. */
  nearestReads: number;
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
  /** At the database that is asked most, where there are replicas. */
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
    /** Revoked, and still held as good. */
    exposed: new Set<string>(),
  }));
  type Database = (typeof databases)[number];
  type Read = { database: Database; digest: string; endsAt: number } & (
    | { question: Question }
    | { nearest: NearestQuestion }
  );
  const underWay: Read[] = [];
  const delays = new Map<string, number>();

  function settle(now: number): void {
    for (;;) {
      const [read] = underWay.toSorted((a, b) => a.endsAt - b.endsAt);
      if (read === undefined || read.endsAt > now) return;
      underWay.splice(underWay.indexOf(read), 1);
      absorb(read);
    }
  }

  /** The newest change at a moment. */
  function headAt(changes: Database["changes"], at: number): number {
    let [head, end] = [0, changes.length];
    while (end - head > 1) {
      const middle = (head + end) >> 1;
      if (nth(changes, middle).at <= at) head = middle;
      else end = middle;
    }
    return head;
  }

  function changeAt(changes: Database["changes"], seq: number): KeyChange {
    return { seq, digest: changes[seq]?.digest ?? "", changedAt: changes[seq]?.at ?? 0 };
  }

  function absorb(read: Read): void {
    const { database, digest, endsAt: now } = read;
    const { changes, feed, exposed } = database;
    const usableUntil = Math.min(now, feed.syncedAt + boundMs);
    if ("nearest" in read) {
      const { nearest } = read;
      const seenAt = nearest.askedAt + region.readMs / 2 - region.lagMs;
      const head = headAt(changes, seenAt);
      const snapshot = { changes: [changeAt(changes, Math.min(nearest.cursor.seq, head))], head };
      const record = recordAt(history, digest, seenAt);
      if (!feed.absorbNearest(nearest, { ...snapshot, record }, digest, now).isCurrent)
        self.begin(database, digest, now);
    } else {
      const { question } = read;
      const seenAt = question.askedAt + region.primaryMs / 2;
      const head = headAt(changes, seenAt);
      const from = question.cursor?.seq ?? head;
      const pageSize = digest === NO_KEY ? FEED_PAGE_SIZE : PAGE_SIZE;
      const seen: KeyChange[] = [];
      for (let seq = from; seq <= head && seen.length <= pageSize; seq++) seen.push(changeAt(changes, seq));
      const record = digest === NO_KEY ? null : recordAt(history, digest, seenAt);
      feed.absorb(question, { changes: seen, head, record }, digest, now);
    }
    // A read that was under way when its key was revoked.
    if (digest && isExposed(feed, digest) && (history.revokedAt.get(digest) ?? now) < now)
      exposed.add(digest);
    for (const held of exposed) {
      const revokedAt = history.revokedAt.get(held) ?? usableUntil;
      delays.set(held, Math.max(delays.get(held) ?? 0, usableUntil - revokedAt));
      if (!isExposed(feed, held)) exposed.delete(held);
    }
  }

  const self = {
    reads: 0,
    nearestReads: 0,
    background: 0,
    withoutIo: 0,
    delays,
    begin(database: Database, digest: string, now: number): void {
      self.reads++;
      underWay.push({ database, digest, endsAt: now + region.primaryMs, question: database.feed.ask(now) });
    },
    present(digest: string, shard: number, now: number): void {
      settle(now);
      const database = nth(databases, shard);
      const { feed } = database;
      const urgency = feed.urgency(now);
      const isHeld = urgency !== "first" && feed.get(digest) !== undefined;
      if (isHeld) self.withoutIo++;
      if (urgency === "background") {
        self.background++;
        self.begin(database, NO_KEY, now);
      }
      if (isHeld) return;
      const nearest = feed.asksNearest(now) ? feed.askNearest(now) : null;
      if (nearest === null) {
        self.begin(database, digest, now);
        return;
      }
      self.nearestReads++;
      underWay.push({ database, digest, endsAt: now + region.readMs, nearest });
    },
    revoked(digest: string, shard: number, now: number): void {
      settle(now);
      const { feed, exposed } = nth(databases, shard);
      if (isExposed(feed, digest)) exposed.add(digest);
    },
  };
  return self;
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
    nearestReads: 0,
    background: 0,
    withoutIo: 0,
    delays,
    present(digest, _shard, now) {
      const found = held.get(digest);
      if (found !== undefined && found.usableFrom <= now && now < found.usableFrom + boundMs) {
        this.withoutIo++;
        return;
      }
      this.nearestReads++;
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
  const nearestPerSecond: number[] = [];
  let primaryReads = 0;
  let background = 0;
  let requests = 0;
  let withoutIo = 0;
  for (const [i, region] of REGIONS.entries()) {
    const isolates = size.isolates * region.isolates;
    const standsFor = isolates / LOADS.length;
    let nearestReads = 0;
    for (const [j, load] of LOADS.entries()) {
      const cache = makeCache(history, region, boundMs);
      const perSecond = ((size.requestsPerSecond * region.traffic) / isolates) * load;
      const chance = random(SEED + 1 + i * LOADS.length + j);
      requests += live(cache, history, rankOf, perSecond, chance) * standsFor;
      withoutIo += cache.withoutIo * standsFor;
      primaryReads += cache.reads * standsFor;
      nearestReads += cache.nearestReads * standsFor;
      background += cache.background * standsFor;
      for (const delay of cache.delays.values()) delaysMs.push(delay);
    }
    nearestPerSecond.push(nearestReads / LIFE_SECONDS);
  }
  const primaryPerSecond = primaryReads / LIFE_SECONDS;
  const [ofPrimarysRegion = 0, ...others] = nearestPerSecond;
  return {
    readsPerSecond: nearestPerSecond.reduce((sum, reads) => sum + reads, primaryPerSecond),
    backgroundPerSecond: background / LIFE_SECONDS,
    busiestPerSecond: Math.max(primaryPerSecond + ofPrimarysRegion, ...others),
    withoutIo: withoutIo / requests,
    delaysMs,
  };
}

function nth<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`There is no number ${index}`);
  return found;
}
