import { LruCache } from "../lib/cache.ts";
import { describeFault } from "../lib/fault.ts";
import type { Refusal, VerifyOptions } from "./contract.ts";
import type { KeyRecord } from "./decide.ts";
import { denialOf } from "./denial.ts";

/** Least time between two lines of one kind. */
const PAUSE_MS = 60_000;
/** Genuine keys whose last line is remembered. */
const KEYS = 1_000;

/** Who asks, besides what it asks. */
export interface Asker {
  /** For whom failures are counted, where that is not the address which presents the key. */
  caller?: string;
  /** The Worker that asks, where it says who it is. */
  worker?: string | undefined;
}

/** A question, and who asked it. */
export interface Asked {
  rawKey: string;
  options: VerifyOptions;
  /** The Worker that asked, where it says who it is. */
  worker: string | undefined;
}

/** What is told of each verification, for the log and for what is counted. None of it is waited for. */
export interface VerifierHooks {
  /** Called with every verdict on a genuine key; `age`: of what is known, in milliseconds; `null`: it cost a read. */
  onVerdict?: (key: KeyRecord, refusal: Refusal | null, now: number, age: number | null) => void;
  /** Called beside it where the key is refused. */
  onRefusal?: (key: KeyRecord, refusal: Refusal, now: number, asked: Asked) => void;
  /** Called with every other refusal: of what is no key, or was not looked up. */
  onUnnamed?: (refusal: Refusal, now: number) => void;
  /** Called with the milliseconds of each read that was answered, and its fault where it was not. */
  onRead?: (milliseconds: number, fault?: unknown) => unknown;
}

/**
 * Tells the log of refused keys, without a line for each request: who presents keys would choose how much is logged.
 * A genuine key has a line a minute for each reason, all others have one together, with their number.
 */
export class RefusalLog {
  readonly #shown: (rawKey: string) => string | undefined;
  readonly #loggedAt = new LruCache<number>(KEYS);
  #others = { loggedAt: Number.NEGATIVE_INFINITY, count: 0 };

  /** @param shown - What may be shown of a genuine key, where that is known. */
  constructor(shown: (rawKey: string) => string | undefined) {
    this.#shown = shown;
  }

  /** @param now - Milliseconds since the epoch. */
  genuine({ id, companyId }: KeyRecord, refusal: Refusal, now: number, { rawKey, worker }: Asked): void {
    const { error } = refusal;
    const reason = denialOf(refusal);
    const kind = `${reason} ${id}`;
    if (now - (this.#loggedAt.get(kind) ?? Number.NEGATIVE_INFINITY) < PAUSE_MS) return;
    this.#loggedAt.set(kind, now);
    const keyPrefix = this.#shown(rawKey);
    console.warn(
      JSON.stringify({ event: "key_refused", keyId: id, keyPrefix, companyId, error, reason, worker }),
    );
  }

  /** Keys that are none, that nobody has, or that were not looked up as there were too many of those. */
  other(now: number): void {
    this.#others.count += 1;
    if (now - this.#others.loggedAt < PAUSE_MS) return;
    console.warn(JSON.stringify({ event: "unknown_keys_refused", count: this.#others.count }));
    this.#others = { loggedAt: now, count: 0 };
  }
}

/** Tells the log of a read that was not answered in time, or failed. */
export function reportRead(fault: unknown, database: string): void {
  const cause = fault instanceof AggregateError ? fault.errors.at(-1) : fault;
  console.error(JSON.stringify({ event: "database_read_failed", database, fault: describeFault(cause) }));
}
