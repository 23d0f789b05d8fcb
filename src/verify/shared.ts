import type { Background } from "../lib/background.ts";
import type { SharedTexts } from "./signed.ts";
import { isSame, type KeyChange, NO_KEY, RECENT_SIZE, type Snapshot } from "./snapshot.ts";
import type { FeedStore } from "./store.ts";

/** How long an answer is shared; in a short bound a fifth of it. */
const SHARED_MS = 1_000;
/** By how much the clocks of two machines may differ. */
const CLOCK_SKEW_MS = 250;
/** A shared answer reaches back so many bounds: further than whoever was asked within one. */
const REACH_BOUNDS = 2;
/** The cache is waited for so long, and writing to it is given up after so long. */
const CACHE_WAIT_MS = 50;
const WRITE_MS = 1_000;
/** Of what is shared. The Cache API knows whole seconds; `readAt` tells the age. */
const NAME = "feed";
const KEPT_SECONDS = 1;

/** What is shared, and with what. */
export interface Sharing {
  texts: SharedTexts;
  /** Of [0, 1). */
  random: () => number;
  /** The outcome, or a rejection once that many milliseconds have passed. */
  inTime: <T>(promise: Promise<T>, milliseconds: number) => Promise<T>;
  background: Background;
}

export interface SharedFeedParts extends Sharing {
  boundMs: number;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** What an isolate tells the others of its data centre. */
interface Answer {
  /** By the clock of whoever asked, just before. In milliseconds since the epoch. */
  readAt: number;
  tookMs: number;
  /** When somebody began to ask anew, who has this answer as well. In milliseconds since the epoch; absent: nobody has. */
  askedAt?: number;
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
  const { boundMs, now, random, background } = parts;
  const lifeMs = Math.min(SHARED_MS, boundMs / 5);

  /** `null`: there is none, or it is of a clock that is too far ahead. */
  async function look(): Promise<Answer | null> {
    const answer = await getShared<Answer>(parts, NAME);
    return answer === null || now() - answer.readAt < -CLOCK_SKEW_MS ? null : answer;
  }

  /**
   * While somebody asks anew, an answer is used for as long as that takes beyond its end: not all ask who look meanwhile.
   *
   * @param earlyMs - How long before its end it is passed over already. `null`: it may not be used.
   */
  function use(answer: Answer, cursor: KeyChange, earlyMs: number): Snapshot | null {
    const spareMs = isAsked(answer) ? tookOf(answer) : -earlyMs;
    if (now() - answer.readAt >= lifeMs + spareMs) return null;
    const shared = after(cursor, answer.snapshot);
    return shared && { ...shared, asOf: asOf(answer) };
  }

  function isAsked(answer: Answer): boolean {
    return answer.askedAt !== undefined && now() - answer.askedAt < tookOf(answer);
  }

  function tookOf({ tookMs }: Answer): number {
    return Math.min(Math.max(0, tookMs), lifeMs);
  }

  /**
   * At random, the earlier the longer a read takes, so that one isolate asks anew before all have to:
   * https://doi.org/10.14778/2757807.2757813.
   */
  function early(answer: Answer): number {
    return Math.min(-tookOf(answer) * Math.log(1 - random()), lifeMs / 2);
  }

  /**
   * As old as the clocks may differ, and the wait for the cache may have been. And older by a random part, as those who
   * use the same answer would else all look again in the same moment, when it is over.
   */
  function asOf({ readAt }: Answer): number {
    return readAt - CLOCK_SKEW_MS - CACHE_WAIT_MS - random() * lifeMs;
  }

  /** What the others may use: an answer that holds every change up to the newest. */
  function answerOf(readAt: number, { changes, ...rest }: Snapshot): Answer | null {
    if (changes.at(-1)?.seq !== rest.head) return null;
    const snapshot = { ...rest, changes: changes.slice(-RECENT_SIZE) };
    return { readAt, tookMs: now() - readAt, snapshot };
  }

  async function share(answer: Answer | null): Promise<void> {
    if (answer !== null) await putShared(parts, NAME, answer, KEPT_SECONDS);
  }

  return {
    ...store,
    async readShared(cursor) {
      const answer = await look();
      return answer && use(answer, cursor, 0);
    },
    async read(cursor, digest) {
      if (cursor === null || digest !== NO_KEY) return store.read(cursor, digest);
      const answer = await look();
      const shared = answer && use(answer, cursor, early(answer));
      if (shared) return shared;
      const readAt = now();
      const noted = share(answer && !isAsked(answer) ? { ...answer, askedAt: readAt } : null);
      background(noted);
      const snapshot = await store.read(cursor, NO_KEY, readAt - REACH_BOUNDS * boundMs);
      const told = answerOf(readAt, snapshot);
      // In this order, or the older answer would stand.
      background(noted.then(() => share(told)));
      return after(cursor, snapshot) ?? snapshot;
    },
  };
}

/** What was shared under this name; `null`: nothing, or nothing that can be read in time. */
export async function getShared<T>({ texts, inTime }: Sharing, name: string): Promise<T | null> {
  try {
    const text = await inTime(texts.get(name), CACHE_WAIT_MS);
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Shares a value under this name, as JSON. Never fails: it is of use to others alone. */
export async function putShared(
  { texts, inTime }: Sharing,
  name: string,
  value: object,
  seconds: number,
): Promise<void> {
  await inTime(texts.put(name, JSON.stringify(value), seconds), WRITE_MS).catch(() => {});
}

/** The changes from the cursor on; `null` where it is not among them. */
function after(cursor: KeyChange, { changes, ...rest }: Snapshot): Snapshot | null {
  const at = changes.findIndex((change) => isSame(change, cursor));
  return at === -1 ? null : { ...rest, changes: changes.slice(at) };
}
