import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { describeFault } from "../lib/fault.ts";
import { IssuerUnavailableError } from "./jwks.ts";
import type { OAuthSettings } from "./settings.ts";

/** Clocks of issuer and verifier may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** What an access token that was checked says (RFC 9068 §2.2). */
export interface AccessToken {
  /** `iss` of the token. */
  issuer: string;
  /** `sub` of the token. */
  subject: string;
  /** The tenant; `null` where the token names none. */
  companyId: string | null;
  scopes: readonly string[];
}

/** A token was not shown to be good. */
export class TokenError extends Error {
  override readonly name = "TokenError";
  readonly expired: boolean;

  /** @param reason - For the log: which check failed. */
  constructor(reason: string) {
    super(reason);
    this.expired = reason === errors.JWTExpired.code;
  }
}

export type TokenOptions = Pick<
  OAuthSettings,
  "OAUTH_ISSUER" | "OAUTH_AUDIENCE" | "OAUTH_ALGORITHMS" | "OAUTH_TOKEN_TYPES" | "OAUTH_COMPANY_CLAIM"
> & { keys: JWTVerifyGetKey };

/**
 * Checks an access token (RFC 9068 §4).
 *
 * @throws TokenError
 * @throws IssuerUnavailableError where there is no key to check it with.
 */
export type TokenVerifier = (token: string) => Promise<AccessToken>;

export function tokenVerifier(options: TokenOptions): TokenVerifier {
  const types = new Set(options.OAUTH_TOKEN_TYPES.map(mediaType));
  const claims = {
    issuer: options.OAUTH_ISSUER,
    audience: options.OAUTH_AUDIENCE,
    algorithms: options.OAUTH_ALGORITHMS,
    requiredClaims: ["exp", "sub"],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
  };
  const selectKey: JWTVerifyGetKey = (header, token) => {
    if (typeof header.typ !== "string" || !types.has(mediaType(header.typ)))
      throw new errors.JWTInvalid("typ");
    // RFC 7797 §7; jose looks at it only where `crit` names it.
    if (header.b64 === false) throw new errors.JWTInvalid("b64");
    return options.keys(header, token);
  };

  async function payloadOf(token: string): Promise<JWTPayload & { sub: string }> {
    try {
      const { payload } = await jwtVerify(token, selectKey, claims);
      const { sub } = payload;
      if (typeof sub !== "string" || sub === "") throw new errors.JWTInvalid("sub");
      return { ...payload, sub };
    } catch (error) {
      if (error instanceof IssuerUnavailableError) throw error;
      // Whatever a token or a key of the set makes jose throw, the token was not shown to be good.
      throw new TokenError(error instanceof errors.JOSEError ? error.code : describeFault(error));
    }
  }

  return async function verifyToken(token) {
    const payload = await payloadOf(token);
    const company = payload[options.OAUTH_COMPANY_CLAIM];
    const isName = typeof company === "string" && company !== "" && company.isWellFormed();
    return {
      issuer: options.OAUTH_ISSUER,
      subject: payload.sub,
      companyId: isName ? company : null,
      // RFC 6749 §3.3: parted by single spaces.
      scopes: typeof payload.scope === "string" ? payload.scope.split(" ") : [],
    };
  };
}

/** Whether `scope` was granted, compared whole; none is asked for where it is empty. */
export function mayUse({ scopes }: AccessToken, scope: string): boolean {
  return scope === "" || scopes.includes(scope);
}

/** `application/` may be left out of `typ` (RFC 7515 §4.1.9). */
function mediaType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, "");
}
