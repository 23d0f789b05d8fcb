import { ApiError, errorResponse } from "../http/errors.ts";
import { describeFault } from "../lib/fault.ts";
import type { Acceptance, KeyVerifier } from "../verify/contract.ts";
import { refusal } from "../verify/refusal.ts";
import { expectVerifier, type UntypedService } from "./binding.ts";
import { type QuestionOptions, questionOf, verdictOn } from "./question.ts";

/** Options of {@link protect}. */
export interface ProtectOptions extends QuestionOptions {
  /**
   * The address of who presents the key. Default: in Workers what Cloudflare says in `CF-Connecting-IP`, elsewhere none, as
   * there anybody could write that header.
   */
  clientIp?: string;
}

/**
 * Lets a request pass only with a good key.
 *
 * @param request - A `Request`, or what has its `headers` and `url`.
 * @param verifier - The service binding to Latchkey's `ApiKeyVerifier`, or another verifier.
 * @returns The verdict with the `key`, or the answer to give: 401 for a missing, bad, expired or revoked key, 403 for a
 *   suspended key or a missing scope, 429, 503 where Latchkey cannot tell or does not answer within {@link VERIFY_DEADLINE_MS}, and 500 for
 *   wrong options or a binding that is not there, which the log names. Always in Latchkey's error envelope. It never throws.
 *
 * @example
 * ```ts
 * const caller = await protect(request, env.LATCHKEY, { scopes: ["jobs:read"] });
 * if (caller instanceof Response) return caller;
 * return Response.json(await jobsOf(caller.key.companyId));
 * ```
 */
export async function protect(
  request: { readonly headers: Pick<Headers, "get">; readonly url: string },
  verifier: KeyVerifier | UntypedService,
  options: ProtectOptions = {},
): Promise<Acceptance | Response> {
  try {
    const question = questionOf(options, "clientIp");
    expectVerifier(verifier, "protect: the verifier");
    const verdict = await verdictOn(
      request.headers,
      options.clientIp ?? connectingIp(request.headers),
      verifier,
      question,
    );
    return verdict.valid ? verdict : errorResponse(refusal(verdict, question.bearer), request.url);
  } catch (fault) {
    console.error(JSON.stringify({ event: "protect_misused", fault: describeFault(fault) }));
    return errorResponse(new ApiError("INTERNAL_ERROR"), request.url);
  }
}

const IS_WORKER =
  (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent === "Cloudflare-Workers";

/** The caller's address, where nobody else can have written it. */
export function connectingIp(headers: Pick<Headers, "get">): string | null {
  return IS_WORKER ? headers.get("CF-Connecting-IP") : null;
}
