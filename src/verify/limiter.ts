import type { Background } from "../lib/background.ts";
import { describeFault } from "../lib/fault.ts";
import { LruCache } from "./cache.ts";

/** Who went over a limit is refused this long before the limiter is asked again. */
const BLOCK_MS = 10_000;
const CAPACITY = 10_000;

/**
 * A rate limit off the caller's path: each call is counted behind the answer, and an isolate that
 * learns that somebody is over the limit refuses them from then on. As exact as Cloudflare's own
 * limiter, which counts roughly and for each location.
 */
export class Limiter {
  readonly #binding: RateLimit;
  readonly #background: Background;
  readonly #blockedUntil = new LruCache<number>(CAPACITY);

  constructor(binding: RateLimit, background: Background) {
    this.#binding = binding;
    this.#background = background;
  }

  isBlocked(key: string, now: number): boolean {
    return (this.#blockedUntil.get(key) ?? 0) > now;
  }

  count(key: string, now: number): void {
    this.#background(this.#count(key, now));
  }

  async #count(key: string, now: number): Promise<void> {
    try {
      const { success } = await this.#binding.limit({ key });
      if (!success) this.#blockedUntil.set(key, now + BLOCK_MS);
    } catch (fault) {
      console.error(JSON.stringify({ event: "rate_limiter_failed", fault: describeFault(fault) }));
    }
  }
}
