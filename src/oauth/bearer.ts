import type { MiddlewareHandler } from "hono";
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { Config } from "../lib/config.ts";
import { ApiError, describeFault } from "../lib/errors.ts";
import { IssuerUnavailableError } from "./jwks.ts";
import { metadataPath } from "./metadata.ts";

/** Clocks of issuer and verifier may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** A token is a JWS in compact form, nothing else; the scheme's case does not matter (RFC 9110 §11.1). */
const CREDENTIALS = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** Who calls the management API, by an access token that was checked. */
export interface Principal {
  /** The tenant. */
  companyId: string;
  /** `iss` of the token. */
  issuer: string;
  /** `sub` of the token. */
  subject: string;
}

export interface BearerVariables {
  principal: Principal;
}

export type BearerOptions = Pick<
  Config,
  | "OAUTH_ISSUER"
  | "OAUTH_AUDIENCE"
  | "OAUTH_ALGORITHMS"
  | "OAUTH_TOKEN_TYPES"
  | "OAUTH_COMPANY_CLAIM"
  | "OAUTH_READ_SCOPE"
  | "OAUTH_WRITE_SCOPE"
> & { keys: JWTVerifyGetKey };

/**
 * Hono middleware: lets a request pass only with an access token (RFC 6750, RFC 9068) whose scope
 * covers the method, and sets `c.var.principal`.
 */
export function bearer(options: BearerOptions): MiddlewareHandler<{ Variables: BearerVariables }> {
  const verifyToken = tokenVerifier(options);
  const metadata = metadataPath(options.OAUTH_AUDIENCE);

  return async function bearer(c, next) {
    const challenge = challenger(new URL(metadata, c.req.url));
    const payload = await verifyToken(c.req.header("Authorization"), challenge);
    const companyId = payload[options.OAUTH_COMPANY_CLAIM];
    if (typeof companyId !== "string" || companyId === "" || !companyId.isWellFormed()) {
      throw new ApiError("FORBIDDEN", {
        message: "The access token names no company",
        reason: "company_claim",
      });
    }
    const reads = c.req.method === "GET" || c.req.method === "HEAD";
    requireScope(payload, reads ? options.OAUTH_READ_SCOPE : options.OAUTH_WRITE_SCOPE, challenge);
    c.set("principal", { companyId, issuer: options.OAUTH_ISSUER, subject: payload.sub });
    return next();
  };
}

type AccessToken = JWTPayload & { sub: string };

function tokenVerifier(options: BearerOptions) {
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

  return async function verifyToken(
    authorization: string | undefined,
    challenge: Challenge,
  ): Promise<AccessToken> {
    if (authorization === undefined || !/^Bearer\b/i.test(authorization)) throw refused(challenge);
    const token = CREDENTIALS.exec(authorization)?.[1];
    if (token === undefined) throw refused(challenge, "malformed");
    try {
      const { payload } = await jwtVerify(token, selectKey, claims);
      if (typeof payload.sub !== "string" || payload.sub === "") throw new errors.JWTInvalid("sub");
      return payload as AccessToken;
    } catch (error) {
      if (error instanceof IssuerUnavailableError) throw new ApiError("UNAVAILABLE", { reason: "jwks" });
      // Whatever a token or a key of the set makes jose throw, the token was not shown to be good.
      throw refused(challenge, error instanceof errors.JOSEError ? error.code : describeFault(error));
    }
  };
}

/** `reason` is for the log; the challenge does not tell which check failed. */
function refused(challenge: Challenge, reason?: string): ApiError {
  const expired = reason === errors.JWTExpired.code;
  return new ApiError(expired ? "TOKEN_EXPIRED" : "UNAUTHORIZED", {
    message: expired ? "The access token has expired" : "Invalid or missing access token",
    headers: { "WWW-Authenticate": challenge(reason && 'error="invalid_token"') },
    reason: reason ?? "missing",
  });
}

/** RFC 6749 §3.3: scopes are parted by single spaces and compared whole. */
function requireScope(payload: JWTPayload, scope: string, challenge: Challenge): void {
  if (scope === "") return;
  const granted = typeof payload.scope === "string" ? payload.scope.split(" ") : [];
  if (granted.includes(scope)) return;
  throw new ApiError("FORBIDDEN", {
    message: `Missing scope: ${scope}`,
    headers: { "WWW-Authenticate": challenge(`error="insufficient_scope", scope="${scope}"`) },
    reason: "insufficient_scope",
  });
}

type Challenge = (parameters?: string) => string;

/** RFC 6750 §3, RFC 9728 §5.1. */
function challenger(metadata: URL): Challenge {
  return (parameters) =>
    `Bearer realm="latchkey", resource_metadata="${metadata}"${parameters ? `, ${parameters}` : ""}`;
}

/** `application/` may be left out of `typ` (RFC 7515 §4.1.9). */
function mediaType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, "");
}
