import type { KeyFormat } from "../keys/format.ts";
import type { Refusal, VerifyOptions, VerifyResult } from "./contract.ts";
import { decide, isDead, type KeyRecord, LIMITED, UNAVAILABLE, UNKNOWN } from "./decide.ts";
import type { Feed } from "./feed.ts";
import type { ImportedKeys } from "./imported.ts";
import { type Limiter, limitUse, type UseLimits } from "./limiter.ts";
import type { Asked, Asker, VerifierHooks } from "./log.ts";
import { Lookup, type LookupParts } from "./lookup.ts";
import { verifiedKey } from "./verified.ts";

export interface VerifierParts extends LookupParts, VerifierHooks, UseLimits {
  format: Pick<KeyFormat, "digest">;
  feed: Feed;
  /** Of failed verifications from one address. */
  failureLimit?: Limiter;
  /** What judges a text that is no key of our own making. */
  imported?: Imported;
}

/** The verifier of a database by its name; `undefined`: there is none. */
export type VerifierOf = (name: string) => Verifier | undefined;

/** Keys that were made elsewhere, each in some database. */
export interface Imported {
  keys: Pick<ImportedKeys, "place" | "forget">;
  verifierOf: VerifierOf;
}

/** Tells good keys of one database from bad ones. One for each isolate and database; holds no promise between calls. */
export class Verifier {
  readonly #parts: VerifierParts;

  /** The last `checkedAt` as text: it changes only when the feed was read, so most verdicts share it. */
  #checkedAt = { at: Number.NaN, text: "" };

  readonly #lookup: Lookup;

  constructor(parts: VerifierParts) {
    this.#parts = parts;
    this.#lookup = new Lookup(parts);
  }

  async verify(rawKey: string, options: VerifyOptions, asker: Asker = {}): Promise<VerifyResult> {
    const { caller = options.clientIp, worker } = asker;
    const asked: Asked = { rawKey, options, worker };
    const digest = await this.#parts.format.digest(rawKey);
    return digest === null ? this.#other(asked, caller) : this.#judge(digest, asked, caller);
  }

  /** Of a key that is held, the verdict itself. */
  #judge(digest: string, asked: Asked, caller: string | undefined): VerifyResult | Promise<VerifyResult> {
    const { feed, now, background } = this.#parts;
    const { options } = asked;
    const isStrong = options.consistency === "strong";
    if (!isStrong) {
      const at = now();
      const urgency = feed.urgency(at);
      if (urgency !== "first") {
        const verdict = this.#held(digest, asked, at);
        if (verdict !== undefined) {
          if (urgency === "background") background(this.#lookup.look());
          return verdict;
        }
      }
    }
    return this.#ask(digest, asked, caller, isStrong);
  }

  /** The verdict on what the database is asked for. */
  async #ask(
    digest: string,
    asked: Asked,
    caller: string | undefined,
    isStrong: boolean,
  ): Promise<VerifyResult> {
    const { feed, failureLimit, now } = this.#parts;
    const { options } = asked;
    // A held key passes, whoever presents it: others must not take service away from it.
    const isOpen = !isStrong && feed.get(digest) !== undefined;
    if (!isOpen && failureLimit?.isBlocked(caller, now())) return this.#refuse(LIMITED);
    try {
      if (!isStrong && feed.urgency(now()) === "first") {
        await this.#lookup.catchUp();
        const verdict = this.#usable(digest, asked);
        if (verdict !== undefined) return verdict;
      }
      const isCrowded = !isStrong && !feed.asksNearest(now()) && feed.reads.isCrowded(now());
      if (isCrowded && (await this.#lookup.isLeftToOthers(digest)))
        return this.#usable(digest, asked) ?? this.#refuse(UNAVAILABLE);
      const found = await (isStrong
        ? this.#lookup.readPrimary(digest, options)
        : this.#lookup.find(digest, options));
      if (found.record === null) return this.#unknown(caller);
      const refusal = this.#refusal(found.record, asked, now(), null);
      // Of a genuine key, but it cost a read.
      if (isDead(refusal)) failureLimit?.count(caller, now());
      return refusal ?? this.#acceptance(found.record, found.checkedAt, found.stale);
    } catch {
      // Looked up again: the record may have been forgotten while the read was under way.
      return (isStrong ? undefined : this.#usable(digest, asked)) ?? this.#refuse(UNAVAILABLE);
    }
  }

  /** The verdict on what is no key of our own making: it may be one that was imported. */
  async #other(asked: Asked, caller: string | undefined): Promise<VerifyResult> {
    const { imported, failureLimit, now } = this.#parts;
    if (imported === undefined) return this.#unknown(caller);
    const { rawKey, options } = asked;
    const isBlocked = () => failureLimit?.isBlocked(caller, now()) ?? false;
    const place = await imported.keys.place(rawKey, options, isBlocked);
    if ("valid" in place) return place === UNKNOWN ? this.#unknown(caller) : this.#refuse(place);
    const verifier = imported.verifierOf(place.database);
    if (verifier === undefined) return this.#refuse(UNAVAILABLE);
    const verdict = await verifier.#judge(place.digest, asked, caller);
    if (verdict === UNKNOWN) await imported.keys.forget(rawKey);
    return verdict;
  }

  /** These keys were changed by this isolate: it knows at once, others by the bound. */
  forget(digests: readonly string[]): void {
    this.#parts.feed.forget(digests);
  }

  /** Milliseconds since the epoch: every change committed before is taken into account here. `-Infinity`: nothing is known yet. */
  syncedAt(): number {
    return this.#parts.feed.syncedAt;
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
      this.#refusal(record, asked, now, now - feed.syncedAt) ??
      this.#acceptance(record, feed.syncedAt, feed.isStale(now))
    );
  }

  /** The verdict on what is held, unless the database has to be asked first. */
  #usable(digest: string, asked: Asked): VerifyResult | undefined {
    const { feed, now } = this.#parts;
    const at = now();
    return feed.urgency(at) === "first" ? undefined : this.#held(digest, asked, at);
  }

  /** Counts a use of a genuine key. The refusal, or `null` where the key is good. */
  #refusal(record: KeyRecord, asked: Asked, now: number, age: number | null): Refusal | null {
    const { onVerdict, onRefusal } = this.#parts;
    const refusal = limitUse(this.#parts, record, decide(record, asked.options, now), now);
    onVerdict?.(record, refusal, now, age);
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
}
