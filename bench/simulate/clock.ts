import { nextTick } from "node:process";

interface Timer {
  at: number;
  run: (() => void) | null;
}

/** Time that passes as fast as there is something to do. What waits for it is run in the order of its moments. */
export class Clock {
  now = 0;
  /** A heap: each is due no later than those at twice its place and one or two further. */
  readonly #timers: Timer[] = [];
  #isStirred = false;

  /** @returns What takes it back. */
  after(milliseconds: number, run: () => void): () => void {
    const timer: Timer = { at: this.now + milliseconds, run };
    this.#push(timer);
    return () => {
      timer.run = null;
    };
  }

  wait = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      this.after(milliseconds, resolve);
    });

  /** As `withDeadline` does in real time. */
  inTime = <T>(promise: Promise<T>, milliseconds: number): Promise<T> =>
    new Promise((resolve, reject) => {
      const cancel = this.after(milliseconds, () => reject(new Error("Late")));
      promise.then(
        (outcome) => {
          cancel();
          resolve(outcome);
        },
        (fault) => {
          cancel();
          reject(fault);
        },
      );
    });

  /** Something was begun that goes on in promises. */
  stir(): void {
    this.#isStirred = true;
  }

  /** Whether something has to be done up to `moment`. */
  isDue(moment: number): boolean {
    return this.#isStirred || (this.#timers[0]?.at ?? Number.POSITIVE_INFINITY) <= moment;
  }

  /** Lets time pass up to `moment`. @param afterEach - Called when what was due at one moment is done. */
  async passTo(moment: number, afterEach: () => void): Promise<void> {
    for (;;) {
      if (this.#isStirred) {
        this.#isStirred = false;
        // Comes when no promise has anything left to do, and without a turn of Node's own loop.
        await new Promise<void>((resolve) => nextTick(resolve));
        afterEach();
      }
      const [next] = this.#timers;
      if (next === undefined || next.at > moment) break;
      this.#pop();
      if (next.run === null) continue;
      this.now = next.at;
      this.#isStirred = true;
      next.run();
    }
    this.now = moment;
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let place = heap.push(timer) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= timer.at) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = timer;
  }

  #pop(): void {
    const heap = this.#timers;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if ((heap[child + 1]?.at ?? Number.POSITIVE_INFINITY) < (heap[child]?.at ?? 0)) child++;
      const below = heap[child];
      if (below === undefined || below.at >= last.at) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = last;
  }
}
