import type { Background } from "../lib/background.ts";
import { randomBase62 } from "../lib/encoding.ts";
import { describeFault } from "../lib/fault.ts";
import { DAY_MS, dayOf } from "../lib/time.ts";

/** While keys are in use, counts are handed on this long after the first of them: those of a minute are one report. */
const REPORT_MS = 90_000;
/** Once no key is used any more, they are handed on after this time. */
const IDLE_MS = 10_000;
/** How often it is looked whether it is time. */
const WATCH_MS = 5_000;
/** Keys of one report: a message of a queue holds 128 KB. */
export const MAX_KEYS = 1_000;
/** Base62 characters of a report's id: 59 bits. */
export const REPORT_ID_LENGTH = 10;

/** What one isolate saw of a key since its last report. */
export interface KeyUsage {
  keyId: string;
  companyId: string;
  allowed: number;
  denied: number;
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
  /** When the first of the counts was made: all are of that day. */
  #since = 0;
  #watchedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: UsageRecorderParts) {
    this.#parts = parts;
  }

  /** @param now - Milliseconds since the epoch. */
  record(key: { id: string; companyId: string }, allowed: boolean, now: number): void {
    const { background } = this.#parts;
    const isNextDay = Math.floor(now / DAY_MS) !== Math.floor(this.#since / DAY_MS);
    if (this.#counts.size >= MAX_KEYS || (this.#counts.size > 0 && isNextDay)) background(this.#flush());
    if (this.#counts.size === 0) this.#since = now;
    const usage = this.#counts.get(key.id);
    if (usage === undefined) {
      const first = { allowed: allowed ? 1 : 0, denied: allowed ? 0 : 1, lastUsedAt: allowed ? now : null };
      this.#counts.set(key.id, { keyId: key.id, companyId: key.companyId, ...first });
    } else if (allowed) {
      usage.allowed += 1;
      usage.lastUsedAt = now;
    } else {
      usage.denied += 1;
    }
    // A request that is cut off may take its watch along: the next one is due soon.
    if (Math.abs(now - this.#watchedAt) >= WATCH_MS) {
      this.#watchedAt = now;
      background(this.#watch(now));
    }
  }

  /** Hands the counts on when it is time, or leaves that to a later watch. */
  async #watch(startedAt: number): Promise<void> {
    await this.#parts.wait(IDLE_MS);
    const isLast = this.#watchedAt === startedAt;
    if (isLast || Math.abs(this.#parts.now() - this.#since) >= REPORT_MS) await this.#flush();
  }

  async #flush(): Promise<void> {
    const keys = [...this.#counts.values()];
    this.#counts = new Map();
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
