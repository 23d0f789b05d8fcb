import type { MiddlewareHandler } from "hono";
import { decodeJwt } from "jose";
import { challenger, presentedToken, requireScope } from "./bearer.ts";
import { TokenError, type TokenVerifier } from "./token.ts";

export const OPERATOR_READ_SCOPE = "operator:read";
export const OPERATOR_WRITE_SCOPE = "operator:write";

/** What changes nothing, though it has a body. */
const ASKS = /\/identify$/;

export interface OperatorVariables {
  /** Issuer and subject of the access token. */
  operator: { issuer: string; subject: string; isOperator: true };
}

/**
 * Hono middleware: lets a request pass only with an access token for `audience` and for nothing else, whose scope covers
 * the method, and sets `c.var.operator`.
 */
export function operatorBearer(
  audience: string,
  verifyToken: TokenVerifier,
): MiddlewareHandler<{ Variables: OperatorVariables }> {
  const challenge = challenger(undefined);

  async function verify(text: string) {
    const token = await verifyToken(text);
    // One that is good elsewhere as well is a company's, whatever its scopes.
    if ([decodeJwt(text).aud].flat().join("\n") !== audience)
      throw new TokenError("aud: not of the operator alone");
    return token;
  }

  return async function operatorBearer(c, next) {
    const token = await presentedToken(c.req.header("Authorization"), verify, challenge);
    const reads = c.req.method === "GET" || c.req.method === "HEAD" || ASKS.test(c.req.path);
    requireScope(token, reads ? OPERATOR_READ_SCOPE : OPERATOR_WRITE_SCOPE, challenge);
    c.set("operator", { issuer: token.issuer, subject: token.subject, isOperator: true });
    return next();
  };
}
