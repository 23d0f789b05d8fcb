import { ERRORS } from "../http/errors.ts";
import { parseAddress } from "../lib/address.ts";
import { describeFault } from "../lib/fault.ts";
import type {
  Acceptance,
  KeyVerifier,
  VerifiedKey,
  VerifyOptions,
  VerifyResult,
} from "../verify/contract.ts";
import { UNAVAILABLE, UNKNOWN } from "../verify/decide.ts";
import { misused, wrongOptions } from "../verify/question.ts";
import { isVerifyError } from "../verify/refusal.ts";
import { VERIFY_DEADLINE_MS } from "./question.ts";

/** What can stand in a header, and be a key: RFC 9110 §5.5, without spaces. */
const PRINTABLE = /^[\x21-\x7E]+$/;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const ANY_SCOPE = { has: () => true };

/**
 * A verifier that asks Latchkey over HTTP, for servers that are not Workers.
 *
 * It asks for every request, over connections that are kept open, and waits {@link VERIFY_DEADLINE_MS} at most. It keeps no
 * verdict: one that it kept would let a revoked key pass for longer than Latchkey promises. `consistency: "strong"` is for
 * service bindings: asked for here, it is refused. It never throws.
 *
 * @param origin - Where Latchkey is: `https://latchkey.example.com`. Plain `http:` is for loopback addresses alone.
 * @throws TypeError where it is made, for any other URL.
 */
export function httpVerifier(origin: string): KeyVerifier {
  const endpoint = endpointOf(origin);

  return {
    async verify(rawKey, options = {}) {
      const fault =
        wrongOptions(options, () => ANY_SCOPE) ??
        (options.consistency === "strong" ? "strong is for service bindings" : null);
      if (fault !== null) return misused(fault);
      if (typeof rawKey !== "string" || !PRINTABLE.test(rawKey)) return UNKNOWN;
      try {
        const answer = await fetch(questionUrl(endpoint, options), {
          headers: { "X-API-Key": rawKey },
          redirect: "error",
          signal: AbortSignal.timeout(VERIFY_DEADLINE_MS),
        });
        return verdictOf(answer, await answer.json());
      } catch (fault) {
        console.error(JSON.stringify({ event: "verifier_failed", fault: describeFault(fault) }));
        return UNAVAILABLE;
      }
    },
  };
}

function endpointOf(origin: string): URL {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.test(url.hostname));
  if (url === undefined || !isSafe || url.pathname !== "/" || url.search !== "" || url.username !== "")
    throw new TypeError("httpVerifier: origin must be https://<host>, or http: of a loopback address");
  return new URL("/public/v1/verify", url);
}

function questionUrl(endpoint: URL, { scopes = [], clientIp }: VerifyOptions): URL {
  const url = new URL(endpoint);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  // A zone is of this machine alone: RFC 4007 §11.
  const ip = clientIp?.replace(/%.*$/, "") ?? "";
  if (parseAddress(ip) !== null) url.searchParams.set("ip", ip);
  return url;
}

/** @throws TypeError where somebody else has answered, or Latchkey has failed. */
function verdictOf(
  { status, headers }: Response,
  body: Partial<VerifiedKey & Record<"error" | "message", unknown>>,
): VerifyResult {
  if (status === 200) return acceptanceOf(headers, body);
  const { error, message } = body;
  if (status === ERRORS.BAD_REQUEST.status && error === "BAD_REQUEST") return misused(String(message));
  if (!isVerifyError(error) || ERRORS[error].status !== status)
    throw new TypeError(`Latchkey answered ${status} without a verdict`);
  return { valid: false, error, message: String(message) };
}

function acceptanceOf(headers: Headers, body: Partial<VerifiedKey>): Acceptance {
  const { id, companyId, scopes, expiresAt, metadata } = body;
  const checkedAt = headers.get("X-Key-Checked-At");
  if (
    id === undefined ||
    companyId === undefined ||
    scopes === undefined ||
    expiresAt === undefined ||
    metadata === undefined ||
    checkedAt === null
  )
    throw new TypeError("Latchkey answered 200 without a verdict");
  return {
    valid: true,
    key: { id, companyId, scopes, expiresAt, metadata },
    checkedAt,
    stale: headers.get("X-Key-Stale") === "true",
  };
}
