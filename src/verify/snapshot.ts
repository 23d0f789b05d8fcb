import type { KeyRecord } from "./decide.ts";
import type { ReadLimits } from "./reads.ts";

/** Changes that come with a key at most; the next ones are another page. */
export const PAGE_SIZE = 1_000;

/** Changes that come at most where the feed alone is asked for: far behind, one slow read is enough to catch up. */
export const FEED_PAGE_SIZE = 10_000;

/** Of the newest changes, so many are shared at most. */
export const RECENT_SIZE = 1_000;

/** In place of a digest: the feed alone is asked for. */
export const NO_KEY = "";

export interface KeyChange {
  /** Rises with every commit. */
  seq: number;
  /** The key that was changed; `EVERY_KEY`: all of them. */
  digest: string;
  /** Milliseconds since the epoch, by the database's clock. */
  changedAt: number;
}

/** One snapshot of the database: the feed and a key's record, read together. */
export interface Snapshot {
  /**
   * From `cursor` on, that change itself first, and a page more at most; for `null` the newest change alone.
   * Without the change at the cursor the feed is not the one that was known.
   */
  changes: readonly KeyChange[];
  /** The newest change there is; 0: the feed is empty. */
  head: number;
  record: KeyRecord | null;
  /** Milliseconds since the epoch: it shows what was committed before then. Absent: before it was asked for. */
  asOf?: number;
}

/** The record of a key that exists, as it was when `change` was the newest one. */
export interface KnownRecord {
  change: KeyChange;
  record: KeyRecord;
}

export function isSame(a: KeyChange | undefined, b: KeyChange | null): boolean {
  return a?.seq === b?.seq && a?.digest === b?.digest && a?.changedAt === b?.changedAt;
}

/** How long knowledge holds by a timer, as a clock may be set back while nobody looks. */
export interface Watch {
  isOver: boolean;
}

/** A read that is about to start. */
export interface Question {
  /** Rises from one question of the isolate to the next. */
  number: number;
  /** The last change known; `null`: none yet. */
  cursor: KeyChange | null;
  /** Milliseconds since the epoch, not later than the read's start. */
  askedAt: number;
  /** Whether it begins a watch, which `expire` ends after a bound. One in `retryMs`, also worth waiting for when late. */
  isDue: boolean;
  watch: Watch;
}

export interface Absorbed {
  /** Whether the record may be used: no newer change of the key is known. */
  isCurrent: boolean;
  /** Whether there are more changes, to be had by another page. */
  isBehind: boolean;
}

/** A read of a record at the nearest replica that is about to start. */
export interface NearestQuestion extends Omit<Question, "cursor" | "watch"> {
  cursor: KeyChange;
  /** Its number among those of the nearest replica. */
  at: number;
}

export interface NearestAbsorbed {
  /** Whether the record may be used: no newer change of the key is known, and what is known is recent enough. */
  isCurrent: boolean;
  /** Milliseconds since the epoch: changes committed before it are taken into account. */
  checkedAt: number;
  /** Whether that is longer ago than the bound. */
  stale: boolean;
}

/** Whether to ask what changed: not now, beside the answer, or before it. */
export type Urgency = "none" | "background" | "first";

export interface FeedLimits extends ReadLimits {
  /** No record is used without asking once it was last confirmed this long ago. */
  boundMs: number;
  /** How long records are used while asking fails. */
  outageMs: number;
  /** Records held at most; one with much metadata or many addresses counts as several. */
  capacity: number;
}
