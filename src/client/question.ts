import { withDeadline } from "../lib/deadline.ts";
import { describeFault } from "../lib/fault.ts";
import type { KeyVerifier, Refusal, VerifyOptions, VerifyResult } from "../verify/contract.ts";
import { UNAVAILABLE, UNKNOWN } from "../verify/decide.ts";
import { isVerifyError } from "../verify/refusal.ts";

/** Milliseconds to wait for the verifier before the answer is 503. */
export const VERIFY_DEADLINE_MS = 3_000;

/** What a request must present, and how good the verdict must be. */
export interface QuestionOptions extends Omit<VerifyOptions, "clientIp"> {
  /** The header that holds the key. Default: `X-API-Key`. */
  headerName?: string;
  /**
   * Whether the key may come as `Authorization: Bearer <key>` instead (RFC 6750). A request with two different keys is refused.
   * Default: `false`.
   */
  bearer?: boolean;
  /**
   * What to do with a good key whose verdict is stale, because Latchkey's database cannot be reached: `accept` it, or
   * `refuse` it with 503. Default: `accept`.
   */
  stale?: "accept" | "refuse";
}

/** Options that were checked. */
export interface Question {
  readonly asked: VerifyOptions;
  readonly headerName: string;
  readonly bearer: boolean;
  readonly refusesStale: boolean;
}

const NAMES = new Set(["scopes", "consistency", "headerName", "bearer", "stale"]);
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 6750 §2.1. The scheme has no case: RFC 9110 §11.1. */
const BEARER = /^Bearer +([^\s]+)$/i;

/**
 * The options, checked and copied: who changes them afterwards changes nothing.
 *
 * @param others - Options of the caller's own.
 * @throws TypeError for a name that is no option, and for a wrong value.
 */
export function questionOf(options: QuestionOptions, ...others: string[]): Question {
  const { scopes = [], consistency, headerName = "X-API-Key", bearer = false, stale = "accept" } = options;
  for (const name in options) {
    if (!NAMES.has(name) && !others.includes(name)) throw new TypeError(`there is no option ${name}`);
  }
  if (!Array.isArray(scopes) || scopes.some((scope) => typeof scope !== "string" || scope === ""))
    throw new TypeError("scopes must be a list of strings, none of them empty");
  if (consistency !== undefined && consistency !== "bounded" && consistency !== "strong")
    throw new TypeError("consistency must be bounded or strong");
  if (typeof headerName !== "string" || !TOKEN.test(headerName))
    throw new TypeError("headerName must be the name of a header");
  if (headerName.toLowerCase() === "authorization")
    throw new TypeError("headerName must not be Authorization: bearer reads it");
  if (typeof bearer !== "boolean") throw new TypeError("bearer must be true or false");
  if (stale !== "accept" && stale !== "refuse") throw new TypeError("stale must be accept or refuse");
  const asked = { scopes: [...scopes], ...(consistency !== undefined && { consistency }) };
  return { asked, headerName, bearer, refusesStale: stale === "refuse" };
}

/** The verdict on the key that these headers present. Never throws: a verifier that fails cannot tell. */
export async function verdictOn(
  headers: Pick<Headers, "get">,
  clientIp: string | null | undefined,
  verifier: KeyVerifier,
  { asked, headerName, bearer, refusesStale }: Question,
): Promise<VerifyResult> {
  const presented = headers.get(headerName);
  const rawKey = bearer ? oneOf(presented, headers.get("Authorization")) : presented;
  if (rawKey === null) return UNKNOWN;
  const verdict = await ask(verifier, rawKey, clientIp ? { ...asked, clientIp } : asked);
  return refusesStale && verdict.valid && verdict.stale ? UNAVAILABLE : verdict;
}

/** The only key that is there, or `null`. */
function oneOf(presented: string | null, authorization: string | null): string | null {
  const token = BEARER.exec(authorization ?? "")?.[1] ?? null;
  if (token === null) return presented;
  return presented === null || presented === token ? token : null;
}

/** What was wrong with the question is told to who asked it, in the log, not to the caller. */
function told(refusal: Refusal): Refusal {
  const { error, message } = refusal;
  if (error !== "UNAVAILABLE" || message === UNAVAILABLE.message) return refusal;
  console.error(JSON.stringify({ event: "verify_misused", fault: message }));
  return UNAVAILABLE;
}

async function ask(verifier: KeyVerifier, rawKey: string, options: VerifyOptions): Promise<VerifyResult> {
  try {
    const verdict = await withDeadline(verifier.verify(rawKey, options), VERIFY_DEADLINE_MS);
    if (verdict.valid === true) return verdict;
    if (isVerifyError(verdict.error)) return told(verdict);
    throw new TypeError("The verifier's answer is no verdict that is known here");
  } catch (fault) {
    console.error(JSON.stringify({ event: "verifier_failed", fault: describeFault(fault) }));
    return UNAVAILABLE;
  }
}
