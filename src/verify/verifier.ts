import type { KeyFormat } from "../keys/format.ts";
import type { Background } from "../lib/background.ts";
import type { Refusal, VerifyOptions, VerifyResult } from "./contract.ts";
import { decide, isDead, type KeyRecord, LIMITED, UNAVAILABLE, UNKNOWN } from "./decide.ts";
import type { Absorbed, Feed, Question } from "./feed.ts";
import { type Limiter, limitUse, type UseLimits } from "./limiter.ts";
import type { Asked, Asker, VerifierHooks } from "./log.ts";
import { NO_KEY } from "./snapshot.ts";
import type { FeedStore } from "./store.ts";
import { verifiedKey } from "./verified.ts";

/** Pages of changes that one look at the feed goes through. The next look goes on. */
const MAX_PAGES = 20;

/** How often who waits for the reads of others looks whether they came back. */
const POLL_MS = 10;

/** `waitUntil` keeps a request for 30 s: a longer bound is kept by the clock alone. */
const MAX_WATCH_MS = 25_000;

export interface VerifierParts extends VerifierHooks, UseLimits {
  format: Pick<KeyFormat, "digest">;
  store: FeedStore;
  feed: Feed;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Ends after that many milliseconds, however the clock is set meanwhile. */
  wait: (milliseconds: number) => Promise<unknown>;
  /** The read's outcome, or a rejection once that many milliseconds have passed. */
  inTime: <T>(read: Promise<T>, milliseconds: number) => Promise<T>;
  background: Background;
  /** Of failed verifications from one address. */
  failureLimit?: Limiter;
}

/** Tells good keys from bad ones. One for each isolate; holds no promise between calls. */
export class Verifier {
  readonly #parts: VerifierParts;

  /** The last `checkedAt` as text: it changes only when the feed was read, so most verdicts share it. */
  #checkedAt = { at: Number.NaN, text: "" };

  /** Looks at the feed that were begun: the last one alone goes on to another page. */
  #looks = 0;

  constructor(parts: VerifierParts) {
    this.#parts = parts;
  }

  async verify(rawKey: string, options: VerifyOptions, asker: Asker = {}): Promise<VerifyResult> {
    const { format, feed, failureLimit, now, background } = this.#parts;
    const { caller = options.clientIp, worker } = asker;
    const asked: Asked = { rawKey, options, worker };
    const digest = await format.digest(rawKey);
    if (digest === null) return this.#unknown(caller);
    const isStrong = options.consistency === "strong";

    if (!isStrong) {
      const at = now();
      const urgency = feed.urgency(at);
      if (urgency !== "first") {
        const verdict = this.#held(digest, asked, at);
        if (verdict !== undefined) {
          if (urgency === "background") background(this.#look());
          return verdict;
        }
      }
    }
    // A held key passes, whoever presents it: others must not take service away from it.
    const isOpen = !isStrong && feed.get(digest) !== undefined;
    if (!isOpen && failureLimit?.isBlocked(caller, now())) return this.#refuse(LIMITED);
    try {
      const isCrowded = !isStrong && feed.reads.isCrowded(now());
      if (isCrowded && (await this.#isLeftToOthers(digest)))
        return this.#usable(digest, asked) ?? this.#refuse(UNAVAILABLE);
      const found = isStrong ? await this.#readPrimary(digest, options) : await this.#find(digest, options);
      if (found.record === null) return this.#unknown(caller);
      const refusal = this.#refusal(found.record, asked, now(), false);
      // Of a genuine key, but it cost a read.
      if (isDead(refusal)) failureLimit?.count(caller, now());
      return refusal ?? this.#acceptance(found.record, found.askedAt, false);
    } catch {
      // Looked up again: the record may have been forgotten while the read was under way.
      return (isStrong ? undefined : this.#usable(digest, asked)) ?? this.#refuse(UNAVAILABLE);
    }
  }

  /** These keys were changed by this isolate: it knows at once, others by the bound. */
  forget(digests: readonly string[]): void {
    this.#parts.feed.forget(digests);
  }

  /** The refusal of what is no key, or none that anybody has. */
  #unknown(caller: string | undefined): VerifyResult {
    const { failureLimit, now } = this.#parts;
    failureLimit?.count(caller, now());
    return this.#refuse(failureLimit?.isBlocked(caller, now()) ? LIMITED : UNKNOWN);
  }

  #refuse(refusal: Refusal): Refusal {
    this.#parts.onUnnamed?.(refusal, this.#parts.now());
    return refusal;
  }

  /** The verdict on what is held. */
  #held(digest: string, asked: Asked, now: number): VerifyResult | undefined {
    const { feed } = this.#parts;
    const record = feed.get(digest);
    if (record === undefined) return undefined;
    return (
      this.#refusal(record, asked, now, true) ?? this.#acceptance(record, feed.syncedAt, feed.isStale(now))
    );
  }

  /** The verdict on what is held, unless the database has to be asked first. */
  #usable(digest: string, asked: Asked): VerifyResult | undefined {
    const { feed, now } = this.#parts;
    const at = now();
    return feed.urgency(at) === "first" ? undefined : this.#held(digest, asked, at);
  }

  /** Counts a use of a genuine key. The refusal, or `null` where the key is good. */
  #refusal(record: KeyRecord, asked: Asked, now: number, isHeld: boolean): Refusal | null {
    const { onVerdict, onRefusal } = this.#parts;
    const refusal = limitUse(this.#parts, record, decide(record, asked.options, now), now);
    onVerdict?.(record, refusal, now, isHeld);
    if (refusal !== null) onRefusal?.(record, refusal, now, asked);
    return refusal;
  }

  #acceptance(record: KeyRecord, checkedAt: number, stale: boolean): VerifyResult {
    record.verified ??= verifiedKey(record);
    if (checkedAt !== this.#checkedAt.at) {
      this.#checkedAt = { at: checkedAt, text: new Date(checkedAt).toISOString() };
    }
    return { valid: true, key: record.verified, checkedAt: this.#checkedAt.text, stale };
  }

  /**
   * Whether this caller needs no read of its own, having waited for others': what they bring answers for a held key as
   * well. While reads fail, those under way are enough.
   */
  async #isLeftToOthers(digest: string): Promise<boolean> {
    const { feed, now, wait } = this.#parts;
    for (let waited = 0; feed.reads.isCrowded(now()); waited += POLL_MS) {
      if (feed.reads.isFailing(now()) || waited >= feed.limits.waitMs) return true;
      if (feed.get(digest) === undefined) return false;
      await wait(POLL_MS);
      if (feed.urgency(now()) !== "first" && feed.get(digest) !== undefined) return true;
    }
    return false;
  }

  /** A replica may lag: the primary has the last word on a key that is not there, or has changed since. */
  async #find(digest: string, options: VerifyOptions): Promise<Found> {
    const { feed, now, background } = this.#parts;
    const startedAt = now();
    const found = await this.#read(digest);
    if (found.isBehind && found.isDue) background(this.#look());
    if (found.record !== null && found.isCurrent) return found;
    // No more than all of it, though the clock was set back.
    const { waitMs } = feed.limits;
    return this.#readPrimary(digest, options, Math.min(waitMs, startedAt + waitMs - now()));
  }

  /** Catches up with the feed, page by page. Never throws: the feed knows of failed reads. */
  async #look(): Promise<void> {
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
        feed.reads.fail(question.number, now());
        this.#parts.onRead?.(0, fault);
        if (reads.length === 2 || feed.reads.isFailing(now())) throw fault;
      }
    }
  }

  /** An answer that comes too late for the caller is still of use to the next one. */
  #begin(question: Question, digest: string): Promise<Read> {
    const { feed, store, now, wait, background, onRead } = this.#parts;
    const { askedAt, isDue } = question;
    const read = store.read(question.cursor?.seq ?? null, digest).then((snapshot) => {
      onRead?.(now() - askedAt);
      return { ...feed.absorb(question, snapshot, digest, now()), record: snapshot.record, askedAt, isDue };
    });
    if (isDue) {
      background(read.catch(() => {}));
      const { boundMs } = feed.limits;
      if (boundMs <= MAX_WATCH_MS) background(wait(boundMs).then(() => feed.expire(question, now())));
    }
    return read;
  }

  async #readPrimary(
    digest: string,
    options: VerifyOptions,
    waitMs = this.#parts.feed.limits.waitMs,
  ): Promise<Found> {
    const { feed, store, now, inTime, onRead } = this.#parts;
    const askedAt = now();
    const number = feed.reads.take();
    try {
      const snapshot = await inTime(store.readPrimary(digest), waitMs);
      onRead?.(now() - askedAt);
      const { record } = snapshot;
      const isRefused = record === null || decide(record, options, now()) !== null;
      feed.absorbPrimary(number, snapshot, digest, isRefused);
      return { record, askedAt };
    } catch (fault) {
      onRead?.(0, fault);
      throw fault;
    }
  }
}

interface Found {
  record: KeyRecord | null;
  /** Milliseconds since the epoch: changes committed before it are taken into account. */
  askedAt: number;
}

interface Read extends Found, Absorbed {
  isDue: boolean;
}
