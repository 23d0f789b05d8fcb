import type { SharedTexts } from "../../src/verify/signed.ts";
import { random } from "../chance.ts";
import { Clock } from "./clock.ts";
import { Isolate } from "./isolate.ts";
import { lengthOf, type Span, startsOf } from "./span.ts";
import { Tally } from "./tally.ts";
import { type Place, Traffic } from "./traffic.ts";
import {
  type Assumptions,
  CACHE_MS,
  databaseOf,
  type History,
  jittered,
  LOADS,
  REGIONS,
  SEED,
  type Size,
} from "./world.ts";

/** A data centre, with all that its isolates have in common. */
export class DataCentre {
  readonly clock = new Clock();
  readonly chance: () => number;
  readonly exposed = new Set<Isolate>();
  readonly boundMs: number;
  readonly history: History;
  readonly assumptions: Assumptions;
  readonly region: (typeof REGIONS)[number];
  readonly isHome: boolean;
  tally: Tally;
  /** Of each database, by their names. */
  readonly #texts = new Map<number, Map<string, { text: string; until: number }>>();

  constructor({ region }: Place, size: Size, assumptions: Assumptions, history: History) {
    const found = REGIONS[region];
    if (found === undefined) throw new RangeError(`There is no region ${region}`);
    this.region = found;
    this.isHome = region === 0;
    this.chance = random(SEED + 1 + region);
    this.boundMs = assumptions.boundSeconds * 1000;
    this.history = history;
    this.assumptions = assumptions;
    this.tally = new Tally(size.databases);
  }

  background = (work: Promise<unknown>): void => {
    work.catch((fault: unknown) => {
      if (!(fault instanceof Error && fault.message === "Late")) throw fault;
    });
  };

  /**
   * What is shared about one database. Its signature takes no part: nobody forges here. Of the time for which the first
   * text of a name is kept only a part is left, as if the data centre had lived for long: else nothing would end before
   * what is counted does.
   */
  textsOf(database: number): SharedTexts {
    const { clock, chance } = this;
    const texts = this.#texts.get(database) ?? new Map<string, { text: string; until: number }>();
    this.#texts.set(database, texts);
    return {
      get: async (name) => {
        await clock.wait(jittered(CACHE_MS, chance));
        const found = texts.get(name);
        return found !== undefined && clock.now < found.until ? found.text : null;
      },
      put: async (name, text, seconds) => {
        await clock.wait(jittered(CACHE_MS, chance));
        const part = texts.has(name) ? 1 : chance();
        texts.set(name, { text, until: clock.now + part * seconds * 1000 });
      },
    };
  }
}

/** Lives through a place. @returns what happened there after the warm-up. */
export async function liveIn(
  place: Place,
  size: Size,
  assumptions: Assumptions,
  history: History,
  span: Span,
): Promise<Tally> {
  const centre = new DataCentre(place, size, assumptions, history);
  const { clock } = centre;
  const lifeMs = assumptions.lifeSeconds * 1000;
  const startMs = startsOf(place.isolates, span);
  const isolates: (Isolate | undefined)[] = [];
  const traffic = new Traffic(place, size, assumptions, history, centre.chance);
  const revocations = [...history.revokedAt];
  let revoked = 0;
  let isWarm = false;
  const checkExposed = () => {
    for (const isolate of centre.exposed) if (!isolate.checkExposed()) centre.exposed.delete(isolate);
  };

  function isolateAt(number: number): Isolate | undefined {
    const startsAt = startMs[number] ?? 0;
    if (clock.now < startsAt) return undefined;
    let isolate = isolates[number];
    if (isolate === undefined) {
      // One of each load counts uses, and stands for the others.
      isolate = new Isolate(centre, number < LOADS.length);
      isolates[number] = isolate;
    }
    return isolate;
  }

  function retire(number: number): void {
    const startsAt = startMs[number] ?? 0;
    if (clock.now < startsAt + lifeMs) return;
    const old = isolates[number];
    if (old !== undefined) centre.exposed.delete(old);
    isolates[number] = undefined;
    startMs[number] = startsAt + lifeMs;
  }

  const endMs = lengthOf(span) * 1000;
  for (; traffic.at < endMs; traffic.next()) {
    for (let next = revocations[revoked]; next && next[1] <= traffic.at; next = revocations[++revoked]) {
      await clock.passTo(next[1], checkExposed);
      const database = databaseOf(Number.parseInt(next[0], 10), size.databases);
      for (const isolate of isolates) isolate?.revoked(next[0], database);
    }
    if (clock.isDue(traffic.at)) await clock.passTo(traffic.at, checkExposed);
    else clock.now = traffic.at;
    if (!isWarm && clock.now >= span.warmUpSeconds * 1000) {
      isWarm = true;
      centre.tally = new Tally(size.databases);
    }
    retire(traffic.isolate);
    isolateAt(traffic.isolate)?.present(traffic.digest, traffic.database);
  }
  return centre.tally;
}
