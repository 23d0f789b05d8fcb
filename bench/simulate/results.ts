/** Which sizes are simulated, beside what, and under which assumptions. */
import { type Figures, simulate } from "./everywhere.ts";
import { type OtherFigures, timeToLive, workersKv } from "./others.ts";
import { wholeLife } from "./span.ts";
import { type Assumptions, type Size, USUAL } from "./world.ts";

/** Isolates of the same kind, in ever more data centres, until those are full. */
export const SIZES: readonly Size[] = [
  { requestsPerSecond: 100, isolates: 24, dataCentres: 12, keys: 500, databases: 1 },
  { requestsPerSecond: 10_000, isolates: 400, dataCentres: 50, keys: 20_000, databases: 1 },
  { requestsPerSecond: 100_000, isolates: 4_000, dataCentres: 250, keys: 20_000, databases: 1 },
  { requestsPerSecond: 1_000_000, isolates: 40_000, dataCentres: 320, keys: 20_000, databases: 16 },
];
const KV_SECONDS = [30, 60];
/** So long a data centre would keep a record. */
const SHARED_RECORD_SECONDS = 3_600;

export interface Result {
  size: Size;
  latchkey: Figures;
  timeToLive: OtherFigures;
  /** By its `cacheTtl`. */
  kv: { seconds: number; figures: OtherFigures }[];
}

export interface Variation {
  title: string;
  boundSeconds: number;
  figures: Figures;
}

/** A data centre has no more isolates than that, unless it is one of the largest size. */
const ALL = 16;

const of = async (size: Size, changed: Partial<Assumptions> = {}, most?: number) => {
  const assumptions = { ...USUAL, ...changed };
  return simulate(size, assumptions, wholeLife(assumptions), most);
};

/** @param isWhole - All isolates of a data centre are lived through for a whole life. */
export async function resultOf(size: Size, isWhole: boolean): Promise<Result> {
  return {
    size,
    latchkey: await of(size, {}, isWhole ? ALL : undefined),
    timeToLive: timeToLive(size, USUAL, USUAL.boundSeconds, wholeLife(USUAL)),
    kv: KV_SECONDS.map((seconds) => ({ seconds, figures: workersKv(size, USUAL, seconds) })),
  };
}

/** With records that are shared by a data centre, which is not built. All of its isolates are lived through. */
export function withSharedRecords(size: Size): Promise<Figures> {
  return of(size, { sharedRecordSeconds: SHARED_RECORD_SECONDS }, ALL);
}

/** What many databases take with records that are shared, which is not built. */
export async function plansOf(size: Size): Promise<Variation[]> {
  const figures = await of(size, { sharedRecordSeconds: SHARED_RECORD_SECONDS });
  return [{ title: "with B", boundSeconds: USUAL.boundSeconds, figures }];
}

/** What the figures of one size depend on. */
export async function variationsOf(size: Size): Promise<Variation[]> {
  const { isolates, keys, databases } = size;
  const variations: [string, Partial<Size>, Partial<Assumptions>][] = [
    ["isolates live 5 minutes", {}, { lifeSeconds: 300 }],
    ["isolates live an hour", {}, { lifeSeconds: 3_600 }],
    ["a quarter of the isolates, each with four times the requests", { isolates: isolates / 4 }, {}],
    ["ten times the keys", { keys: keys * 10 }, {}],
    ["keys used more evenly: 1/rank^0.8", {}, { popularity: 0.8 }],
    ["4 databases", { databases: databases * 4 }, {}],
    ["bound 1 s", {}, { boundSeconds: 1 }],
    ["bound 60 s", {}, { boundSeconds: 60 }],
  ];
  const results: Variation[] = [];
  for (const [title, changedSize, changed] of variations)
    results.push({
      title,
      boundSeconds: changed.boundSeconds ?? USUAL.boundSeconds,
      figures: await of({ ...size, ...changedSize }, changed),
    });
  return results;
}
