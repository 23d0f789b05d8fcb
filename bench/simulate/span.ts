/** When isolates start, and what of it is counted. In seconds. */
export interface Span {
  /** The first isolates start within this time, evenly; each is followed by others. */
  spreadSeconds: number;
  /** Not counted, and counted. */
  warmUpSeconds: number;
  seconds: number;
}

/** Neither follows the other, nor the loads. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Steady: of each isolate one whole life is counted. */
export function wholeLife({ lifeSeconds }: { lifeSeconds: number }): Span {
  return { spreadSeconds: lifeSeconds, warmUpSeconds: lifeSeconds, seconds: lifeSeconds };
}

/** Records are shared for an hour, and what is shared fills slowly: the less is found, the less is looked for. */
export const FILLED_SECONDS = 7_200;

/** The same, once the data centre shares as many records as it will. */
export function filledLife({ lifeSeconds }: { lifeSeconds: number }): Span {
  return { ...wholeLife({ lifeSeconds }), warmUpSeconds: Math.max(lifeSeconds, FILLED_SECONDS) };
}

export function lengthOf({ warmUpSeconds, seconds }: Span): number {
  return warmUpSeconds + seconds;
}

/** When the first isolates start, in milliseconds. */
export function startsOf(isolates: number, { spreadSeconds }: Span): number[] {
  return Array.from({ length: isolates }, (_, i) => ((i * GOLDEN) % 1) * spreadSeconds * 1000);
}
