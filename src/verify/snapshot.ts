import type { KeyRecord } from "./decide.ts";

/** Changes that come with a key at most; the next ones are another page. */
export const PAGE_SIZE = 1_000;

/** Changes that come at most where the feed alone is asked for: far behind, one slow read is enough to catch up. */
export const FEED_PAGE_SIZE = 10_000;

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
}
