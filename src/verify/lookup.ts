import type { Background } from "../lib/background.ts";
import type { VerifyOptions } from "./contract.ts";
import { decide, type KeyRecord } from "./decide.ts";
import type { Feed } from "./feed.ts";
import type { VerifierHooks } from "./log.ts";
import type { SharedRecords } from "./records.ts";
import { type Absorbed, type KeyChange, NO_KEY, type Question, type Snapshot } from "./snapshot.ts";
import type { FeedStore } from "./store.ts";

/** Pages of changes that one look at the feed goes through. The next look goes on. */
const MAX_PAGES = 20;

/** How often who waits for the reads of others looks whether they came back. */
const POLL_MS = 10;

/** `waitUntil` keeps a request for 30 s: a longer bound is kept by the clock alone. */
const MAX_WATCH_MS = 25_000;

export interface LookupParts extends Pick<VerifierHooks, "onRead"> {
  store: FeedStore;
  /** Absent: nothing is shared. */
  records?: SharedRecords;
  feed: Feed;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Ends after that many milliseconds, however the clock is set meanwhile. */
  wait: (milliseconds: number) => Promise<unknown>;
  /** The read's outcome, or a rejection once that many milliseconds have passed. */
  inTime: <T>(read: Promise<T>, milliseconds: number) => Promise<T>;
  background: Background;
}

/** Asks the database: whom, when, how often, for how long. What comes back goes to the feed. Holds no promise between calls. */
export class Lookup {
  readonly #parts: LookupParts;

  /** Looks at the feed that were begun: the last one alone goes on to another page. */
  #looks = 0;

  constructor(parts: LookupParts) {
    this.#parts = parts;
  }

  /**
   * Whether this caller needs no read of its own, having waited for others': what they bring answers for a held key as
   * well. While reads fail, those under way are enough.
   */
  async isLeftToOthers(digest: string): Promise<boolean> {
    const { feed, now, wait } = this.#parts;
    for (let waited = 0; feed.reads.isCrowded(now()); waited += POLL_MS) {
      if (feed.reads.isFailing(now()) || waited >= feed.limits.waitMs) return true;
      if (feed.get(digest) === undefined) return false;
      await wait(POLL_MS);
      if (feed.urgency(now()) !== "first" && feed.get(digest) !== undefined) return true;
    }
    return false;
  }

  /**
   * The record: from the nearest that has it while what is known of the changes tells whether it is current, the data
   * centre before a replica; else with those changes from the primary. The primary has the last word on a key that a
   * replica does not have, or that has changed since.
   */
  async find(digest: string, options: VerifyOptions): Promise<Found> {
    const { feed, records, now, background } = this.#parts;
    const startedAt = now();
    if (!feed.asksNearest(startedAt)) {
      const found = await this.#read(digest);
      if (found.isBehind && found.isDue) background(this.look());
      return found.isCurrent ? found : this.#ofPrimary(digest, options, startedAt);
    }
    if (feed.urgency(startedAt) === "background") background(this.look());
    const shared = await records?.find(digest, (known) => {
      const absorbed = feed.absorbShared(known, digest, now());
      return absorbed.isCurrent ? { ...absorbed, record: known.record } : null;
    });
    if (shared) return shared;
    const near = await this.#readNearest(digest);
    const isFound = near?.isCurrent && near.record !== null;
    const found = isFound ? near : await this.#ofPrimary(digest, options, startedAt);
    if (shared === null && found.record !== null) records?.tell(digest, found.record, found.newest);
    return found;
  }

  /** No longer than all that a caller waits, though the clock was set back. */
  #ofPrimary(digest: string, options: VerifyOptions, startedAt: number): Promise<Found> {
    const { feed, now } = this.#parts;
    const { waitMs } = feed.limits;
    return this.readPrimary(digest, options, Math.min(waitMs, startedAt + waitMs - now()));
  }

  /** Catches up with the feed by what the data centre shares of it, without a read of the database. Never throws. */
  async catchUp(): Promise<void> {
    const { feed, store, now } = this.#parts;
    const question = feed.askShared(now());
    if (question === null) return;
    const snapshot = await store.readShared?.(question.cursor).catch(() => null);
    // Of those who looked at once, one is enough.
    if (snapshot?.asOf === undefined || feed.urgency(now()) !== "first") return;
    feed.absorb(this.#backdate(question, snapshot.asOf), snapshot, NO_KEY, now());
  }

  /** Catches up with the feed, page by page. Never throws: the feed knows of failed reads. */
  async look(): Promise<void> {
    this.#looks += 1;
    const look = this.#looks;
    try {
      for (let page = 0; page < MAX_PAGES && look === this.#looks; page++) {
        const { isBehind } = await this.#read(NO_KEY);
        if (!isBehind) return;
      }
    } catch {}
  }

  /**
   * One round trip: the feed and the record. Slow is not dead: where no answer came in half the time that a caller
   * waits, or an error, it is asked once more, and the first answer counts. Where it is known to fail, once is enough.
   */
  async #read(digest: string): Promise<Read> {
    const { feed, now, inTime } = this.#parts;
    const reads: Promise<Read>[] = [];
    for (;;) {
      const question = feed.ask(now());
      reads.push(this.#begin(question, digest));
      try {
        return await inTime(Promise.any(reads), feed.limits.waitMs / 2);
      } catch (fault) {
        feed.reads.fail(question.number, now(), reads.length === 2);
        this.#parts.onRead?.(0, fault);
        if (reads.length === 2 || feed.reads.isFailing(now())) throw fault;
      }
    }
  }

  /** An answer that comes too late for the caller is still of use to the next one. */
  #begin(question: Question, digest: string): Promise<Read> {
    const { feed, store, records, now, background, onRead } = this.#parts;
    const { askedAt, isDue } = question;
    const read = store.read(question.cursor, digest).then((snapshot) => {
      const { asOf } = snapshot;
      if (asOf === undefined) onRead?.(now() - askedAt);
      const asked = asOf === undefined || asOf >= askedAt ? question : this.#backdate(question, asOf);
      const absorbed = feed.absorb(asked, snapshot, digest, now());
      if (records && feed.recent.beginLookBack()) background(this.#lookBack(snapshot));
      return { ...absorbed, record: snapshot.record, checkedAt: askedAt, stale: false, isDue };
    });
    if (isDue) {
      background(read.catch(() => {}));
      this.#expireIn(feed.limits.boundMs, question);
    }
    return read;
  }

  /** Reads the changes before those that an isolate begins with. Without them nothing but reads is lost. */
  async #lookBack({ changes }: Snapshot): Promise<void> {
    const { feed, store } = this.#parts;
    const [first] = changes;
    if (first === undefined) return;
    try {
      const past = await this.#noted(store.readPast(first), feed.limits.waitMs);
      feed.recent.addBefore(past.changes);
    } catch {}
  }

  /** The question of an answer that is older than it. */
  #backdate(question: Question, asOf: number): Question {
    const asked = { ...question, askedAt: asOf, watch: { isOver: question.watch.isOver } };
    this.#expireIn(this.#parts.feed.limits.boundMs - (question.askedAt - asOf), asked);
    return asked;
  }

  #expireIn(milliseconds: number, question: Question): void {
    const { feed, now, wait, background } = this.#parts;
    if (milliseconds > MAX_WATCH_MS) return;
    background(wait(milliseconds).then(() => feed.expire(question, now())));
  }

  /** `null`: no answer in half the time that a caller waits. One that comes later is still of use to the next caller. */
  async #readNearest(digest: string): Promise<Read | null> {
    const { feed, store, now, inTime, background, onRead } = this.#parts;
    const question = feed.askNearest(now());
    if (question === null) return null;
    const { askedAt, cursor, isDue } = question;
    const read = store.readNearest(cursor.seq, digest).then((snapshot) => {
      onRead?.(now() - askedAt);
      const absorbed = feed.absorbNearest(question, snapshot, digest, now());
      return { ...absorbed, record: snapshot.record, newest: newestOf(snapshot) };
    });
    if (isDue) background(read.catch(() => {}));
    try {
      return await inTime(read, feed.limits.waitMs / 2);
    } catch (fault) {
      feed.nearest.fail(question.at, now());
      onRead?.(0, fault);
      return null;
    }
  }

  /** The record from the primary, and that it is not older than this call. */
  async readPrimary(
    digest: string,
    options: VerifyOptions,
    waitMs = this.#parts.feed.limits.waitMs,
  ): Promise<Found> {
    const { feed, store, now } = this.#parts;
    const askedAt = now();
    const number = feed.reads.take();
    const snapshot = await this.#noted(store.readPrimary(digest), waitMs);
    const { record } = snapshot;
    const isRefused = record === null || decide(record, options, now()) !== null;
    feed.absorbPrimary(number, snapshot, digest, isRefused);
    return { record, checkedAt: askedAt, stale: false, newest: newestOf(snapshot) };
  }

  /** The outcome of a read that begins now, of which `onRead` hears as well. */
  async #noted<T>(read: Promise<T>, milliseconds: number): Promise<T> {
    const { now, inTime, onRead } = this.#parts;
    const startedAt = now();
    try {
      const outcome = await inTime(read, milliseconds);
      onRead?.(now() - startedAt);
      return outcome;
    } catch (fault) {
      onRead?.(0, fault);
      throw fault;
    }
  }
}

/** The newest change of the moment of a read, if that is among the changes that it brought. */
function newestOf({ changes, head }: Snapshot): KeyChange | undefined {
  return changes.find(({ seq }) => seq === head);
}

export interface Found {
  record: KeyRecord | null;
  /** Milliseconds since the epoch: changes committed before it are taken into account. */
  checkedAt: number;
  /** Whether that is longer ago than the bound. */
  stale: boolean;
  /** The newest change of the moment of the read; absent: it is not known. */
  newest?: KeyChange | undefined;
}

interface Read extends Found, Pick<Absorbed, "isCurrent"> {
  /** Absent where the changes were not read: at the nearest replica. */
  isBehind?: boolean;
  isDue?: boolean;
}
