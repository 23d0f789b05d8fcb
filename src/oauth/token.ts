import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTHeaderParameters,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import { masked } from "../http/errors.ts";
import { describeFault } from "../lib/fault.ts";
import { claimAt, companiesOf, companyOf, difference, missingClaim, scopesOf } from "./claims.ts";
import { ED25519_NAMES, IssuerUnavailableError } from "./jwks.ts";
import { type OAuthSettings, tellsAccessTokens } from "./settings.ts";
import { issuerOf } from "./tenants.ts";

/** Clocks of issuer and verifier may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** The type of access tokens (RFC 9068 §2.1), and what a token without a type counts as (RFC 7519 §5.1). */
const ACCESS_TOKEN = "at+jwt";
const JWT = "jwt";

/** Header, payload and signature (RFC 7515 §3.1); an encrypted token has five parts (RFC 7516 §3.1). */
const JWS_PARTS = 3;

/** Claims of ID tokens (OpenID Connect Core §3.3.2.11) and of security events (RFC 8417 §2.2), never of access tokens. */
const OF_OTHER_TOKENS = ["at_hash", "c_hash", "s_hash", "events"];
/** Of ID tokens too, but a few issuers put it into access tokens as well. */
const NONCE = "nonce";

/** Why what is no JWT in compact form is refused, for the log. */
export const NO_JWT = "not a signed JWT: opaque, encrypted or malformed";

type Expected = string | readonly string[];

/** What the claims of registered names must be, for the log. */
const EXPECTED: Record<string, Expected> = {
  exp: "a time to come",
  nbf: "a time that has come",
  iat: "a time",
  sub: "a name",
};

/** What an access token that was checked says (RFC 9068 §2.2). */
export interface AccessToken {
  /** `iss` of the token. */
  issuer: string;
  /** `sub` of the token. */
  subject: string;
  /** The tenant; `null` where the token names none. */
  companyId: string | null;
  /** Where the token names several: none of them is meant until somebody chooses it. */
  companies: readonly string[];
  /** Why there is no tenant, for the log. */
  companyFault: string;
  scopes: readonly string[];
}

/** A token was not shown to be good. */
export class TokenError extends Error {
  override readonly name = "TokenError";
  readonly expired: boolean;

  /**
   * @param reason - For the log: which check failed. Holds no part of the token but a claim or header.
   * @param expired - Nothing else is wrong with the token.
   */
  constructor(reason: string, expired = false) {
    super(reason);
    this.expired = expired;
  }
}

export type TokenOptions = Pick<
  OAuthSettings,
  | "OAUTH_ISSUER"
  | "OAUTH_AUDIENCE"
  | "OAUTH_ALGORITHMS"
  | "OAUTH_TOKEN_TYPES"
  | "OAUTH_COMPANY_CLAIM"
  | "OAUTH_SCOPE_CLAIM"
  | "OAUTH_REQUIRED_CLAIMS"
  | "OAUTH_READ_SCOPE"
  | "OAUTH_WRITE_SCOPE"
> & { keys: JWTVerifyGetKey };

/**
 * Checks an access token (RFC 9068 §4).
 *
 * @throws TokenError
 * @throws IssuerUnavailableError where there is no key to check it with.
 */
export type TokenVerifier = (token: string) => Promise<AccessToken>;

export function tokenVerifier(options: TokenOptions): TokenVerifier {
  const { OAUTH_ISSUER, OAUTH_AUDIENCE: audiences, OAUTH_COMPANY_CLAIM: companyClaim } = options;
  const types = new Set(options.OAUTH_TOKEN_TYPES.map(mediaType));
  const checks = {
    algorithms: bothNames(options.OAUTH_ALGORITHMS),
    requiredClaims: ["exp", "sub"],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    ...(audiences.length > 0 && { audience: audiences }),
  };
  // Where nothing else tells access tokens from ID tokens, the nonce does.
  const others = tellsAccessTokens(options) ? OF_OTHER_TOKENS : [...OF_OTHER_TOKENS, NONCE];
  const expected: Record<string, Expected> = { ...EXPECTED, aud: audiences };

  /** Looks at what is cheap to look at, before a key is asked for. */
  function checkHeader(header: JWTHeaderParameters, token: string): void {
    const { typ = JWT } = header;
    if (typeof typ !== "string" || !types.has(mediaType(typ))) {
      throw new TokenError(masked(difference("typ", options.OAUTH_TOKEN_TYPES, header.typ)));
    }
    // RFC 7797 §7; jose looks at it only where `crit` names it.
    if (header.b64 === false) throw new TokenError("b64: expected true, found false");
    checkedIssuer(decodeJwt(token));
  }

  function checkedIssuer(claims: JWTPayload): string {
    const issuer = issuerOf(OAUTH_ISSUER, claims);
    if (issuer === undefined || claims.iss !== issuer) {
      throw new TokenError(masked(difference("iss", [OAUTH_ISSUER], claims.iss)));
    }
    return issuer;
  }

  /** The claims of a token that the issuer signed for this API. */
  async function signedClaims(token: string): Promise<{ claims: JWTPayload; expired: boolean }> {
    const selectKey: JWTVerifyGetKey = (header, input) => {
      checkHeader(header, token);
      return options.keys(header, input);
    };
    try {
      const { payload } = await jwtVerify(token, selectKey, checks);
      return { claims: payload, expired: false };
    } catch (error) {
      if (error instanceof IssuerUnavailableError || error instanceof TokenError) throw error;
      // The last check of all.
      if (error instanceof errors.JWTExpired) return { claims: error.payload, expired: true };
      // Whatever a token or a key of the set makes jose throw, the token was not shown to be good.
      throw new TokenError(reasonOf(error, token, checks.algorithms, expected));
    }
  }

  function checkClaims(claims: JWTPayload, isTyped: boolean): void {
    if (audiences.length === 0 && claims.aud !== undefined) {
      throw new TokenError(difference("aud", "nothing", claims.aud));
    }
    const missing = missingClaim(claims, options.OAUTH_REQUIRED_CLAIMS);
    if (missing !== undefined) {
      const { path, values } = missing;
      throw new TokenError(difference(path.join(" "), values, claimAt(claims, path)));
    }
    const other = others.find((claim) => claims[claim] !== undefined);
    if (other !== undefined && !isTyped) {
      throw new TokenError(`${other}: this is an ID token or an event, not an access token`);
    }
  }

  return async function verifyToken(token) {
    const { claims, expired } = await signedClaims(token);
    const { typ } = decodeProtectedHeader(token);
    const isTyped = typeof typ === "string" && mediaType(typ) === ACCESS_TOKEN;
    const subject = subjectOf(claims);
    checkClaims(claims, isTyped);
    if (expired) throw new TokenError(difference("exp", "a time to come", claims.exp), true);
    const company = claimAt(claims, companyClaim);
    const companyId = companyOf(company);
    const claim = `company (${companyClaim.join(" ")})`;
    return {
      issuer: checkedIssuer(claims),
      subject,
      companyId,
      companies: companiesOf(company),
      companyFault: companyId === null ? difference(claim, "a name", company) : "",
      scopes: scopesOf(claims, options.OAUTH_SCOPE_CLAIM, isTyped),
    };
  };
}

/** @throws TokenError where it is no name. */
function subjectOf({ sub }: JWTPayload): string {
  if (typeof sub !== "string" || sub === "") throw new TokenError(difference("sub", "a name", sub));
  return sub;
}

/** For the log. What is not signed by the issuer is masked: anybody may have put anything there. */
function reasonOf(
  error: unknown,
  token: string,
  algorithms: readonly string[],
  expected: Record<string, Expected>,
): string {
  if (token.split(".").length !== JWS_PARTS) return NO_JWT;
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, payload } = error;
    return difference(claim, expected[claim] ?? "another value", payload[claim]);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return masked(difference("alg", algorithms, decodeProtectedHeader(token).alg));
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return masked(difference("kid", "a key of the issuer", decodeProtectedHeader(token).kid));
  }
  return error instanceof errors.JOSEError ? error.code : describeFault(error);
}

/** EdDSA over Ed25519 has a name of its own as well (RFC 9864 §2.2). */
function bothNames(algorithms: readonly string[]): string[] {
  const either = ED25519_NAMES.some((name) => algorithms.includes(name));
  return either ? [...algorithms, ...ED25519_NAMES] : [...algorithms];
}

/** Whether `scope` was granted, compared whole; none is asked for where it is empty. */
export function mayUse({ scopes }: AccessToken, scope: string): boolean {
  return scope === "" || scopes.includes(scope);
}

/** `application/` may be left out of `typ` (RFC 7515 §4.1.9). */
function mediaType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, "");
}
