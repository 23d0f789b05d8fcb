import type { LoginMetadata } from "./discovery.ts";
import type { ClientSettings, OAuthSettings } from "./settings.ts";

export type ParameterSettings = Pick<
  OAuthSettings & ClientSettings,
  | "OAUTH_AUDIENCE"
  | "OAUTH_READ_SCOPE"
  | "OAUTH_WRITE_SCOPE"
  | "OAUTH_LOGIN_SCOPES"
  | "OAUTH_LOGIN_PARAMETERS"
  | "OAUTH_TOKEN_PARAMETERS"
>;

/** What goes to the issuer beside what the protocol wants, with both requests; what is empty is left out. */
export function parametersOf(options: ParameterSettings) {
  const { OAUTH_LOGIN_PARAMETERS: login, OAUTH_TOKEN_PARAMETERS: token } = options;
  // RFC 8707: which API the token is for, where that has the form of a URI. Others are told by `audience`.
  const uri = options.OAUTH_AUDIENCE.find((audience) => URL.canParse(audience)) ?? "";
  const resource = login.resource ?? (login.audience === undefined ? uri : "");
  return { authorization: filled({ ...login, resource }), token: filled({ resource, ...token }) };
}

function filled(parameters: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ""));
}

/** What the access token is to allow, and what tells who signed in. */
export function loginScopes(options: ParameterSettings, as: LoginMetadata): string[] {
  // Some issuers refuse a scope that they do not know.
  const listed = (scopes: string[]) => scopes.filter((scope) => as.scopes_supported?.includes(scope));
  const { OAUTH_LOGIN_SCOPES: own, OAUTH_READ_SCOPE: read, OAUTH_WRITE_SCOPE: write } = options;
  const wanted = own.length > 0 ? own : [read, write, ...listed(["profile", "email"])];
  // Without `offline_access` most issuers give no refresh token.
  return [...new Set(["openid", ...wanted, ...listed(["offline_access"])])].filter(Boolean);
}
