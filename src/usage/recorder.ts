import type { WaitUntil } from "../lib/background.ts";
import { describeFault } from "../lib/errors.ts";

/** Counts are handed on this long after the first of them. */
const FLUSH_MS = 5_000;
/** Keys of one report: a message of a queue holds 128 KB. */
const MAX_KEYS = 1_000;

/** What one isolate saw of a key within some seconds. */
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
}

/**
 * Adds up the uses of keys in the isolate and hands them to a queue, behind the answers. What a dying
 * isolate loses is some seconds of counts.
 */
export class UsageRecorder {
  readonly #parts: UsageRecorderParts;
  #counts = new Map<string, KeyUsage>();
  #flushAt = 0;

  constructor(parts: UsageRecorderParts) {
    this.#parts = parts;
  }

  /** @param now - Milliseconds since the epoch. */
  record(key: { id: string; companyId: string }, allowed: boolean, now: number, waitUntil: WaitUntil): void {
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
    // A request that was cut off may have taken its flush along: the next one is due a little later.
    if (this.#counts.size >= MAX_KEYS) waitUntil(this.#flush());
    else if (now >= this.#flushAt + FLUSH_MS) {
      this.#flushAt = now + FLUSH_MS;
      waitUntil(this.#parts.wait(FLUSH_MS).then(() => this.#flush()));
    }
  }

  async #flush(): Promise<void> {
    const keys = [...this.#counts.values()];
    this.#counts = new Map();
    this.#flushAt = 0;
    if (keys.length === 0) return;
    const day = new Date(this.#parts.now()).toISOString().slice(0, 10);
    try {
      await this.#parts.queue.send({ id: crypto.randomUUID(), day, keys });
    } catch (fault) {
      console.error(JSON.stringify({ event: "usage_lost", keys: keys.length, fault: describeFault(fault) }));
    }
  }
}
