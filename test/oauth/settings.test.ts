import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { settingsOf } from "../support/settings.ts";

const parse = (overrides: Record<string, unknown>) => settingsOf({ ...env, ...overrides });

test.each<[unknown, string[]]>([
  ["company_id", ["company_id"]],
  ["o id", ["o", "id"]],
  ["https://stytch.com/organization organization_id", ["https://stytch.com/organization", "organization_id"]],
  ['["a claim","with spaces"]', ["a claim", "with spaces"]],
  [["a claim"], ["a claim"]],
  ["a.b", ["a.b"]],
])("a claim is a path of names: %j", (value, path) => {
  expect(parse({ OAUTH_COMPANY_CLAIM: value }).OAUTH_COMPANY_CLAIM).toEqual(path);
});

test("a list of numbers in words stays what it is", () => {
  expect(parse({ OAUTH_AUDIENCE: "70669147545070419" }).OAUTH_AUDIENCE).toEqual(["70669147545070419"]);
});

test("required claims may be one value or several, at a path", () => {
  const required = { azp: ["a", "b"], "o rol": "admin", is_anonymous: false };
  const parsed = [
    { path: ["azp"], values: ["a", "b"] },
    { path: ["o", "rol"], values: ["admin"] },
    { path: ["is_anonymous"], values: [false] },
  ];
  expect(parse({ OAUTH_REQUIRED_CLAIMS: required }).OAUTH_REQUIRED_CLAIMS).toEqual(parsed);
  expect(parse({ OAUTH_REQUIRED_CLAIMS: JSON.stringify(required) }).OAUTH_REQUIRED_CLAIMS).toEqual(parsed);
  expect(parse({ OAUTH_REQUIRED_CLAIMS: "" }).OAUTH_REQUIRED_CLAIMS).toEqual([]);
});

test.each([
  "http://localhost:9400",
  "http://127.0.0.1",
  "http://[::1]:9400",
  "http://a.localhost",
  "https://issuer.example",
])("%s is as safe as https", (OAUTH_ISSUER) => {
  expect(parse({ OAUTH_ISSUER }).OAUTH_ISSUER).toBe(OAUTH_ISSUER);
});

const DASHBOARD = { OAUTH_CLIENT_ID: "dashboard", OAUTH_CLIENT_SECRET: "secret" };
const JWKS = { OAUTH_JWKS_URL: "https://keys.example/jwks" };
const TENANTS = "https://login.example/{tenantid}/v2.0";

test.each<[Record<string, unknown>, string]>([
  [{ OAUTH_ISSUER: "http://issuer.example" }, "OAUTH_ISSUER: must be an https URL (http on loopback alone)"],
  [{ OAUTH_ISSUER: "http://localhost.example" }, "OAUTH_ISSUER: must be an https URL"],
  [{ OAUTH_ISSUER: "http://127.0.0.1.example" }, "OAUTH_ISSUER: must be an https URL"],
  [{ OAUTH_ISSUER: "acme.com" }, "OAUTH_ISSUER: must be an https URL, as OAUTH_JWKS_URL is empty"],
  [
    { OAUTH_ISSUER: "acme.com", ...JWKS, ...DASHBOARD },
    "OAUTH_ISSUER: must be an https URL for the dashboard",
  ],
  [{ OAUTH_ISSUER: TENANTS }, "OAUTH_COMPANY_CLAIM: must be tid, as OAUTH_ISSUER has {tenantid}"],
  [{ OAUTH_ISSUER: TENANTS, OAUTH_COMPANY_CLAIM: "org tid" }, "OAUTH_COMPANY_CLAIM: must be tid"],
  [{ OAUTH_AUDIENCE: "", OAUTH_WRITE_SCOPE: "" }, "OAUTH_AUDIENCE: must not be empty where neither"],
  [{ OAUTH_AUDIENCE: [""] }, "OAUTH_AUDIENCE: must not be empty"],
  [{ OAUTH_AUDIENCE: '["a"' }, "OAUTH_AUDIENCE: must be a list"],
  [{ OAUTH_REQUIRED_CLAIMS: "azp" }, "OAUTH_REQUIRED_CLAIMS: must be a table"],
  [{ OAUTH_CLIENT_AUTH: "jwt" }, "OAUTH_CLIENT_AUTH: must be basic, post or empty"],
  [{ OAUTH_LOGIN_SCOPES: ['a"b'] }, "OAUTH_LOGIN_SCOPES: must be scope names"],
  ...[
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "request",
  ].map((name): [Record<string, unknown>, string] => [
    { OAUTH_LOGIN_PARAMETERS: { [name]: "x" } },
    `OAUTH_LOGIN_PARAMETERS: must not hold ${name}`,
  ]),
  ...["grant_type", "code", "code_verifier", "client_secret", "refresh_token"].map(
    (name): [Record<string, unknown>, string] => [
      { OAUTH_TOKEN_PARAMETERS: { [name]: "x" } },
      `OAUTH_TOKEN_PARAMETERS: must not hold ${name}`,
    ],
  ),
  [{ OAUTH_LOGIN_PARAMETERS: { prompt: 1 } }, "OAUTH_LOGIN_PARAMETERS: "],
])("%j is refused: %s", (overrides, message) => {
  expect(() => parse(overrides)).toThrow(message);
});

test("an empty audience is right where claims or both scopes are set", () => {
  expect(parse({ OAUTH_AUDIENCE: "" }).OAUTH_AUDIENCE).toEqual([]);
  const claims = { OAUTH_AUDIENCE: "[]", OAUTH_READ_SCOPE: "", OAUTH_REQUIRED_CLAIMS: { azp: "x" } };
  expect(parse(claims).OAUTH_AUDIENCE).toEqual([]);
});
