import { FIRST_DATABASE } from "../db/settings.ts";
import type { Background } from "../lib/background.ts";
import { randomBase62 } from "../lib/encoding.ts";
import { describeFault } from "../lib/fault.ts";
import { DAY_MS, dayOf } from "../lib/time.ts";
import { Watch } from "./watch.ts";

/** Keys of one report. */
export const MAX_KEYS = 1_000;
/** Of one report, as JSON: a message of a queue holds 128 KB, of which the queue needs some 100 bytes itself. */
const MAX_BYTES = 120_000;
/** More uses than one isolate sees before it reports. */
const MAX_COUNT = 9_999_999_999;

const utf8 = new TextEncoder();
/** Base62 characters of a report's id: 59 bits. */
export const REPORT_ID_LENGTH = 10;

/** Why a genuine key was refused, in the order in which reports count. */
export const DENIALS = ["expired", "revoked", "suspended", "scope", "address", "limit"] as const;
export type Denial = (typeof DENIALS)[number];

/** Of the denials of one key, at most. */
const DENIALS_BYTES = JSON.stringify({ denials: DENIALS.map(() => MAX_COUNT) }).length;

/** What one isolate saw of a key since its last report. */
export interface KeyUsage {
  keyId: string;
  companyId: string;
  /** Which the key is in. Left out: `DB`. */
  database?: string;
  allowed: number;
  denied: number;
  /** Of the denied, those for each of `DENIALS`. Left out where there are none. */
  denials?: number[];
  /** Milliseconds since the epoch; `null`: it was never accepted. */
  lastUsedAt: number | null;
}

/** A message of the queue. */
export interface UsageReport {
  /** Makes a report that is delivered twice count once. */
  id: string;
  /** `YYYY-MM-DD`, UTC. */
  day: string;
  keys: KeyUsage[];
}

export interface UsageRecorderParts {
  queue: Pick<Queue<UsageReport>, "send">;
  /** Milliseconds since the epoch. */
  now: () => number;
  wait: (milliseconds: number) => Promise<unknown>;
  background: Background;
}

/**
 * Adds up the uses of keys in the isolate and hands them to a queue, behind the answers. What a dying
 * isolate loses is the counts of 90 seconds at most.
 */
export class UsageRecorder {
  readonly #parts: UsageRecorderParts;
  #counts = new Map<string, KeyUsage>();
  /** Of the counts as JSON, at most. */
  #bytes = 0;
  /** When the first of the counts was made: all are of that day. */
  #since = 0;
  readonly #watch: Watch;

  constructor(parts: UsageRecorderParts) {
    this.#parts = parts;
    this.#watch = new Watch({ ...parts, since: () => this.#since, flush: () => this.#flush() });
  }

  /**
   * @param denial - Why it was refused; `null`: it was accepted.
   * @param now - Milliseconds since the epoch.
   * @param database - Which the key is in.
   */
  record(
    key: { id: string; companyId: string },
    denial: Denial | null,
    now: number,
    database?: string,
  ): void {
    const { background } = this.#parts;
    const isNextDay = Math.floor(now / DAY_MS) !== Math.floor(this.#since / DAY_MS);
    if (this.#counts.size > 0 && isNextDay) background(this.#flush());
    const usage = this.#counts.get(key.id) ?? this.#add(key, now, database);
    if (denial === null) {
      usage.allowed += 1;
      usage.lastUsedAt = now;
    } else {
      this.#deny(usage, DENIALS.indexOf(denial), now);
    }
    this.#watch.touch(now);
  }

  #add({ id: keyId, companyId }: { id: string; companyId: string }, now: number, name?: string): KeyUsage {
    const database = name === undefined || name === FIRST_DATABASE ? {} : { database: name };
    const largest: KeyUsage = {
      keyId,
      companyId,
      ...database,
      allowed: MAX_COUNT,
      denied: MAX_COUNT,
      lastUsedAt: now,
    };
    const bytes = utf8.encode(`${JSON.stringify(largest)},`).length;
    if (this.#counts.size >= MAX_KEYS || this.#bytes + bytes > MAX_BYTES)
      this.#parts.background(this.#flush());
    if (this.#counts.size === 0) this.#since = now;
    const usage: KeyUsage = { keyId, companyId, ...database, allowed: 0, denied: 0, lastUsedAt: null };
    this.#counts.set(keyId, usage);
    this.#bytes += bytes;
    return usage;
  }

  #deny(counted: KeyUsage, reason: number, now: number): void {
    let usage = counted;
    if (usage.denials === undefined) {
      if (this.#bytes + DENIALS_BYTES > MAX_BYTES) {
        this.#parts.background(this.#flush());
        usage = this.#add({ id: usage.keyId, companyId: usage.companyId }, now, usage.database);
      }
      usage.denials = DENIALS.map(() => 0);
      this.#bytes += DENIALS_BYTES;
    }
    usage.denied += 1;
    usage.denials[reason] = (usage.denials[reason] ?? 0) + 1;
  }

  async #flush(): Promise<void> {
    const keys = [...this.#counts.values()];
    this.#counts = new Map();
    this.#bytes = 0;
    if (keys.length === 0) return;
    const id = randomBase62(REPORT_ID_LENGTH, (bytes) => crypto.getRandomValues(bytes));
    const day = dayOf(this.#since);
    try {
      await this.#parts.queue.send({ id, day, keys });
    } catch (fault) {
      console.error(JSON.stringify({ event: "usage_lost", keys: keys.length, fault: describeFault(fault) }));
    }
  }
}
