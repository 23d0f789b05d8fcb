import type { MiddlewareHandler } from "hono";
import { ApiError } from "../http/errors.ts";
import { difference } from "./claims.ts";
import { IssuerUnavailableError } from "./jwks.ts";
import { metadataUrl, type ResourceSettings, resources } from "./metadata.ts";
import { type AccessToken, mayUse, NO_JWT, TokenError, type TokenVerifier } from "./token.ts";

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

export type BearerOptions = ResourceSettings & { verifyToken: TokenVerifier };

/**
 * Hono middleware: lets a request pass only with an access token (RFC 6750, RFC 9068) whose scope
 * covers the method, and sets `c.var.principal`.
 */
export function bearer(options: BearerOptions): MiddlewareHandler<{ Variables: BearerVariables }> {
  const all = resources(options);

  return async function bearer(c, next) {
    const challenge = challenger(metadataUrl(all, c.req.url));
    const token = await presentedToken(c.req.header("Authorization"), options.verifyToken, challenge);
    const { issuer, subject, companyId } = token;
    if (companyId === null) {
      throw new ApiError("FORBIDDEN", {
        message: "The access token names no company",
        reason: token.companyFault,
      });
    }
    const reads = c.req.method === "GET" || c.req.method === "HEAD";
    requireScope(token, reads ? options.OAUTH_READ_SCOPE : options.OAUTH_WRITE_SCOPE, challenge);
    c.set("principal", { companyId, issuer, subject });
    return next();
  };
}

/** The access token of a request, checked. @throws ApiError `UNAUTHORIZED`, `TOKEN_EXPIRED`, `UNAVAILABLE`. */
export async function presentedToken(
  authorization: string | undefined,
  verifyToken: TokenVerifier,
  challenge: Challenge,
): Promise<AccessToken> {
  if (authorization === undefined || !/^Bearer\b/i.test(authorization)) throw refused(challenge);
  const token = CREDENTIALS.exec(authorization)?.[1];
  if (token === undefined) throw refused(challenge, new TokenError(NO_JWT));
  try {
    return await verifyToken(token);
  } catch (error) {
    if (error instanceof IssuerUnavailableError) throw new ApiError("UNAVAILABLE", { reason: "jwks" });
    throw error instanceof TokenError ? refused(challenge, error) : error;
  }
}

/** The challenge does not tell which check failed. */
function refused(challenge: Challenge, error?: TokenError): ApiError {
  return new ApiError(error?.expired ? "TOKEN_EXPIRED" : "UNAUTHORIZED", {
    message: error?.expired ? "The access token has expired" : "Invalid or missing access token",
    headers: { "WWW-Authenticate": challenge(error && 'error="invalid_token"') },
    reason: error?.message ?? "missing",
  });
}

/** @throws ApiError `FORBIDDEN` where `token` does not have `scope`. */
export function requireScope(token: AccessToken, scope: string, challenge: Challenge): void {
  if (mayUse(token, scope)) return;
  throw new ApiError("FORBIDDEN", {
    message: `Missing scope: ${scope}`,
    headers: { "WWW-Authenticate": challenge(`error="insufficient_scope", scope="${scope}"`) },
    reason: difference("scope", [scope], token.scopes.join(" ")),
  });
}

export type Challenge = (...parameters: (string | undefined)[]) => string;

/** RFC 6750 §3, RFC 9728 §5.1. */
export function challenger(metadata: URL | undefined): Challenge {
  return (...parameters) => {
    const all = ['realm="latchkey"', metadata && `resource_metadata="${metadata}"`, ...parameters];
    return `Bearer ${all.filter((parameter) => parameter !== undefined).join(", ")}`;
  };
}
