import type { Background } from "../lib/background.ts";
import { LruCache } from "../lib/cache.ts";
import { describeFault } from "../lib/fault.ts";
import type { Refusal } from "./contract.ts";
import { ELSEWHERE, type KeyRecord, LIMITED } from "./decide.ts";

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

export interface UseLimits {
  /** Of verifications of one key. */
  keyLimit?: Limiter;
  /** Of accepted verifications of all keys of one company, by its tier. */
  tierLimits?: ReadonlyMap<string, Limiter>;
}

/**
 * Counts a use of a genuine key, which `refusal` refuses or nothing does. Who asks from elsewhere takes nothing of the key's limit. Of
 * the company's only what is accepted does: a key that leaked and was revoked takes nothing from the others.
 *
 * @returns `LIMITED`, or `refusal`.
 */
export function limitUse(
  { keyLimit, tierLimits }: UseLimits,
  { id, companyId, company }: KeyRecord,
  refusal: Refusal | null,
  now: number,
): Refusal | null {
  if (refusal === ELSEWHERE) return refusal;
  const isOver = keyLimit?.isBlocked(id, now);
  keyLimit?.count(id, now);
  if (isOver) return LIMITED;
  if (refusal !== null || company === null || company.rateTier === null) return refusal;
  const tierLimit = tierLimits?.get(company.rateTier);
  if (tierLimit?.isBlocked(companyId, now)) return LIMITED;
  tierLimit?.count(companyId, now);
  return null;
}
