import { LruCache } from "./cache.ts";
import type { Refusal } from "./contract.ts";
import type { KeyRecord } from "./decide.ts";

/** Least time between two lines of one kind. */
const PAUSE_MS = 60_000;
/** Genuine keys whose last line is remembered. */
const KEYS = 1_000;

/**
 * Tells the log of refused keys, without a line for each request: who presents keys would choose how much is logged.
 * A genuine key has a line a minute for each reason, forged and unknown ones have one together, with their number.
 */
export class RefusalLog {
  readonly #loggedAt = new LruCache<number>(KEYS);
  #unknown = { loggedAt: Number.NEGATIVE_INFINITY, count: 0 };

  /** @param now - Milliseconds since the epoch. */
  genuine({ id, companyId }: KeyRecord, { error }: Refusal, now: number): void {
    const kind = `${error} ${id}`;
    if (now - (this.#loggedAt.get(kind) ?? Number.NEGATIVE_INFINITY) < PAUSE_MS) return;
    this.#loggedAt.set(kind, now);
    console.warn(JSON.stringify({ event: "key_refused", keyId: id, companyId, error }));
  }

  /** @param now - Milliseconds since the epoch. */
  unknown(now: number): void {
    this.#unknown.count += 1;
    if (now - this.#unknown.loggedAt < PAUSE_MS) return;
    console.warn(JSON.stringify({ event: "unknown_keys_refused", count: this.#unknown.count }));
    this.#unknown = { loggedAt: now, count: 0 };
  }
}
