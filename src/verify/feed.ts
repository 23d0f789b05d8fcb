import { LruCache } from "../lib/cache.ts";
import { EVERY_KEY, RecentChanges } from "./changes.ts";
import { decide, type KeyRecord, weightOf } from "./decide.ts";
import { Freshness } from "./freshness.ts";
import { Reads } from "./reads.ts";
import {
  type Absorbed,
  type FeedLimits,
  isSame,
  type KeyChange,
  type KnownRecord,
  type NearestAbsorbed,
  type NearestQuestion,
  NO_KEY,
  PAGE_SIZE,
  type Question,
  type Snapshot,
  type Urgency,
} from "./snapshot.ts";

/**
 * What one isolate knows of the keys of one database, kept current by the change feed. Pure: no clock, no I/O, no
 * promise, so that reads of different requests can be under way at once and come back in any order.
 *
 * Two statements hold at any time, and with them the promise of `REVOCATION_SECONDS`:
 * each record held shows all changes of its key that are known, those up to the cursor among them; each change
 * committed before `syncedAt` is at or before the cursor.
 */
export class Feed {
  readonly limits: FeedLimits;
  readonly #records: LruCache<KeyRecord>;
  readonly reads: Reads;
  /** Those of the nearest replica. */
  readonly nearest: Reads;
  readonly #freshness: Freshness;
  readonly recent = new RecentChanges();
  #cursor: KeyChange | null = null;
  /** The number of the next read when this feed was begun with: earlier ones may be of what a restore undid. */
  #startedAt = 0;

  /** @param beside - Of another database: both hold as much as one would. */
  constructor(limits: FeedLimits, beside?: Feed) {
    this.limits = limits;
    this.reads = new Reads(limits);
    this.nearest = new Reads(limits);
    this.#freshness = new Freshness(this.limits.boundMs);
    this.#records = new LruCache(limits.capacity, weightOf, beside ? beside.#records : undefined);
  }

  /** Every change committed before this moment is taken into account. */
  get syncedAt(): number {
    return this.#freshness.toldAt;
  }

  get size(): number {
    return this.#records.size;
  }

  get(digest: string): KeyRecord | undefined {
    return this.#records.get(digest);
  }

  /**
   * Whether to ask before a held record is used. While the database has just been seen to fail, asking
   * first would only make every caller wait: then it goes on in the background.
   */
  urgency(now: number): Urgency {
    this.#look(now);
    const { boundMs, outageMs } = this.limits;
    const age = now - this.#freshness.syncedAt;
    if (age < boundMs / 2) return "none";
    if (age >= boundMs && (now - this.syncedAt >= outageMs || !this.reads.isFailing(now))) return "first";
    return this.reads.isDue(now) ? "background" : "none";
  }

  /** Whether what is held was confirmed longer ago than the bound. */
  isStale(now: number): boolean {
    return this.#freshness.isStale(now);
  }

  /**
   * Starts a read: to be followed by `absorb`, by `fail` of `reads`, by both where the answer is late, or by
   * nothing where its request was cut off.
   */
  ask(now: number): Question {
    const isDue = this.reads.isDue(now);
    const watch = this.#freshness.watch(isDue);
    return { number: this.reads.begin(now), cursor: this.#cursor, askedAt: now, isDue, watch };
  }

  /** Starts a look at what another isolate has read of the feed: to be followed by `absorb`, or by nothing. `null`: it would tell nothing. */
  askShared(now: number): (Question & { cursor: KeyChange }) | null {
    const cursor = this.#cursor;
    if (cursor === null || this.#freshness.isClockDoubted) return null;
    return { number: this.reads.take(), cursor, askedAt: now, isDue: false, watch: { isOver: false } };
  }

  /** Whether a record from the nearest replica would do: what is known tells whether it is current. */
  asksNearest(now: number): boolean {
    return this.#cursor !== null && this.urgency(now) !== "first" && !this.nearest.isFailing(now);
  }

  /** Starts a read of a record at the nearest replica; `null`: nothing is known that tells whether it is current. */
  askNearest(now: number): NearestQuestion | null {
    const cursor = this.#cursor;
    if (cursor === null) return null;
    const isDue = this.nearest.isDue(now);
    return { number: this.reads.take(), at: this.nearest.begin(now), cursor, askedAt: now, isDue };
  }

  /** Takes in the record that a replica has of `digest`: however old, it is as good as one that is held where no change since is known. */
  absorbNearest(
    { number, cursor, askedAt }: NearestQuestion,
    { changes, head, record }: Snapshot,
    digest: string,
    now: number,
  ): NearestAbsorbed {
    if (now - askedAt < Math.max(this.limits.boundMs, this.limits.waitMs)) this.nearest.answer();
    const isOfThisFeed = number >= this.#startedAt && (head < cursor.seq || isSame(changes[0], cursor));
    const isCurrent = isOfThisFeed && this.#cursor !== null && this.recent.isCurrent(digest, number, head);
    if (isCurrent && record !== null) {
      this.#keep(digest, record);
      if (head > cursor.seq) this.recent.note(digest, head);
    }
    return this.#found(isCurrent, now);
  }

  /** Takes in the record that another isolate had of `digest` when `change` was the newest. */
  absorbShared({ change, record }: KnownRecord, digest: string, now: number): NearestAbsorbed {
    const isCurrent = this.#cursor !== null && this.recent.isJoined(digest, change);
    if (isCurrent) this.#keep(digest, record);
    return this.#found(isCurrent, now);
  }

  /** Takes in what a read brought: forgets what changed, keeps the record of `digest` where it is current. */
  absorb(question: Question, { changes, head, record }: Snapshot, digest: string, now: number): Absorbed {
    this.#look(now);
    const { boundMs, waitMs } = this.limits;
    // An answer that is too late to be of use does not tell that others will be.
    if (now - question.askedAt < Math.max(boundMs, waitMs)) this.reads.answer();
    // Older than what is known, and perhaps of before a restore.
    if (digest === NO_KEY && question.askedAt < this.#freshness.syncedAt)
      return { isCurrent: true, isBehind: false };
    const isFollowed = this.#follow(question, changes, now);
    const isBehind = (this.#cursor?.seq ?? 0) < head;
    if (isFollowed && !isBehind) this.#freshness.sync(question, now);
    if (digest === NO_KEY) return { isCurrent: true, isBehind };
    // An empty feed carries no record.
    const isCurrent = head > 0 && this.recent.isCurrent(digest, question.number, head);
    const isOfThisFeed =
      isFollowed || (question.number >= this.#startedAt && isSame(changes[0], question.cursor));
    if (isCurrent && isOfThisFeed) {
      this.#keep(digest, record);
      // Where it is newer than the cursor, an older one that comes later must not take its place.
      if (isBehind || !isFollowed) this.recent.note(digest, head);
    } else if (isCurrent && record !== null && decide(record, {}, now) !== null) {
      // Refused by numbers that may be another feed's: what is held may be older.
      this.forget([digest]);
    }
    return { isCurrent, isBehind };
  }

  /**
   * Takes in what the primary says of a key. What it refuses stays refused until a newer state says otherwise.
   *
   * @param number - Of the read, from `reads.take`.
   */
  absorbPrimary(
    number: number,
    { head, record }: Omit<Snapshot, "changes">,
    digest: string,
    isRefused: boolean,
  ): void {
    if (number < this.#startedAt || head < (this.#cursor?.seq ?? 1)) {
      // Of an older state, or of another feed, one that was emptied or set back: it tells nothing about other reads.
      if (isRefused) this.forget([digest]);
      return;
    }
    this.recent.confirm(number, head);
    if (isRefused) {
      this.#records.delete(digest);
      this.recent.noteRead(digest, number, head);
    }
    if (this.recent.isCurrent(digest, number, head)) this.#keep(digest, record);
  }

  /** These keys were changed by this isolate, just now: of them only the primary counts, read from here on. */
  forget(digests: readonly string[]): void {
    for (const digest of digests) this.#records.delete(digest);
    this.recent.noteUnconfirmed(digests, this.reads.next);
  }

  /** What was known by `question`, and by those until the next one that is due, is past the bound, whatever the clock says. */
  expire({ watch }: Question, now: number): void {
    this.#freshness.expire(watch, now);
  }

  /** A record that did not come from the primary: it is used while what is known of the changes may be. */
  #found(isCurrent: boolean, now: number): NearestAbsorbed {
    const isUsed = isCurrent && this.urgency(now) !== "first";
    return { isCurrent: isUsed, checkedAt: this.syncedAt, stale: this.isStale(now) };
  }

  /** After the clock was set back, no moment from before means anything. */
  #look(now: number): void {
    if (this.#freshness.look(now)) this.reads.reset();
  }

  /** Whether `changes` follow on what is known, so that the cursor stands on the last of them or is past it. */
  #follow(question: Question, changes: readonly KeyChange[], now: number): boolean {
    const known = this.#cursor;
    const last = changes.at(-1) ?? null;
    const at = changes.findIndex((change) => isSame(change, known));
    // Only who asked from this very change can tell that it is gone.
    if (at === -1 && question.cursor !== known) return false;
    const isFar = at !== -1 && changes.length > PAGE_SIZE && now - this.syncedAt >= this.limits.outageMs;
    if (isFar) {
      this.#records.clear();
      this.#cursor = null;
      return false;
    }
    if (at === -1) {
      this.#startAfresh(last, known !== null);
      return last !== null;
    }
    for (const change of changes.slice(at + 1)) {
      if (change.digest === EVERY_KEY) this.#startAfresh(change);
      else {
        this.#records.delete(change.digest);
        this.recent.add(change);
      }
    }
    this.#cursor = last;
    return true;
  }

  /** Also on a change of every key: reads that are under way may be of a database that was since restored. */
  #startAfresh(cursor: KeyChange | null, isOther = false): void {
    this.#records.clear();
    this.recent.restart(cursor, this.reads.next, isOther);
    this.#startedAt = this.reads.next;
    this.#cursor = cursor;
  }

  /** Without a cursor nothing is held, as no change of it would be heard of. */
  #keep(digest: string, record: KeyRecord | null): void {
    if (record === null) this.#records.delete(digest);
    else if (this.#cursor !== null) this.#records.set(digest, record);
  }
}
