import { pause } from "../chance.ts";
import {
  type Assumptions,
  byWeight,
  databaseOf,
  digestOf,
  type History,
  LOADS,
  REGIONS,
  ranks,
  type Size,
} from "./world.ts";

/** One data centre of a region, or some of its isolates, which stand for all. */
export interface Place {
  region: number;
  /** How many data centres the region has. Not whole. */
  dataCentres: number;
  /** That are lived through, and for how many each of them stands, in all data centres of the region. */
  isolates: number;
  standsFor: number;
  requestsPerSecond: number;
}

/** @param most - Isolates of one data centre that are lived through. */
export function placesOf(size: Size, most: number): Place[] {
  const isolates = Math.max(1, Math.min(most, Math.round(size.isolates / size.dataCentres)));
  return REGIONS.map((region, index) => {
    const dataCentres = size.dataCentres * region.isolates;
    const standsFor = (size.isolates * region.isolates) / isolates;
    const requestsPerSecond = (size.requestsPerSecond * region.traffic) / standsFor;
    return { region: index, dataCentres, isolates, standsFor, requestsPerSecond };
  });
}

/** The requests of a place, one after the other, at random moments. */
export class Traffic {
  at = 0;
  isolate = 0;
  digest = "";
  database = 0;
  readonly #next: () => void;

  constructor(place: Place, size: Size, assumptions: Assumptions, history: History, chance: () => number) {
    const { successions } = history;
    const current = new Map<number, string>();
    const rankOf = ranks(size, assumptions, place.region);
    const isolateOf = byWeight(
      Array.from({ length: place.isolates }, (_, isolate) => LOADS[isolate % LOADS.length] ?? 1),
    );
    let succeeded = 0;
    this.#next = () => {
      this.at += pause(place.requestsPerSecond, chance);
      for (let next = successions[succeeded]; next && next.at <= this.at; next = successions[++succeeded])
        current.set(next.rank, next.digest);
      const rank = rankOf(chance());
      this.digest = current.get(rank) ?? digestOf(rank, 0);
      current.set(rank, this.digest);
      this.database = databaseOf(rank, size.databases);
      this.isolate = isolateOf(chance());
    };
    this.next();
  }

  next(): void {
    this.#next();
  }
}
