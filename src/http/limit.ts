import type { Context, Env, MiddlewareHandler } from "hono";
import { describeFault } from "../lib/fault.ts";
import { ApiError } from "./errors.ts";

/** The limiters, each of which may be left out of `wrangler.toml`: then there is no such limit. */
export interface RateLimits {
  /** Management calls of one caller, and of whoever runs the service. */
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

/** A caller of a company, as `rateLimit` names it. */
export function callerOf({ principal }: { principal: Caller }): readonly string[] {
  return [principal.companyId, principal.issuer, principal.subject];
}

/**
 * Hono middleware: limits the requests of one caller, so that nobody uses up what others need. Never a revocation: a key
 * that must end ends. Without a limiter, or with one that fails, no limit.
 *
 * @param nameOf - The caller.
 */
export function rateLimit<E extends Env>(
  limiter: RateLimit | undefined,
  nameOf: (variables: Context<E>["var"]) => readonly string[],
): MiddlewareHandler<E> {
  return async function rateLimit(c, next) {
    if (!isRevocation(c)) await countOrRefuse(limiter, JSON.stringify(nameOf(c.var)));
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
  return req.method === "DELETE" || (req.method === "POST" && /\/revoke(-all)?$/.test(req.path));
}
