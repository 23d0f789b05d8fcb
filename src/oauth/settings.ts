import * as z from "zod/mini";
import { fromJson, isSecureUrl, list, listOrNone, optionalUrl, SCOPE, table, text } from "../lib/settings.ts";
import type { ClaimPath, RequiredClaim } from "./claims.ts";
import { TENANT } from "./tenants.ts";

/** Signature algorithms a token may have: asymmetric only (RFC 8725 §3.1, RFC 9068 §4). */
const ASYMMETRIC = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** Parameters of the protocol, which are the login's own (RFC 6749, RFC 7636, RFC 9101, OpenID Connect Core). */
const LOGIN_OWN = [
  "client_id",
  "redirect_uri",
  "response_type",
  "response_mode",
  "scope",
  "state",
  "nonce",
  "code_challenge",
  "code_challenge_method",
  "request",
  "request_uri",
];
const TOKEN_OWN = [
  "client_id",
  "client_secret",
  "client_assertion",
  "client_assertion_type",
  "grant_type",
  "code",
  "code_verifier",
  "redirect_uri",
  "refresh_token",
];

const optionalScope = z.union([
  z.literal(""),
  z.string().check(z.regex(SCOPE, "must be scope names without spaces")),
]);

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const requiredClaims = z.pipe(
  z.pipe(
    z.transform((value) => (typeof value === "string" ? fromJson(value || "{}") : value)),
    z.record(text, z.union([scalar, z.array(scalar).check(z.minLength(1))]), {
      error: "must be a table of claim to a value or a list of values: texts, numbers, true, false",
    }),
  ),
  z.transform((claims): RequiredClaim[] =>
    Object.entries(claims).map(([claim, values]) => ({ path: pathOf(claim), values: [values].flat() })),
  ),
);

/** An issuer is a URL, or a mere name: then its keys cannot be found by it. */
const isName = (issuer: string) => !issuer.includes("://");

/** Which access tokens are good, and what they must allow. */
export const oauthSettings = z
  .object({
    OAUTH_ISSUER: text.check(
      z.refine((issuer) => isName(issuer) || isSecureUrl(issuer.replaceAll(TENANT, "tenant")), {
        error: "must be an https URL (http on loopback alone)",
      }),
    ),
    OAUTH_AUDIENCE: listOrNone,
    OAUTH_JWKS_URL: optionalUrl,
    OAUTH_METADATA_URL: optionalUrl,
    OAUTH_ALGORITHMS: z.pipe(list, z.array(z.enum(ASYMMETRIC, "must be asymmetric signature algorithms"))),
    OAUTH_TOKEN_TYPES: list,
    OAUTH_COMPANY_CLAIM: z.pipe(
      list,
      z.transform((path): ClaimPath => path),
    ),
    OAUTH_SCOPE_CLAIM: z.pipe(
      list,
      z.transform((path): ClaimPath => path),
    ),
    OAUTH_REQUIRED_CLAIMS: requiredClaims,
    OAUTH_READ_SCOPE: optionalScope,
    OAUTH_WRITE_SCOPE: optionalScope,
  })
  .check(
    z.refine((vars) => !isName(vars.OAUTH_ISSUER) || vars.OAUTH_JWKS_URL !== "", {
      path: ["OAUTH_ISSUER"],
      error: "must be an https URL, as OAUTH_JWKS_URL is empty",
    }),
    z.refine((vars) => !vars.OAUTH_ISSUER.includes(TENANT) || vars.OAUTH_COMPANY_CLAIM.join() === "tid", {
      path: ["OAUTH_COMPANY_CLAIM"],
      error: `must be tid, as OAUTH_ISSUER has ${TENANT}`,
    }),
    z.refine((vars) => vars.OAUTH_AUDIENCE.length > 0 || tellsAccessTokens(vars), {
      path: ["OAUTH_AUDIENCE"],
      error: "must not be empty where neither OAUTH_REQUIRED_CLAIMS nor both scopes are set",
    }),
  );

export type OAuthSettings = z.output<typeof oauthSettings>;

/** Whether a token must have what ID tokens and tokens for others lack: claims, or scopes for every call. */
export function tellsAccessTokens(
  vars: Pick<OAuthSettings, "OAUTH_REQUIRED_CLAIMS" | "OAUTH_READ_SCOPE" | "OAUTH_WRITE_SCOPE">,
): boolean {
  return (
    vars.OAUTH_REQUIRED_CLAIMS.length > 0 || (vars.OAUTH_READ_SCOPE !== "" && vars.OAUTH_WRITE_SCOPE !== "")
  );
}

/** Scopes that a login asks for. */
export const scopeList = listOrNone.check(
  z.refine((scopes) => scopes.every((scope) => SCOPE.test(scope)), { error: "must be scope names" }),
);

/** The dashboard's client at the issuer; without `OAUTH_CLIENT_ID` there is no dashboard. */
export const clientSettings = z
  .object({
    OAUTH_ISSUER: z.string(),
    OAUTH_CLIENT_ID: z.string(),
    OAUTH_CLIENT_SECRET: z.optional(text),
    OAUTH_CLIENT_AUTH: z.enum(["", "basic", "post"], "must be basic, post or empty"),
    OAUTH_LOGIN_SCOPES: scopeList,
    OAUTH_LOGIN_PARAMETERS: parameters(LOGIN_OWN),
    OAUTH_TOKEN_PARAMETERS: parameters(TOKEN_OWN),
  })
  .check(
    z.refine((client) => client.OAUTH_CLIENT_ID === "" || client.OAUTH_CLIENT_SECRET !== undefined, {
      path: ["OAUTH_CLIENT_SECRET"],
      error: "is missing, and OAUTH_CLIENT_ID is set",
    }),
    z.refine((client) => client.OAUTH_CLIENT_ID === "" || !isName(client.OAUTH_ISSUER), {
      path: ["OAUTH_ISSUER"],
      error: "must be an https URL for the dashboard, and OAUTH_CLIENT_ID is set",
    }),
  );

export type ClientSettings = z.output<typeof clientSettings>;

/** The path that a text means: names with spaces between, or a JSON array of them. */
function pathOf(claim: string): ClaimPath {
  return list.parse(claim);
}

/** Parameters of a request to the issuer, beside those that are `own` to the protocol. */
function parameters(own: readonly string[]) {
  return table.check(
    z.superRefine((values, context) => {
      for (const name of Object.keys(values).filter((name) => own.includes(name))) {
        context.addIssue({ code: "custom", message: `must not hold ${name}` });
      }
    }),
  );
}
