/** While none comes back, so many reads are begun at once, and then one in `retryMs`. */
const MAX_UNANSWERED = 50;

export interface ReadLimits {
  /** While there is no answer it is asked again this often in the background. */
  retryMs: number;
  /** A caller waits this long. A read that takes longer than half of it is late; a failure is believed for all of it. */
  waitMs: number;
}

/**
 * Whether the database answers. One read that fails or is late is a doubt; the database fails when the next one
 * does not come back either. Any answer ends both.
 */
export class Reads {
  readonly #limits: ReadLimits;
  /** Of the next read. */
  #number = 0;
  #dueAt = Number.NEGATIVE_INFINITY;
  #unanswered = 0;
  #doubt = { at: Number.NEGATIVE_INFINITY, number: 0 };
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(limits: ReadLimits) {
    this.#limits = limits;
  }

  /** The number of the next read. */
  get next(): number {
    return this.#number;
  }

  /** A number for a read: it rises from one to the next. */
  take(): number {
    return this.#number++;
  }

  isDue(now: number): boolean {
    return now - this.#dueAt >= this.#limits.retryMs;
  }

  /** Whether two reads in a row have just failed, or have not come back in time. */
  isFailing(now: number): boolean {
    return now - this.#failedAt < this.#limits.waitMs;
  }

  /** Whether so many reads are under way, and none of them came back, that another one would only be one more. */
  isCrowded(now: number): boolean {
    return this.#unanswered >= MAX_UNANSWERED && !this.isDue(now);
  }

  /** @returns the read's number. */
  begin(now: number): number {
    if (this.isDue(now)) this.#dueAt = now;
    this.#unanswered += 1;
    return this.take();
  }

  answer(): void {
    this.#unanswered = 0;
    this.#doubt.at = Number.NEGATIVE_INFINITY;
    this.#failedAt = Number.NEGATIVE_INFINITY;
  }

  /** @param isSecond - Whether its caller has waited for another read before it in vain, however long that took. */
  fail(number: number, now: number, isSecond = false): void {
    const { waitMs } = this.#limits;
    const age = now - this.#doubt.at;
    const inDoubt = age < waitMs || (isSecond && Number.isFinite(age));
    const isNext = number >= this.#doubt.number || age >= waitMs / 2;
    if (this.isFailing(now) || (inDoubt && isNext)) this.#failedAt = now;
    else if (!inDoubt) this.#doubt = { at: now, number: this.#number };
  }

  /** The clock was set back: no moment from before means anything. */
  reset(): void {
    this.answer();
    this.#dueAt = Number.NEGATIVE_INFINITY;
  }
}
