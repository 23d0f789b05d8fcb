/** Which sizes are simulated, beside what, and under which assumptions. */
import { type Figures, simulate } from "./everywhere.ts";
import { type OtherFigures, timeToLive, workersKv } from "./others.ts";
import { filledLife, wholeLife } from "./span.ts";
import { type Assumptions, type Size, USUAL } from "./world.ts";

/** Isolates of the same kind, in ever more data centres, until those are full. */
export const SIZES: readonly Size[] = [
  { requestsPerSecond: 100, isolates: 24, dataCentres: 12, keys: 500, databases: 1 },
  { requestsPerSecond: 10_000, isolates: 400, dataCentres: 50, keys: 20_000, databases: 1 },
  { requestsPerSecond: 100_000, isolates: 4_000, dataCentres: 250, keys: 20_000, databases: 1 },
  { requestsPerSecond: 1_000_000, isolates: 40_000, dataCentres: 320, keys: 20_000, databases: 16 },
];
const KV_SECONDS = [30, 60];

export interface Result {
  size: Size;
  latchkey: Figures;
  timeToLive: OtherFigures;
  /** By its `cacheTtl`. */
  kv: { seconds: number; figures: OtherFigures }[];
}

/** A size, where each isolate reads its records for itself. */
export interface Apart {
  size: Size;
  figures: Figures;
}

export interface Variation {
  title: string;
  boundSeconds: number;
  figures: Figures;
}

function of(size: Size, changed: Partial<Assumptions> = {}): Promise<Figures> {
  const assumptions = { ...USUAL, ...changed };
  return simulate(
    size,
    assumptions,
    assumptions.sharesRecords ? filledLife(assumptions) : wholeLife(assumptions),
  );
}

export async function resultOf(size: Size): Promise<Result> {
  return {
    size,
    latchkey: await of(size),
    timeToLive: timeToLive(size, USUAL, USUAL.boundSeconds, wholeLife(USUAL)),
    kv: KV_SECONDS.map((seconds) => ({ seconds, figures: workersKv(size, USUAL, seconds) })),
  };
}

export function apartOf(size: Size): Promise<Figures> {
  return of(size, { sharesRecords: false });
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
