/** What else people would build, in the same places and for the same requests. */
import { random } from "../chance.ts";
import { recordAt } from "./database.ts";
import { lengthOf, type Span, startsOf } from "./span.ts";
import { type Durations, REACHES, type Reach, Tally } from "./tally.ts";
import { type Place, placesOf, Traffic } from "./traffic.ts";
import {
  type Assumptions,
  CACHE_MS,
  type History,
  jittered,
  lagOf,
  makeHistory,
  REGIONS,
  type Region,
  SEED,
  type Size,
} from "./world.ts";

/** Of one way, all over the world. Rates are a second. */
export interface OtherFigures {
  requests: number;
  within: Record<Reach, number>;
  /** Records at the replica of each region. */
  nearest: number[];
  waits: Durations;
  delays: Durations;
}

/** Isolates of one data centre that are lived through where they share nothing. */
const FEW = 4;
/** A second, in one data centre: then a few minutes show enough. */
const MANY_REQUESTS = 1_000;

/** A copy of a record that is used until it ends. */
interface Copy {
  from: number;
  until: number;
  revoked: boolean;
}

interface Living {
  place: Place;
  region: Region;
  traffic: Traffic;
  history: History;
  chance: () => number;
}

/** Serves the request that `Traffic` is at, and notes it in a tally. */
type Serve = (tally: Tally) => void;

/** How long the copy outlives its key, where that was or is yet to be revoked. */
function noteDelay({ until, revoked }: Copy, revokedAt: number | undefined, tally: Tally): void {
  if (!revoked && revokedAt !== undefined && until > revokedAt) tally.delays.add(until - revokedAt);
}

/** Each isolate uses a record for so long after it has read it of the nearest replica. */
export function timeToLive(size: Size, assumptions: Assumptions, seconds: number, span: Span): OtherFigures {
  return everywhere({ size, assumptions, span, most: FEW }, ({ place, region, traffic, history, chance }) => {
    const starts = startsOf(place.isolates, span);
    const lifeMs = assumptions.lifeSeconds * 1000;
    const held = starts.map(() => ({ life: -1, copies: new Map<string, Copy>() }));
    return (tally) => {
      const { at: now, digest, isolate: number } = traffic;
      const isolate = held[number];
      const life = Math.floor((now - (starts[number] ?? 0)) / lifeMs);
      if (isolate === undefined || life < 0) return;
      if (isolate.life !== life) {
        isolate.life = life;
        isolate.copies.clear();
      }
      const copy = isolate.copies.get(digest);
      if (copy !== undefined && copy.from <= now && now < copy.until) {
        tally.answers.isolate += 1;
        return;
      }
      const took = jittered(region.readMs, chance);
      tally.answers.region += 1;
      tally.waits.add(took);
      const [reads] = tally.reads;
      if (reads) reads.nearest += 1;
      if (copy !== undefined && copy.from > now) return;
      const record = recordAt(history, digest, now + took / 2 - lagOf(chance()));
      const from = now + took;
      const next = { from, until: from + seconds * 1000, revoked: record.revokedAt !== null };
      isolate.copies.set(digest, next);
      noteDelay(next, history.revokedAt.get(digest), tally);
    };
  });
}

/**
 * A hashed key in Workers KV with a `cacheTtl`: read for each request, of the data centre while it has a copy, else from
 * far away. A copy ends with its time exactly, and tiers in between have none that is older: both flatter it.
 */
export function workersKv(size: Size, assumptions: Assumptions, seconds: number): OtherFigures {
  const isCrowded = size.requestsPerSecond / size.dataCentres > MANY_REQUESTS;
  const counted = isCrowded ? 2 * seconds : assumptions.lifeSeconds;
  const span = { spreadSeconds: 0, warmUpSeconds: 2 * seconds, seconds: counted };
  // All isolates of a data centre, as they share what they read.
  const most = Number.POSITIVE_INFINITY;
  return everywhere({ size, assumptions, span, most }, ({ region, traffic, history, chance }) => {
    const copies = new Map<string, Copy>();
    return (tally) => {
      const { at: now, digest } = traffic;
      const copy = copies.get(digest);
      if (copy !== undefined && copy.from <= now && now < copy.until) {
        tally.answers.dataCentre += 1;
        tally.waits.add(jittered(CACHE_MS, chance));
        return;
      }
      const took = jittered(region.primaryMs, chance);
      tally.answers[region === REGIONS[0] ? "region" : "world"] += 1;
      tally.waits.add(took);
      if (copy !== undefined && copy.from > now) return;
      const from = now + took;
      const revoked = recordAt(history, digest, now + took / 2).revokedAt !== null;
      const next = { from, until: from + seconds * 1000, revoked };
      copies.set(digest, next);
      noteDelay(next, history.revokedAt.get(digest), tally);
    };
  });
}

interface Run {
  size: Size;
  assumptions: Assumptions;
  span: Span;
  /** Isolates of one data centre that are lived through. */
  most: number;
}

/** @param begin - Begins a place. What it returns is called for each of its requests. */
function everywhere({ size, assumptions, span, most }: Run, begin: (living: Living) => Serve): OtherFigures {
  const history = makeHistory(size, assumptions, lengthOf(span));
  const whole = new Tally(1);
  const nearest = REGIONS.map(() => 0);
  for (const place of placesOf(size, most)) {
    const region = REGIONS[place.region];
    if (region === undefined) continue;
    const chance = random(SEED + 1 + place.region);
    const traffic = new Traffic(place, size, assumptions, history, chance);
    let tally = new Tally(1);
    let isWarm = false;
    const serve = begin({ place, region, traffic, history, chance });
    for (; traffic.at < lengthOf(span) * 1000; traffic.next()) {
      if (!isWarm && traffic.at >= span.warmUpSeconds * 1000) {
        isWarm = true;
        tally = new Tally(1);
      }
      serve(tally);
    }
    const share = place.standsFor / span.seconds;
    for (const reach of REACHES) whole.answers[reach] += tally.answers[reach] * share;
    nearest[place.region] = (tally.reads[0]?.nearest ?? 0) * share;
    whole.waits.addAll(tally.waits, place.standsFor);
    whole.delays.addAll(tally.delays, place.standsFor);
  }
  const within = Object.fromEntries(REACHES.map((reach) => [reach, whole.shareWithin(reach)]));
  return {
    requests: whole.requests,
    within: within as Record<Reach, number>,
    nearest,
    waits: whole.waits,
    delays: whole.delays,
  };
}
