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

  readonly #keyOf: (caller: string) => string;

  /** @param keyOf - What several callers are counted as one by. */
  constructor(binding: RateLimit, background: Background, keyOf = (caller: string) => caller) {
    this.#binding = binding;
    this.#background = background;
    this.#keyOf = keyOf;
  }

  /** A caller whom nobody knows is not limited. */
  isBlocked(caller: string | undefined, now: number): boolean {
    return !!caller && (this.#blockedUntil.get(this.#keyOf(caller)) ?? 0) > now;
  }

  count(caller: string | undefined, now: number): void {
    if (caller) this.#background(this.#count(this.#keyOf(caller), now));
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
