import type { Background } from "../lib/background.ts";

/** While there is something new, what was gathered is handed on this long after the first of it. */
const REPORT_MS = 90_000;
/** Once there is nothing new any more, it is handed on after this time. */
const IDLE_MS = 10_000;
/** How often it is looked whether it is time. */
const WATCH_MS = 5_000;

export interface WatchParts {
  /** Milliseconds since the epoch. */
  now: () => number;
  wait: (milliseconds: number) => Promise<unknown>;
  background: Background;
  /** When the first of what is gathered came. */
  since: () => number;
  /** Hands on what was gathered. */
  flush: () => Promise<void> | void;
}

/** Looks, behind the answers, whether what an isolate gathers is to be handed on. */
export class Watch {
  readonly #parts: WatchParts;
  #startedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** Something was gathered. A request that is cut off may take its watch along: the next one is due soon. */
  touch(now: number): void {
    if (Math.abs(now - this.#startedAt) < WATCH_MS) return;
    this.#startedAt = now;
    this.#parts.background(this.#watch(now));
  }

  /** Hands on what was gathered when it is time, or leaves that to a later watch. */
  async #watch(startedAt: number): Promise<void> {
    const { now, wait, since, flush } = this.#parts;
    await wait(IDLE_MS);
    const isLast = this.#startedAt === startedAt;
    if (isLast || Math.abs(now() - since()) >= REPORT_MS) await flush();
  }
}
