import type { KeyFormat } from "../keys/format.ts";
import type { Background } from "../lib/background.ts";
import { describeFault } from "../lib/fault.ts";
import { timestamp } from "../lib/time.ts";
import type { VerifiedKey, VerifyOptions, VerifyResult } from "./contract.ts";
import { decide, type KeyRecord, type Refusal } from "./decide.ts";
import type { Feed } from "./feed.ts";
import type { Limiter } from "./limiter.ts";
import type { FeedStore } from "./store.ts";

const UNKNOWN: VerifyResult = { valid: false, error: "UNAUTHORIZED", message: "Invalid or missing API key" };
const UNAVAILABLE: VerifyResult = {
  valid: false,
  error: "UNAVAILABLE",
  message: "The API key cannot be checked now",
};
const LIMITED: Refusal = { valid: false, error: "RATE_LIMITED", message: "Too many requests" };

export interface VerifierParts {
  format: Pick<KeyFormat, "digest">;
  store: FeedStore;
  feed: Feed;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The read's outcome, or a rejection once the read has taken too long. */
  inTime: <T>(read: Promise<T>) => Promise<T>;
  background: Background;
  /** Called with every verdict on a genuine key. */
  onVerdict?: (key: KeyRecord, allowed: boolean, now: number) => void;
  /** Of verifications of one key. */
  keyLimit?: Limiter;
  /** Of failed verifications from one address. */
  failureLimit?: Limiter;
}

/** Tells good keys from bad ones. One for each isolate; holds no promise between calls. */
export class Verifier {
  readonly #parts: VerifierParts;

  /** The last `checkedAt` as text: it changes only when the feed was read, so most verdicts share it. */
  #checkedAt = { at: Number.NaN, text: "" };

  constructor(parts: VerifierParts) {
    this.#parts = parts;
  }

  async verify(rawKey: string, options: VerifyOptions): Promise<VerifyResult> {
    const { format, feed, failureLimit, now, background } = this.#parts;
    const digest = await format.digest(rawKey);
    if (digest === null) return this.#unknown(options);
    const strong = options.consistency === "strong";

    if (!strong) {
      const at = now();
      const urgency = feed.urgency(at);
      if (urgency !== "first") {
        const verdict = this.#held(digest, options, at);
        if (verdict !== undefined) {
          if (urgency === "background") background(this.#sync());
          return verdict;
        }
      }
    }
    if (options.clientIp && failureLimit?.isBlocked(options.clientIp, now())) return LIMITED;
    try {
      const found = strong ? null : await this.#read(digest);
      const { record, askedAt } = found?.record ? found : await this.#readPrimary(digest);
      const at = now();
      // What the primary has just refused must not pass a moment later.
      if (strong && (record === null || decide(record, [], at))) feed.forget(digest);
      if (record === null) return this.#unknown(options);
      return this.#refusal(record, options, at) ?? this.#acceptance(record, askedAt, false);
    } catch {
      const at = now();
      if (strong || feed.isOutdated(at)) return UNAVAILABLE;
      // Looked up again: the record may have been forgotten while the read was under way.
      return this.#held(digest, options, at) ?? UNAVAILABLE;
    }
  }

  /**
   * Takes in what was committed so far, so that an isolate refuses at once what it has itself revoked.
   * Never throws: others hear of it by the bound, and so does this one where its read fails.
   */
  async catchUp(): Promise<void> {
    await this.#sync();
  }

  /** The refusal of what is no key, or none that anybody has. */
  #unknown({ clientIp }: VerifyOptions): VerifyResult {
    const { failureLimit, now } = this.#parts;
    if (!failureLimit || !clientIp) return UNKNOWN;
    failureLimit.count(clientIp, now());
    return failureLimit.isBlocked(clientIp, now()) ? LIMITED : UNKNOWN;
  }

  /** The verdict on what is held. */
  #held(digest: string, options: VerifyOptions, now: number): VerifyResult | undefined {
    const { feed } = this.#parts;
    const record = feed.get(digest);
    if (record === undefined) return undefined;
    return this.#refusal(record, options, now) ?? this.#acceptance(record, feed.syncedAt, feed.isStale(now));
  }

  /** Catches up with the feed. Never throws: the feed knows of a failed read. */
  async #sync(): Promise<void> {
    await this.#read("").catch(() => {});
  }

  /** Counts a use of a genuine key. The refusal, or `null` where the key is good. */
  #refusal(record: KeyRecord, { scopes }: VerifyOptions, now: number): Refusal | null {
    const { keyLimit, onVerdict } = this.#parts;
    const refusal = keyLimit?.isBlocked(record.id, now) ? LIMITED : decide(record, scopes ?? [], now);
    keyLimit?.count(record.id, now);
    onVerdict?.(record, refusal === null, now);
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
   * One round trip: the feed and the record. Two, where the isolate starts afresh. An answer that comes
   * too late for the caller is still of use to the next one.
   */
  async #read(digest: string, retry = true): Promise<Found> {
    const { feed, store, now, background } = this.#parts;
    const question = feed.ask(now());
    const { askedAt } = question;
    const read = store.read(question.cursor, digest).then((snapshot) => {
      return { record: snapshot.record, known: feed.absorb(question, snapshot, digest) };
    });
    if (question.due) background(read.catch(() => {}));
    const { record, known } = await this.#inTime(read).catch((fault) => {
      feed.fail(now());
      throw fault;
    });
    if (known) return { record, askedAt };
    if (retry) return this.#read(digest, false);
    throw new Error("The change feed is empty");
  }

  /** A replica may not have a new key yet: the primary has the last word on a key that is not there. */
  async #readPrimary(digest: string): Promise<Found> {
    const askedAt = this.#parts.now();
    return { record: await this.#inTime(this.#parts.store.readPrimary(digest)), askedAt };
  }

  async #inTime<T>(read: Promise<T>): Promise<T> {
    try {
      return await this.#parts.inTime(read);
    } catch (fault) {
      console.error(JSON.stringify({ event: "database_read_failed", fault: describeFault(fault) }));
      throw fault;
    }
  }
}

function verifiedKey({ id, companyId, scopes, expiresAt }: KeyRecord): VerifiedKey {
  return { id, companyId, scopes, expiresAt: timestamp(expiresAt) };
}

interface Found {
  record: KeyRecord | null;
  askedAt: number;
}
