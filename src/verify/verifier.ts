import type { KeyFormat } from "../keys/format.ts";
import { withDeadline } from "../lib/deadline.ts";
import { describeFault } from "../lib/errors.ts";
import type { VerifyOptions, VerifyResult } from "./contract.ts";
import { decide, type KeyRecord } from "./decide.ts";
import type { Feed } from "./feed.ts";
import type { FeedStore } from "./store.ts";

const UNKNOWN: VerifyResult = { valid: false, error: "UNAUTHORIZED", message: "Invalid or missing API key" };
const UNAVAILABLE: VerifyResult = {
  valid: false,
  error: "UNAVAILABLE",
  message: "The API key cannot be checked now",
};

export interface VerifierParts {
  format: Pick<KeyFormat, "digest">;
  store: FeedStore;
  feed: Feed;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** A read of the database that takes longer has failed. */
  readDeadlineMs: number;
}

/** Keeps work going after the answer: `ctx.waitUntil`. */
export type WaitUntil = (work: Promise<unknown>) => void;

/** Tells good keys from bad ones. One for each isolate; holds no promise between calls. */
export class Verifier {
  readonly #parts: VerifierParts;

  constructor(parts: VerifierParts) {
    this.#parts = parts;
  }

  async verify(rawKey: string, options: VerifyOptions, waitUntil: WaitUntil): Promise<VerifyResult> {
    const { format, feed, now } = this.#parts;
    const digest = await format.digest(rawKey);
    if (digest === null) return UNKNOWN;
    const scopes = options.scopes ?? [];
    const strong = options.consistency === "strong";

    if (!strong) {
      const urgency = feed.urgency(now());
      if (urgency !== "first") {
        const verdict = this.#fromHeld(digest, scopes);
        if (verdict !== null) {
          if (urgency === "background") waitUntil(this.sync());
          return verdict;
        }
      }
    }
    try {
      const found = strong ? null : await this.#read(digest);
      const { record, askedAt } = found?.record ? found : await this.#readPrimary(digest);
      return record === null ? UNKNOWN : verdictOf(record, scopes, now(), askedAt, false);
    } catch {
      if (strong || feed.isOutdated(now())) return UNAVAILABLE;
      // Looked up again: the record may have been forgotten while the read was under way.
      return this.#fromHeld(digest, scopes) ?? UNAVAILABLE;
    }
  }

  /** Catches up with the feed. Never throws: the feed knows of a failed read. */
  async sync(): Promise<void> {
    await this.#read("").catch(() => {});
  }

  #fromHeld(digest: string, scopes: readonly string[]): VerifyResult | null {
    const { feed, now } = this.#parts;
    const record = feed.get(digest);
    return record === undefined ? null : verdictOf(record, scopes, now(), feed.syncedAt, feed.isStale(now()));
  }

  /** One round trip: the feed and the record. Two, where the feed no longer reaches back to what is known. */
  async #read(digest: string, retry = true): Promise<Found> {
    const { feed, store, now } = this.#parts;
    const question = feed.ask(now());
    const snapshot = await this.#inTime(store.read(question.cursor, digest)).catch((fault) => {
      feed.fail(question);
      throw fault;
    });
    if (feed.absorb(question, snapshot, digest))
      return { record: snapshot.record, askedAt: question.askedAt };
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
      return await withDeadline(read, this.#parts.readDeadlineMs);
    } catch (fault) {
      console.error(JSON.stringify({ event: "database_read_failed", fault: describeFault(fault) }));
      throw fault;
    }
  }
}

interface Found {
  record: KeyRecord | null;
  askedAt: number;
}

function verdictOf(
  record: KeyRecord,
  scopes: readonly string[],
  now: number,
  checkedAt: number,
  stale: boolean,
): VerifyResult {
  const refusal = decide(record, scopes, now);
  if (refusal !== null) return { valid: false, ...refusal };
  const expiresAt = record.expiresAt === null ? null : new Date(record.expiresAt).toISOString();
  return {
    valid: true,
    key: { id: record.id, companyId: record.companyId, scopes: record.scopes, expiresAt },
    checkedAt: new Date(checkedAt).toISOString(),
    stale,
  };
}
