import type { Context, MiddlewareHandler } from "hono";
import { ApiError } from "./errors.ts";

/** The limiters, each of which may be left out of `wrangler.toml`: then there is no such limit. */
export interface RateLimits {
  /** Management calls of one company. */
  MANAGEMENT_LIMIT?: RateLimit;
  /** Failed verifications from one address. */
  FAILURES_LIMIT?: RateLimit;
  /** Verifications of one key. */
  VERIFICATIONS_LIMIT?: RateLimit;
}

/**
 * Hono middleware: limits the requests of one caller, whom `callerOf` names. Without a limiter, no limit.
 */
export function rateLimit<E extends { Variables: object }>(
  limiter: RateLimit | undefined,
  callerOf: (c: Context<E>) => string,
): MiddlewareHandler<E> {
  return async function rateLimit(c, next) {
    const outcome = await limiter?.limit({ key: callerOf(c) });
    if (outcome?.success === false) throw new ApiError("RATE_LIMITED");
    return next();
  };
}
