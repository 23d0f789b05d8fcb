import type { Context, MiddlewareHandler } from "hono";
import { type ApiError, errorResponse } from "../http/errors.ts";
import type { Acceptance, KeyVerifier, VerifiedKey } from "../verify/contract.ts";
import { refusal } from "../verify/refusal.ts";
import { expectVerifier } from "./binding.ts";
import { connectingIp } from "./protect.ts";
import { type QuestionOptions, questionOf, verdictOn } from "./question.ts";

export {
  ApiError,
  type ErrorCode,
  type ErrorDetail,
  type ErrorEnvelope,
  errorResponse,
} from "../http/errors.ts";
export type { Acceptance, KeyVerifier, VerifiedKey } from "../verify/contract.ts";
export type { QuestionOptions } from "./question.ts";

/** Options of {@link apiKey}. */
export interface ApiKeyOptions extends QuestionOptions {
  /** Who verifies: the name of the service binding, or a function that gives a verifier. Default: `LATCHKEY`. */
  verifier?: string | ((c: Context) => KeyVerifier);
  /**
   * Answers a refused request instead of Latchkey's error envelope. What it throws goes to the app's `onError`.
   *
   * @example
   * ```ts
   * onRefusal: ({ code, status, headers }, c) => c.json({ code }, status, headers)
   * ```
   */
  onRefusal?: (refusal: ApiError, c: Context) => Response | Promise<Response>;
}

/** What the middleware sets on the context: `c.var.apiKey` and `c.var.apiKeyVerdict`. */
export interface ApiKeyVariables {
  /** The key, and the company that it belongs to. */
  apiKey: VerifiedKey;
  /** The whole verdict: with `checkedAt` and `stale`. */
  apiKeyVerdict: Acceptance;
}

/**
 * Hono middleware: lets a request pass only with a good key.
 *
 * Everything else is answered in Latchkey's error envelope: 401 for a missing, bad, expired or revoked key, 403 for a
 * suspended one or a missing scope, 429, and 503 where Latchkey cannot tell or does not answer in 3 seconds.
 *
 * Handlers of the same route know the types of `c.var.apiKey` by themselves. Where the middleware is added by `app.use`, the
 * app names them: `new Hono<{ Variables: ApiKeyVariables }>()`.
 *
 * @example
 * ```ts
 * app.get("/jobs", apiKey({ scopes: ["jobs:read"] }), (c) => c.json(jobsOf(c.var.apiKey.companyId)));
 * ```
 * @throws TypeError where the middleware is made, for a name that is no option and for a wrong value. A binding that is not
 *   there is told to the app's `onError` when a request comes.
 */
export function apiKey(options: ApiKeyOptions = {}): MiddlewareHandler<{ Variables: ApiKeyVariables }> {
  const { question, verifierOf, onRefusal } = checked(options);

  return async function apiKey(c, next) {
    const { headers } = c.req.raw;
    const verdict = await verdictOn(headers, connectingIp(headers), verifierOf(c), question);
    if (!verdict.valid) {
      const error = refusal(verdict, question.bearer);
      return onRefusal === undefined ? errorResponse(error, c.req.url) : onRefusal(error, c);
    }
    c.set("apiKey", verdict.key);
    c.set("apiKeyVerdict", verdict);
    return next();
  };
}

function checked(options: ApiKeyOptions) {
  const { verifier = "LATCHKEY", onRefusal } = options;
  if (typeof verifier !== "function" && (typeof verifier !== "string" || verifier === ""))
    throw new TypeError("apiKey: verifier must be the name of a binding or a function");
  if (onRefusal !== undefined && typeof onRefusal !== "function")
    throw new TypeError("apiKey: onRefusal must be a function");
  return {
    question: questionOf(options, "verifier", "onRefusal"),
    verifierOf: typeof verifier === "string" ? bindingOf(verifier) : verifier,
    onRefusal,
  };
}

function bindingOf(name: string): (c: Context) => KeyVerifier {
  return ({ env }) => {
    const binding: unknown = env?.[name];
    expectVerifier(binding, `apiKey: ${name}`);
    return binding;
  };
}
