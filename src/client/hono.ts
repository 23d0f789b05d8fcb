import type { MiddlewareHandler } from "hono";
import { errorResponse } from "../http/errors.ts";
import { withDeadline } from "../lib/deadline.ts";
import { describeFault } from "../lib/fault.ts";
import type { KeyVerifier, VerifiedKey, VerifyResult } from "../verify/contract.ts";
import { refusal } from "../verify/refusal.ts";

export {
  ApiError,
  type ErrorCode,
  type ErrorDetail,
  type ErrorEnvelope,
  errorResponse,
} from "../http/errors.ts";
export type { KeyVerifier, VerifiedKey, VerifyResult } from "../verify/contract.ts";

/** Milliseconds to wait for the verifier before the answer is 503. */
export const VERIFY_DEADLINE_MS = 3_000;

export interface ApiKeyOptions {
  /** Scopes that the presented key must all have. Default: none. */
  scopes?: readonly string[];
  /** Name of the service binding to Latchkey's `ApiKeyVerifier`. Default: `LATCHKEY`. */
  binding?: string;
}

/** What the middleware sets on the context: `c.var.apiKey`. */
export interface ApiKeyVariables {
  apiKey: VerifiedKey;
}

/**
 * Hono middleware: lets a request pass only with a good key in `X-API-Key`.
 *
 * Everything else is answered in Latchkey's error envelope: 401 for a missing, bad, expired or
 * revoked key, 403 for a missing scope, 429, and 503 where Latchkey cannot tell.
 *
 * @example
 * ```ts
 * const app = new Hono<{ Variables: ApiKeyVariables }>();
 * app.get("/jobs", apiKey({ scopes: ["jobs:read"] }), (c) => c.json(jobsOf(c.var.apiKey.companyId)));
 * ```
 * @throws TypeError where the middleware is made: for an empty scope or binding name.
 */
export function apiKey(options: ApiKeyOptions = {}): MiddlewareHandler<{ Variables: ApiKeyVariables }> {
  const scopes = [...(options.scopes ?? [])];
  const binding = options.binding ?? "LATCHKEY";
  if (binding === "") throw new TypeError("apiKey: binding must not be empty");
  if (scopes.some((scope) => typeof scope !== "string" || scope === "")) {
    throw new TypeError("apiKey: scopes must be non-empty strings");
  }

  return async function apiKey(c, next) {
    const rawKey = c.req.header("X-API-Key");
    const clientIp = c.req.header("CF-Connecting-IP");
    const result =
      rawKey === undefined
        ? MISSING
        : await ask(verifierOf(c.env, binding), rawKey, { scopes, ...(clientIp && { clientIp }) });
    if (!result.valid) return errorResponse(refusal(result), c.req.url);
    c.set("apiKey", result.key);
    return next();
  };
}

function verifierOf(env: unknown, binding: string): KeyVerifier {
  const verifier = (env as Record<string, KeyVerifier | undefined> | undefined)?.[binding];
  if (verifier === undefined) throw new TypeError(`apiKey: no service binding named ${binding}`);
  return verifier;
}

const MISSING: VerifyResult = { valid: false, error: "UNAUTHORIZED", message: "Invalid or missing API key" };
const CANNOT_TELL: VerifyResult = {
  valid: false,
  error: "UNAVAILABLE",
  message: "The API key cannot be checked now",
};

/** A verifier that throws or does not answer in time cannot tell: neither good nor bad. */
async function ask(verifier: KeyVerifier, ...args: Parameters<KeyVerifier["verify"]>): Promise<VerifyResult> {
  try {
    return await withDeadline(verifier.verify(...args), VERIFY_DEADLINE_MS);
  } catch (fault) {
    console.error(JSON.stringify({ event: "verifier_failed", fault: describeFault(fault) }));
    return CANNOT_TELL;
  }
}
