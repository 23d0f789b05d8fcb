import type { Context, MiddlewareHandler } from "hono";
import { describeFault } from "../lib/fault.ts";
import { ApiError } from "./errors.ts";

/** The limiters, each of which may be left out of `wrangler.toml`: then there is no such limit. */
export interface RateLimits {
  /** Management calls of one caller. */
  MANAGEMENT_LIMIT?: RateLimit;
  /** Failed verifications from one address, and sign-ins. */
  FAILURES_LIMIT?: RateLimit;
  /** Verifications of one key. */
  VERIFICATIONS_LIMIT?: RateLimit;
}

interface Caller {
  companyId: string;
  issuer: string;
  subject: string;
}

/**
 * Hono middleware: limits the requests of one caller of a company, so that nobody uses up what others need. Never a
 * revocation: a key that must end ends. Without a limiter, or with one that fails, no limit.
 */
export function rateLimit<E extends { Variables: { principal: Caller } }>(
  limiter: RateLimit | undefined,
): MiddlewareHandler<E> {
  return async function rateLimit(c, next) {
    if (isRevocation(c)) return next();
    const { companyId, issuer, subject } = c.var.principal;
    await countOrRefuse(limiter, JSON.stringify([companyId, issuer, subject]));
    return next();
  };
}

/**
 * Counts a call of whoever `key` names. Without a limiter, or with one that fails, no limit.
 *
 * @throws ApiError `RATE_LIMITED`
 */
export async function countOrRefuse(limiter: RateLimit | undefined, key: string): Promise<void> {
  if (limiter === undefined) return;
  const { success } = await limiter.limit({ key }).catch((fault: unknown) => {
    console.error(JSON.stringify({ event: "rate_limiter_failed", fault: describeFault(fault) }));
    return { success: true };
  });
  if (!success) throw new ApiError("RATE_LIMITED");
}

function isRevocation({ req }: Context): boolean {
  return req.method === "DELETE" || (req.method === "POST" && req.path.endsWith("/revoke"));
}
