import type { ReadKind } from "./database.ts";

/** How far a request had to go for its answer, the nearest first. */
export const REACHES = ["isolate", "dataCentre", "region", "world"] as const;
export type Reach = (typeof REACHES)[number];

/** Milliseconds, and how much each of them counts. */
export class Durations {
  readonly #weights = new Map<number, number>();

  add(milliseconds: number, weight = 1): void {
    const whole = Math.round(milliseconds);
    this.#weights.set(whole, (this.#weights.get(whole) ?? 0) + weight);
  }

  addAll(other: Durations, weight: number): void {
    for (const [milliseconds, count] of other.#weights) this.add(milliseconds, count * weight);
  }

  /** The value that the share `q` of them does not exceed; 0 of none. */
  quantile(q: number): number {
    const sorted = [...this.#weights].sort(([a], [b]) => a - b);
    const total = sorted.reduce((sum, [, weight]) => sum + weight, 0);
    let sum = 0;
    for (const [milliseconds, weight] of sorted) {
      sum += weight;
      if (sum >= q * total) return milliseconds;
    }
    return sorted.at(-1)?.[0] ?? 0;
  }
}

/** What happened in one place, or everywhere. */
export class Tally {
  /** Answers by how far they had to go. */
  readonly answers: Record<Reach, number> = { isolate: 0, dataCentre: 0, region: 0, world: 0 };
  /** Of each database. */
  readonly reads: Record<ReadKind, number>[];
  /** Of answers that did not come from the isolate at once. */
  readonly waits = new Durations();
  /** Of those for a key that the isolate did not hold. */
  readonly firstUses = new Durations();
  /** How long after its revocation a key could still have been accepted, by each who held it. */
  readonly delays = new Durations();
  /** Messages that tell of uses, their operations of the queue, and the reports in them. */
  readonly usage = { messages: 0, operations: 0, reports: 0 };

  constructor(databases: number) {
    this.reads = Array.from({ length: databases }, () => ({
      look: 0,
      first: 0,
      past: 0,
      again: 0,
      nearest: 0,
    }));
  }

  get requests(): number {
    return REACHES.reduce((sum, reach) => sum + this.answers[reach], 0);
  }

  /** The share of the answers that went no further. */
  shareWithin(reach: Reach): number {
    const within = REACHES.slice(0, REACHES.indexOf(reach) + 1);
    return within.reduce((sum, one) => sum + this.answers[one], 0) / this.requests;
  }
}
