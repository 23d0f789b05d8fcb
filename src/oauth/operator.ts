import type { MiddlewareHandler } from "hono";
import { decodeJwt } from "jose";
import { challenger, presentedToken, requireScope } from "./bearer.ts";
import type { ClientSettings, OAuthSettings } from "./settings.ts";
import { type AccessToken, TokenError, type TokenVerifier } from "./token.ts";

export const OPERATOR_READ_SCOPE = "operator:read";
export const OPERATOR_WRITE_SCOPE = "operator:write";

/** What changes nothing, though it has a body. */
const ASKS = /\/identify$/;

/** By which an issuer is told which API a token is for (RFC 8707 §2, and an older name that some issuers have). */
const AUDIENCE_PARAMETERS = ["resource", "audience"];

/** Whoever runs the service: issuer and subject of the access token. */
export interface Operator {
  issuer: string;
  subject: string;
  isOperator: true;
}

export interface OperatorVariables {
  operator: Operator;
}

/** An operator, as `rateLimit` names one. */
export function operatorName({ operator }: OperatorVariables): readonly string[] {
  return [operator.issuer, operator.subject];
}

export function operatorOf({ issuer, subject }: AccessToken): Operator {
  return { issuer, subject, isOperator: true };
}

/** What of the companies' settings holds for the operator's access tokens, and what holds in place of the rest. */
export function operatorOAuth(oauth: OAuthSettings, audience: string, issuer: string): OAuthSettings {
  const own = issuer === "" ? {} : { OAUTH_ISSUER: issuer, OAUTH_JWKS_URL: "", OAUTH_METADATA_URL: "" };
  return {
    ...oauth,
    ...own,
    OAUTH_AUDIENCE: [audience],
    OAUTH_REQUIRED_CLAIMS: [],
    OAUTH_READ_SCOPE: OPERATOR_READ_SCOPE,
    OAUTH_WRITE_SCOPE: OPERATOR_WRITE_SCOPE,
  };
}

/** A client of the operator's own. */
export interface OwnClient {
  /** Empty: the operator signs in with the dashboard's client. */
  OPERATOR_CLIENT_ID: string;
  OPERATOR_CLIENT_SECRET?: string | undefined;
  /** Empty: those of the dashboard, but the operator's for those of companies. */
  OPERATOR_LOGIN_SCOPES: string[];
}

/** The same of the dashboard's client, for another API and other scopes, or of the operator's own client. */
export function operatorClient(
  client: ClientSettings,
  own: OwnClient,
  oauth: Pick<OAuthSettings, "OAUTH_READ_SCOPE" | "OAUTH_WRITE_SCOPE">,
  audience: string,
): ClientSettings {
  const scopes = new Map([
    [oauth.OAUTH_READ_SCOPE, OPERATOR_READ_SCOPE],
    [oauth.OAUTH_WRITE_SCOPE, OPERATOR_WRITE_SCOPE],
  ]);
  const ofAudience = (parameters: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => {
        return [name, value !== "" && AUDIENCE_PARAMETERS.includes(name) ? audience : value];
      }),
    );
  return {
    ...client,
    ...(own.OPERATOR_CLIENT_ID !== "" && {
      OAUTH_CLIENT_ID: own.OPERATOR_CLIENT_ID,
      OAUTH_CLIENT_SECRET: own.OPERATOR_CLIENT_SECRET,
    }),
    OAUTH_LOGIN_SCOPES:
      own.OPERATOR_LOGIN_SCOPES.length > 0
        ? own.OPERATOR_LOGIN_SCOPES
        : client.OAUTH_LOGIN_SCOPES.map((scope) => scopes.get(scope) ?? scope),
    OAUTH_LOGIN_PARAMETERS: ofAudience(client.OAUTH_LOGIN_PARAMETERS),
    OAUTH_TOKEN_PARAMETERS: ofAudience(client.OAUTH_TOKEN_PARAMETERS),
  };
}

/** Takes access tokens for `audience` and for nothing else. */
export function operatorVerifier(audience: string, verifyToken: TokenVerifier): TokenVerifier {
  return async function verifyOperator(text) {
    const token = await verifyToken(text);
    // One that is good elsewhere as well is a company's, whatever its scopes.
    if ([decodeJwt(text).aud].flat().join("\n") !== audience)
      throw new TokenError("aud: not of the operator alone");
    return token;
  };
}

/**
 * Hono middleware: lets a request pass only with an access token whose scope covers the method, and sets
 * `c.var.operator`.
 *
 * @param verifyToken - An `operatorVerifier`.
 */
export function operatorBearer(
  verifyToken: TokenVerifier,
): MiddlewareHandler<{ Variables: OperatorVariables }> {
  const challenge = challenger(undefined);

  return async function operatorBearer(c, next) {
    const token = await presentedToken(c.req.header("Authorization"), verifyToken, challenge);
    const reads = c.req.method === "GET" || c.req.method === "HEAD" || ASKS.test(c.req.path);
    requireScope(token, reads ? OPERATOR_READ_SCOPE : OPERATOR_WRITE_SCOPE, challenge);
    c.set("operator", operatorOf(token));
    return next();
  };
}
