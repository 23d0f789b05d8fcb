import type { Question, Watch } from "./snapshot.ts";

/** Requests of one isolate see clocks that differ: workerd's stands still until a request's next timer has fired. */
const CLOCK_SKEW_MS = 100;

/** How old what a feed knows is, also where the clock is set back. Moments are in milliseconds since the epoch. */
export class Freshness {
  readonly #boundMs: number;
  /** The same as `toldAt` while its age is known; else of no age, until a read tells one. */
  #syncedAt = Number.NEGATIVE_INFINITY;
  #toldAt = Number.NEGATIVE_INFINITY;
  #latest = Number.NEGATIVE_INFINITY;
  /** Whether the clock was set back since what is known was told: of what others have read it tells no age either. */
  #isClockDoubted = false;
  /** Of the question that was last due. */
  #watch: Watch = { isOver: true };
  /** Of the question that `#syncedAt` is of. */
  #syncedBy = this.#watch;

  constructor(boundMs: number) {
    this.#boundMs = boundMs;
  }

  /** Every change committed before this moment is known, and its age is. */
  get syncedAt(): number {
    return this.#syncedAt;
  }

  /** Every change committed before this moment is known. */
  get toldAt(): number {
    return this.#toldAt;
  }

  get isClockDoubted(): boolean {
    return this.#isClockDoubted;
  }

  /** Whether what is known was confirmed longer ago than the bound. */
  isStale(now: number): boolean {
    return now - this.#syncedAt >= this.#boundMs;
  }

  /** The watch of a question that is about to be asked. */
  watch(isDue: boolean): Watch {
    if (isDue) this.#watch = { isOver: false };
    return this.#watch;
  }

  /** Every change committed before this question is known. */
  sync({ askedAt, watch }: Question, now: number): void {
    const isTimed = !watch.isOver && askedAt <= now;
    if (!isTimed || askedAt <= this.#syncedAt) return;
    this.#syncedAt = askedAt;
    this.#toldAt = askedAt;
    this.#syncedBy = watch;
    this.#isClockDoubted = false;
  }

  /** What was known by a question of this watch is past the bound, whatever the clock says. */
  expire(watch: Watch, now: number): void {
    watch.isOver = true;
    if (this.#syncedBy !== watch) return;
    this.#isClockDoubted ||= now - this.#toldAt < this.#boundMs;
    this.#distrust(now);
  }

  /** A clock that was set back tells no ages: what is known from before is past the bound. @returns whether it was. */
  look(now: number): boolean {
    const back = this.#latest - now;
    if (back > 0 && back <= CLOCK_SKEW_MS) return false;
    this.#latest = now;
    if (back <= 0) return false;
    this.#isClockDoubted = true;
    this.#distrust(now);
    return true;
  }

  /** What is known is of an age that nobody knows: past the bound, however the clock is set from here on. */
  #distrust(now: number): void {
    this.#toldAt = Math.min(this.#toldAt, now - this.#boundMs);
    this.#syncedAt = Number.NEGATIVE_INFINITY;
  }
}
