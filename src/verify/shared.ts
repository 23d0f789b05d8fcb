import type { Background } from "../lib/background.ts";
import type { SharedText } from "./signed.ts";
import { isSame, type KeyChange, NO_KEY, RECENT_SIZE, type Snapshot } from "./snapshot.ts";
import type { FeedStore } from "./store.ts";

/** How long an answer is shared; in a short bound a fifth of it. */
const SHARED_MS = 1_000;
/** By how much the clocks of two machines may differ. */
const CLOCK_SKEW_MS = 250;
/** A shared answer reaches back so many bounds: further than whoever was asked within one. */
const REACH_BOUNDS = 2;
/** The cache is waited for so long. */
const CACHE_WAIT_MS = 50;

export interface SharedFeedParts {
  text: SharedText;
  boundMs: number;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Of [0, 1). */
  random: () => number;
  /** The outcome, or a rejection once that many milliseconds have passed. */
  inTime: <T>(promise: Promise<T>, milliseconds: number) => Promise<T>;
  background: Background;
}

/** What an isolate tells the others of its data centre. */
interface Answer {
  /** By the clock of whoever asked, just before. In milliseconds since the epoch. */
  readAt: number;
  tookMs: number;
  /** Of the newest changes. */
  snapshot: Snapshot;
}

/**
 * The same store, but that the feed alone is asked for once a second in each data centre, not by each of its isolates.
 *
 * What is shared counts as of when it was read, and holds only where it joins on to what the isolate knows: the very
 * change at the cursor is in it. Everywhere else the primary is asked, as without it. So it is never later than an
 * answer of the primary would be, if the clocks of the data centre differ by 250 ms at most.
 */
export function sharedFeed(store: FeedStore, parts: SharedFeedParts): FeedStore {
  const { text, boundMs, now, random, inTime, background } = parts;
  const lifeMs = Math.min(SHARED_MS, boundMs / 5);

  /** @param earlyMs - How long before its end an answer is passed over already. `null`: there is none that may be used. */
  async function find(cursor: KeyChange, earlyMs: (answer: Answer) => number): Promise<Snapshot | null> {
    const found = await inTime(text.get(), CACHE_WAIT_MS).catch(() => null);
    if (found === null) return null;
    const answer: Answer = JSON.parse(found);
    const age = now() - answer.readAt;
    if (age < -CLOCK_SKEW_MS || age + earlyMs(answer) >= lifeMs) return null;
    const shared = after(cursor, answer.snapshot);
    return shared && { ...shared, asOf: asOf(answer) };
  }

  /**
   * At random, the earlier the longer a read takes, so that one isolate asks anew before all have to:
   * https://doi.org/10.14778/2757807.2757813.
   */
  function early({ tookMs }: Answer): number {
    return Math.min(-Math.max(0, tookMs) * Math.log(1 - random()), lifeMs / 2);
  }

  /**
   * As old as the clocks may differ, and the wait for the cache may have been. And older by a random part, as those who
   * use the same answer would else all look again in the same moment, when it is over.
   */
  function asOf({ readAt }: Answer): number {
    return readAt - CLOCK_SKEW_MS - CACHE_WAIT_MS - random() * lifeMs;
  }

  /** Of an answer that holds every change up to the newest. */
  function tell(readAt: number, { changes, ...rest }: Snapshot): void {
    if (changes.at(-1)?.seq !== rest.head) return;
    const snapshot = { ...rest, changes: changes.slice(-RECENT_SIZE) };
    const answer: Answer = { readAt, tookMs: now() - readAt, snapshot };
    background(inTime(text.put(JSON.stringify(answer)), SHARED_MS).catch(() => {}));
  }

  return {
    ...store,
    readShared: (cursor) => find(cursor, () => 0),
    async read(cursor, digest) {
      if (cursor === null || digest !== NO_KEY) return store.read(cursor, digest);
      const shared = await find(cursor, early);
      if (shared) return shared;
      const readAt = now();
      const snapshot = await store.read(cursor, NO_KEY, readAt - REACH_BOUNDS * boundMs);
      tell(readAt, snapshot);
      return after(cursor, snapshot) ?? snapshot;
    },
  };
}

/** The changes from the cursor on; `null` where it is not among them. */
function after(cursor: KeyChange, { changes, ...rest }: Snapshot): Snapshot | null {
  const at = changes.findIndex((change) => isSame(change, cursor));
  return at === -1 ? null : { ...rest, changes: changes.slice(at) };
}
