import { liveIn } from "./centre.ts";
import type { ReadKind } from "./database.ts";
import { lengthOf, type Span } from "./span.ts";
import { type Durations, REACHES, type Reach, Tally } from "./tally.ts";
import { type Place, placesOf } from "./traffic.ts";
import { type Assumptions, LOADS, makeHistory, REGIONS, type Size } from "./world.ts";

/** A size, all over the world. Rates are a second. */
export interface Figures {
  requests: number;
  /** Shares of the answers that went no further. */
  within: Record<Reach, number>;
  /** At the primary of the database that has most of them: by what they are for. */
  looks: number;
  first: number;
  past: number;
  again: number;
  /** Records at the replica of each region, of that database. */
  nearest: number[];
  /** At all databases together. */
  total: Record<ReadKind, number>;
  waits: Durations;
  firstUses: Durations;
  delays: Durations;
  usage: { messages: number; operations: number; reports: number };
}

/** Reads that one instance of a database answers in a second, of one millisecond each: https://developers.cloudflare.com/d1/platform/limits/ */
export const READS_PER_SECOND = 1_000;

/** What the primary is asked, and the busiest instance of all. */
export function loadOf({ looks, first, past, again, nearest }: Figures, homeShare: number) {
  const [home = 0, ...others] = nearest;
  const primary = looks + first + past + again + homeShare * home;
  return { primary, replica: Math.max((1 - homeShare) * home, ...others) };
}

/** How many requests a second the busiest instance would carry, with more isolates and data centres of the same kind. */
export function carried(figures: Figures, homeShare: number): number {
  const { primary, replica } = loadOf(figures, homeShare);
  return (figures.requests * READS_PER_SECOND) / Math.max(primary, replica);
}

/** Isolates of one data centre that are lived through at most, for a whole life. */
export const SAMPLED = 16;
/** All isolates of a data centre that has more are lived through for so long, for what they share. */
export const BUSY: Span = { spreadSeconds: 10, warmUpSeconds: 20, seconds: 40 };

/** Lives through one data centre in each region. */
export async function simulate(size: Size, assumptions: Assumptions, span: Span): Promise<Figures> {
  const sample = await live(size, assumptions, span, SAMPLED);
  if (size.isolates / size.dataCentres <= SAMPLED) return sample;
  // One question for each data centre is all of its isolates'.
  const all = await live(size, assumptions, BUSY, Number.POSITIVE_INFINITY);
  const look = all.looks * size.databases;
  const { looks } = all;
  // Each begins with every database once in its life, and then looks back, not as often as in so short a time.
  const starts = size.isolates / assumptions.lifeSeconds;
  const first = all.first - all.past + starts;
  const past = assumptions.sharesRecords ? starts : 0;
  const total = { ...sample.total, look, first: first * size.databases, past: past * size.databases };
  return { ...sample, looks, first, past, total };
}

async function live(size: Size, assumptions: Assumptions, span: Span, most: number): Promise<Figures> {
  const history = makeHistory(size, assumptions, lengthOf(span));
  const lived: { place: Place; tally: Tally }[] = [];
  for (const place of placesOf(size, most))
    lived.push({ place, tally: await liveIn(place, size, assumptions, history, span) });
  return addUp(lived, size, span.seconds);
}

export function addUp(
  lived: readonly { place: Place; tally: Tally }[],
  size: Size,
  seconds: number,
): Figures {
  const whole = new Tally(size.databases);
  const nearest = whole.reads.map(() => REGIONS.map(() => 0));
  for (const { place, tally } of lived) {
    const { standsFor, dataCentres, isolates, region } = place;
    const share = standsFor / seconds;
    for (const reach of REACHES) whole.answers[reach] += tally.answers[reach] * share;
    for (const [database, reads] of tally.reads.entries()) {
      const sum = whole.reads[database];
      const near = nearest[database];
      if (sum === undefined || near === undefined) continue;
      sum.look += (reads.look * dataCentres) / seconds;
      sum.first += reads.first * share;
      sum.past += reads.past * share;
      sum.again += reads.again * share;
      near[region] = (near[region] ?? 0) + reads.nearest * share;
    }
    whole.waits.addAll(tally.waits, standsFor);
    whole.firstUses.addAll(tally.firstUses, standsFor);
    whole.delays.addAll(tally.delays, standsFor);
    const counting = (share * isolates) / Math.min(isolates, LOADS.length);
    whole.usage.messages += tally.usage.messages * counting;
    whole.usage.operations += tally.usage.operations * counting;
    whole.usage.reports += tally.usage.reports * counting;
  }
  const all = whole.reads.map(({ look, first, past, again }, database) => {
    const near = nearest[database] ?? [];
    return { looks: look, first, past, again, nearest: near, atPrimary: look + first + past + again };
  });
  const [busiest] = all.toSorted((a, b) => b.atPrimary - a.atPrimary);
  const { looks = 0, first = 0, past = 0, again = 0, nearest: near = [] } = busiest ?? {};
  const sum = (of: (one: (typeof all)[number]) => number) => all.reduce((before, one) => before + of(one), 0);
  const within = Object.fromEntries(REACHES.map((reach) => [reach, whole.shareWithin(reach)]));
  return {
    requests: whole.requests,
    within: within as Record<Reach, number>,
    looks,
    first,
    past,
    again,
    nearest: near,
    total: {
      look: sum((one) => one.looks),
      first: sum((one) => one.first),
      past: sum((one) => one.past),
      again: sum((one) => one.again),
      nearest: sum((one) => one.nearest.reduce((a, b) => a + b, 0)),
    },
    waits: whole.waits,
    firstUses: whole.firstUses,
    delays: whole.delays,
    usage: whole.usage,
  };
}
