/** Where requests come from, what becomes of keys, and how far away databases are. */
import { fromQuantiles, pause, random, zipf } from "../chance.ts";

export const SEED = 1;

/** What each quarter of a data centre's isolates gets, in parts of the mean. */
export const LOADS = [0.1, 0.4, 1, 2.5];
/** At least so many keys are revoked a second, more where a key lives for a day or so on average. */
export const MIN_REVOCATIONS_PER_SECOND = 0.02;
export const REVOCATIONS_PER_KEY_AND_SECOND = 1e-5;
/** A revoked key goes on being presented for so many bounds, then its successor is. */
const REVOKED_USE_BOUNDS = 2;

/**
 * How far a replica is behind, in milliseconds: what one probe found between Tokyo and an American primary, of 200 writes;
 * the longest is assumed. https://news.warptechlab.com/news/206796014
 */
export const LAGS: readonly (readonly [number, number])[] = [
  [0, 200],
  [0.5, 800],
  [0.95, 3_400],
  [0.99, 6_100],
  [1, 10_000],
];
export const lagOf = fromQuantiles(LAGS);

export interface Region {
  name: string;
  /** Shares of all requests, and of all isolates and data centres. */
  traffic: number;
  isolates: number;
  /** There and back, in milliseconds on average: to the region's replica, and to the primary. */
  readMs: number;
  primaryMs: number;
}

/** Where D1 has replicas, by its own names; the primary is in the first, besides the replica there. */
export const REGIONS: readonly Region[] = [
  { name: "ENAM", traffic: 0.32, isolates: 0.28, readMs: 12, primaryMs: 12 },
  { name: "WNAM", traffic: 0.12, isolates: 0.14, readMs: 15, primaryMs: 70 },
  { name: "WEUR", traffic: 0.28, isolates: 0.24, readMs: 12, primaryMs: 90 },
  { name: "EEUR", traffic: 0.08, isolates: 0.1, readMs: 20, primaryMs: 110 },
  { name: "APAC", traffic: 0.17, isolates: 0.18, readMs: 30, primaryMs: 170 },
  { name: "OC", traffic: 0.03, isolates: 0.06, readMs: 25, primaryMs: 200 },
];
/** To what the isolates of a data centre share, and from there. */
export const CACHE_MS = 3;

/** A read takes four fifths of its mean at least, and once in a hundred 1.7 times it. */
export function jittered(milliseconds: number, chance: () => number): number {
  return milliseconds * (0.8 - 0.2 * Math.log(1 - chance()));
}

export interface Size {
  requestsPerSecond: number;
  isolates: number;
  dataCentres: number;
  keys: number;
  databases: number;
}

export interface Assumptions {
  boundSeconds: number;
  /** An isolate starts with nothing, lives so long, and is followed by a new one. */
  lifeSeconds: number;
  /** The n-th most used key gets a share of the requests in proportion to 1/n to the power of it. */
  popularity: number;
  /** Each key is used in one region alone, which has keys in proportion to its requests; else in all alike. */
  isRegional: boolean;
  /** The isolates of a data centre share the records that they read; else each reads them for itself. */
  sharesRecords: boolean;
}

export const USUAL: Assumptions = {
  boundSeconds: 5,
  lifeSeconds: 1_800,
  popularity: 1,
  isRegional: false,
  sharesRecords: true,
};

/** From a number of [0, 1) to a place of `weights`, which add up to anything. */
export function byWeight(weights: readonly number[]): (chance: number) => number {
  const upTo: number[] = [];
  let sum = 0;
  for (const weight of weights) {
    sum += weight;
    upTo.push(sum);
  }
  return (chance) => {
    const place = upTo.findIndex((end) => chance * sum < end);
    return place === -1 ? weights.length - 1 : place;
  };
}

/** The rank of the key that a request of a region presents, from a number of [0, 1). */
export function ranks(size: Size, { popularity, isRegional }: Assumptions, region: number) {
  if (!isRegional) return zipf(size.keys, popularity);
  const before = REGIONS.slice(0, region).reduce((sum, { traffic }) => sum + traffic, 0);
  const own = zipf(Math.ceil(size.keys * (REGIONS[region]?.traffic ?? 0)), popularity);
  const first = Math.floor(size.keys * before);
  return (chance: number) => first + own(chance);
}

/** What happens to keys. Moments are milliseconds. */
export interface History {
  /** Of each database: the changed key, in the order of time; a change's `seq` is its place and one. */
  changes: readonly (readonly { digest: string; at: number }[])[];
  revokedAt: ReadonlyMap<string, number>;
  /** In the order of `at`: from here on the next key of this rank is presented. */
  successions: readonly { rank: number; at: number; digest: string }[];
}

export const digestOf = (rank: number, generation: number) => `${rank}.${generation}`;
/** Neighbours in use are spread over the databases, as their companies would be. */
export const databaseOf = (rank: number, databases: number) => rank % databases;

/** Keys in use are revoked more often than others: of those a delay can be seen. */
export function makeHistory(size: Size, assumptions: Assumptions, seconds: number): History {
  const { boundSeconds } = assumptions;
  const chance = random(SEED);
  const ranksOf = REGIONS.map((_, region) => ranks(size, assumptions, region));
  const regionOf = byWeight(REGIONS.map(({ traffic }) => traffic));
  const perSecond = Math.max(MIN_REVOCATIONS_PER_SECOND, size.keys * REVOCATIONS_PER_KEY_AND_SECOND);
  const changes = Array.from({ length: size.databases }, () => [{ digest: "the beginning", at: 0 }]);
  const revokedAt = new Map<string, number>();
  const successions: { rank: number; at: number; digest: string }[] = [];
  const newest = new Map<number, { generation: number; from: number }>();
  for (let at = pause(perSecond, chance); at < seconds * 1000; at += pause(perSecond, chance)) {
    const rank = ranksOf[regionOf(chance())]?.(chance()) ?? 0;
    const { generation, from } = newest.get(rank) ?? { generation: 0, from: 0 };
    if (at < from) continue;
    const digest = digestOf(rank, generation);
    const until = at + REVOKED_USE_BOUNDS * boundSeconds * 1000;
    changes[databaseOf(rank, size.databases)]?.push({ digest, at });
    revokedAt.set(digest, at);
    successions.push({ rank, at: until, digest: digestOf(rank, generation + 1) });
    newest.set(rank, { generation: generation + 1, from: until });
  }
  successions.sort((a, b) => a.at - b.at);
  return { changes, revokedAt, successions };
}
