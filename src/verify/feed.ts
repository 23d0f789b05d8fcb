import { LruCache } from "./cache.ts";
import type { KeyRecord } from "./decide.ts";

/** An isolate with more changes than this to catch up on empties its cache instead. */
const MAX_CHANGES = 1_000;

/** Rows to read: the change already known, those to catch up on, and one that tells that there are more. */
export const READ_LIMIT = MAX_CHANGES + 2;

export interface KeyChange {
  /** Rises with every commit. */
  seq: number;
  digest: string;
}

/** A read that is about to start. */
export interface Question {
  /** The last change known; `null`: none yet. */
  cursor: number | null;
  /** Milliseconds since the epoch, not later than the read's start. */
  askedAt: number;
  /** Whether it is worth waiting for when it is late: one read in `retryMs`, so that they do not pile up. */
  due: boolean;
}

/** One snapshot of the database: the feed and a key's record, read together. */
export interface Snapshot {
  /** From `cursor` on, that change itself first; for `null` the newest change alone. At most `READ_LIMIT`. */
  changes: readonly KeyChange[];
  record: KeyRecord | null;
}

/** Whether to ask what changed: not now, beside the answer, or before it. */
export type Urgency = "none" | "background" | "first";

export interface FeedLimits {
  /** No record is used without asking once it was last confirmed this long ago. */
  boundMs: number;
  /** How long records are used while asking fails. */
  outageMs: number;
  /** While there is no answer it is asked again this often; a failure is believed for twice as long. */
  retryMs: number;
  /** Records held at most. */
  capacity: number;
}

/**
 * What one isolate knows of the keys, kept current by the change feed. Pure: no clock, no I/O, no
 * promise, so that reads of different requests can be under way at once and come back in any order.
 *
 * Two statements hold at any time, and with them the promise of `REVOCATION_SECONDS`:
 * each record held shows all changes up to the cursor; each change committed before `syncedAt` is
 * at or before the cursor, or the newest change seen where there is none.
 */
export class Feed {
  readonly #limits: FeedLimits;
  readonly #records: LruCache<KeyRecord>;
  #cursor: number | null = null;
  /** The newest change seen in any read: what is older than it is not begun with. */
  #newest = 0;
  #syncedAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(limits: FeedLimits) {
    this.#limits = limits;
    this.#records = new LruCache(limits.capacity);
  }

  /** Every change committed before this moment is taken into account. */
  get syncedAt(): number {
    return this.#syncedAt;
  }

  get size(): number {
    return this.#records.size;
  }

  get(digest: string): KeyRecord | undefined {
    return this.#records.get(digest);
  }

  forget(digest: string): void {
    this.#records.delete(digest);
  }

  /**
   * Whether to ask before a held record is used. While the database has just been seen to fail, asking
   * first would only make every caller wait: then it goes on in the background.
   */
  urgency(now: number): Urgency {
    const { boundMs, outageMs, retryMs } = this.#limits;
    const age = elapsed(this.#syncedAt, now);
    if (age < boundMs / 2) return "none";
    const failing = elapsed(this.#failedAt, now) < 2 * retryMs && age < outageMs;
    if (age >= boundMs && !failing) return "first";
    return elapsed(this.#askedAt, now) >= retryMs ? "background" : "none";
  }

  /** Whether what is held was confirmed longer ago than the bound. */
  isStale(now: number): boolean {
    return elapsed(this.#syncedAt, now) >= this.#limits.boundMs;
  }

  /** Whether what is held is too old to be used at all. */
  isOutdated(now: number): boolean {
    return elapsed(this.#syncedAt, now) >= this.#limits.outageMs;
  }

  /**
   * Starts a read: to be followed by `absorb`, by `fail`, by both where the answer is late, or by
   * nothing where its request was cut off.
   */
  ask(now: number): Question {
    const due = elapsed(this.#askedAt, now) >= this.#limits.retryMs;
    if (due) this.#askedAt = now;
    // The clock was set back: what is known is of an age that nobody knows, and no longer of the future.
    if (this.#syncedAt - now >= this.#limits.boundMs) this.#syncedAt = now - this.#limits.boundMs;
    return { cursor: this.#cursor, askedAt: now, due };
  }

  /**
   * Takes in what a read brought: forgets what changed, keeps the record of `digest`.
   * A record read before a change that is already known is not kept.
   *
   * @returns `false` where the read must be repeated: there are too many changes, or none to begin with.
   */
  absorb(question: Question, snapshot: Snapshot, digest: string): boolean {
    const [first] = snapshot.changes;
    const last = snapshot.changes.at(-1);
    this.#newest = last === undefined ? 0 : Math.max(this.#newest, last.seq);
    if (!first || !last || snapshot.changes.length === READ_LIMIT) {
      this.#startAfresh();
      return false;
    }
    // It does not reach back to what is known, but is newer.
    if (this.#cursor !== null && first.seq > this.#cursor) this.#startAfresh();
    this.#syncedAt = Math.max(this.#syncedAt, question.askedAt);
    // Nothing is known of the changes since, and there are some.
    if (this.#cursor === null && last.seq < this.#newest) return true;

    const known = this.#cursor ?? last.seq;
    for (const change of snapshot.changes) {
      if (change.seq > known) this.#records.delete(change.digest);
    }
    if (snapshot.record !== null && last.seq >= known) this.#records.set(digest, snapshot.record);
    this.#cursor = Math.max(known, last.seq);
    return true;
  }

  /** A read has just failed, or has not come back in time. */
  fail(now: number): void {
    this.#failedAt = now;
  }

  #startAfresh(): void {
    this.#records.clear();
    this.#cursor = null;
  }
}

/** Both ways: a clock that was set back must not make old knowledge look new. */
function elapsed(since: number, now: number): number {
  return Math.abs(now - since);
}
