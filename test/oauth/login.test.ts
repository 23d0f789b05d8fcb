import { env, waitUntil } from "cloudflare:workers";
import { decodeJwt } from "jose";
import { expect, test } from "vitest";
import { ApiError } from "../../src/http/errors.ts";
import { type LoginOptions, login } from "../../src/oauth/login.ts";
import { signInAtIssuer } from "../support/dashboard.ts";
import { scenario } from "../support/scenario.ts";
import { settingsOf } from "../support/settings.ts";

const { url: issuer, clientId, clientSecret } = env.TEST_LOCAL_ISSUER;
const REDIRECT_URI = "https://latchkey.example/dashboard/callback";

const client = (changes: Partial<LoginOptions> = {}) =>
  login({
    ...settingsOf({
      ...env,
      OAUTH_ISSUER: issuer,
      OAUTH_CLIENT_ID: clientId,
      OAUTH_CLIENT_SECRET: clientSecret,
    }),
    clientSecret,
    now: () => Date.now(),
    background: waitUntil,
    ...changes,
  });

/** Somebody who has just signed in at the issuer, on the way back. */
async function atTheDoor(at = client()) {
  const { url, pending } = await at.begin(REDIRECT_URI);
  return { back: await signInAtIssuer(url.href), pending };
}

async function codeOf(outcome: Promise<unknown>): Promise<string> {
  try {
    await outcome;
    return "accepted";
  } catch (error) {
    return error instanceof ApiError ? error.code : String(error);
  }
}

test("a login asks for a code with PKCE, state and nonce, for this API and its scopes", async () => {
  const { url, pending } = await client().begin(REDIRECT_URI);
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    response_type: "code",
    scope: "openid api-keys:read api-keys:write",
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: "S256",
    resource: env.OAUTH_AUDIENCE,
  });
  expect(url.href).not.toContain(pending.codeVerifier);
});

test("no two logins share a state, a nonce or a verifier", async () => {
  const [one, two] = [await client().begin(REDIRECT_URI), await client().begin(REDIRECT_URI)];
  expect(new Set([...Object.values(one.pending), ...Object.values(two.pending)]).size).toBe(6);
});

test("who signed in gets an access token for this API", async () => {
  const { back, pending } = await atTheDoor();
  const tokens = await client().complete(back, REDIRECT_URI, pending);
  expect(decodeJwt(tokens.accessToken)).toMatchObject({
    iss: issuer,
    aud: env.OAUTH_AUDIENCE,
    sub: "ada@acme.example",
    company_id: "acme",
    scope: "api-keys:read api-keys:write",
  });
  expect(tokens).toMatchObject({
    name: "ada@acme.example",
    refreshToken: expect.any(String),
    logoutHint: "ada@acme.example",
  });
});

test("a code is good once", async () => {
  const { back, pending } = await atTheDoor();
  await client().complete(back, REDIRECT_URI, pending);
  expect(await codeOf(client().complete(back, REDIRECT_URI, pending))).toBe("UNAUTHORIZED");
});

test.each([
  ["state", { state: "another" }],
  ["nonce", { nonce: "another" }],
  ["code verifier", { codeVerifier: "another-verifier-of-43-characters-or-more-it-is" }],
])("the way back of another %s is refused", async (_, changes) => {
  const { back, pending } = await atTheDoor();
  expect(await codeOf(client().complete(back, REDIRECT_URI, { ...pending, ...changes }))).toBe(
    "UNAUTHORIZED",
  );
});

test("the way back of another issuer is refused (RFC 9207)", async () => {
  const { back, pending } = await atTheDoor();
  back.searchParams.set("iss", "https://other.example");
  expect(await codeOf(client().complete(back, REDIRECT_URI, pending))).toBe("UNAUTHORIZED");
});

test("who is turned away at the issuer is refused, whatever words it chose", async () => {
  const { url, pending } = await client().begin(REDIRECT_URI);
  const back = new URL(REDIRECT_URI);
  const answer = {
    error: "access_denied",
    state: pending.state,
    iss: issuer,
    error_description: "<b>no</b>",
  };
  back.search = `${new URLSearchParams(answer)}`;
  const outcome = client().complete(back, url.href, pending);
  await expect(outcome).rejects.toMatchObject({
    code: "UNAUTHORIZED",
    message: "The issuer did not sign you in",
    reason: "access_denied",
  });
});

test("a client that the issuer does not know is a wrong setting", async () => {
  const { back, pending } = await atTheDoor();
  const wrong = client({ clientSecret: "another" });
  await expect(wrong.complete(back, REDIRECT_URI, pending)).rejects.toMatchObject({
    code: "INTERNAL_ERROR",
    reason: "OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET: invalid_client",
  });
});

test("a refresh token brings a new access token", async () => {
  const { back, pending } = await atTheDoor();
  const { refreshToken } = await client().complete(back, REDIRECT_URI, pending);
  const { accessToken } = await client().refresh(refreshToken ?? "");
  expect(decodeJwt(accessToken)).toMatchObject({ aud: env.OAUTH_AUDIENCE, company_id: "acme" });
});

test("a refresh token that the issuer does not know is refused", async () => {
  expect(await codeOf(client().refresh("another"))).toBe("UNAUTHORIZED");
});

test("a refresh token that was revoked brings nothing any more", async () => {
  const { back, pending } = await atTheDoor();
  const { refreshToken } = await client().complete(back, REDIRECT_URI, pending);
  await client().revoke(refreshToken ?? "");
  expect(await codeOf(client().refresh(refreshToken ?? ""))).toBe("UNAUTHORIZED");
});

test("who signs out is sent to the issuer too, with the client's id and a hint, never with the ID token", async () => {
  const url = await client().end("ada@acme.example", "https://latchkey.example/dashboard/sign-in");
  expect(`${url?.origin}${url?.pathname}`).toBe(`${issuer}/session/end`);
  expect(Object.fromEntries(url?.searchParams ?? [])).toEqual({
    client_id: clientId,
    post_logout_redirect_uri: "https://latchkey.example/dashboard/sign-in",
    logout_uri: "https://latchkey.example/dashboard/sign-in",
    logout_hint: "ada@acme.example",
  });
});

/** An answer of a token endpoint. */
const bearerToken = (body: object) => ({
  body: JSON.stringify(body),
  headers: { "Content-Type": "application/json" },
});

/** An issuer that says this of itself. */
async function issuerWith(metadata: Record<string, unknown>, token = {}) {
  const made = await scenario({ status: 404 });
  const known = {
    issuer: made.url,
    authorization_endpoint: `${made.url}/auth`,
    token_endpoint: `${made.url}/token`,
  };
  const json = { "Content-Type": "application/json" };
  await made.answer({
    status: 404,
    paths: {
      "/.well-known/openid-configuration": { body: JSON.stringify({ ...known, ...metadata }), headers: json },
      "/token": token,
    },
  });
  return client({ OAUTH_ISSUER: made.url });
}

test("who signs out and is unknown is sent to the issuer all the same", async () => {
  const url = await client().end(null, "https://latchkey.example/dashboard/sign-in");
  expect(url?.searchParams.has("logout_hint")).toBe(false);
});

test("an issuer that revokes no tokens is not asked to", async () => {
  const at = await issuerWith({});
  expect(await codeOf(at.revoke("a refresh token"))).toBe("accepted");
});

test("an issuer that takes 3 s to renew a token is waited for: it may have taken the refresh token", async () => {
  const late = { ...bearerToken({ access_token: "a", token_type: "Bearer" }), delayMs: 3_000 };
  expect(await (await issuerWith({}, late)).refresh("a refresh token")).toMatchObject({ accessToken: "a" });
});

test("an issuer that takes the client's secret in the form alone gets it there", async () => {
  const at = await issuerWith(
    { token_endpoint_auth_methods_supported: ["client_secret_post"] },
    bearerToken({ access_token: "a", token_type: "Bearer", refresh_token: "r" }),
  );
  expect(await at.refresh("a refresh token")).toEqual({
    accessToken: "a",
    refreshToken: "r",
    name: null,
    logoutHint: null,
  });
});

test("a client that may not do this is a wrong setting", async () => {
  const refusal = { ...bearerToken({ error: "unauthorized_client" }), status: 400 };
  await expect((await issuerWith({}, refusal)).refresh("a refresh token")).rejects.toMatchObject({
    code: "INTERNAL_ERROR",
    reason: "OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET: unauthorized_client",
  });
});

test("an issuer without a place to sign out at has none", async () => {
  expect(await (await issuerWith({})).end(null, "https://latchkey.example")).toBeNull();
});

test("a refresh token is asked for by name where the issuer knows that name", async () => {
  const { url } = await (await issuerWith({ scopes_supported: ["openid", "offline_access"] })).begin(
    REDIRECT_URI,
  );
  expect(url.searchParams.get("scope")).toBe("openid api-keys:read api-keys:write offline_access");
});

test("an audience that is no URI is not asked for as a resource (RFC 8707)", async () => {
  const { url } = await client({ OAUTH_AUDIENCE: ["latchkey"] }).begin(REDIRECT_URI);
  expect(url.searchParams.has("resource")).toBe(false);
});

test("an issuer that says it is another one is not used", async () => {
  expect(await codeOf((await issuerWith({ issuer: "https://other.example" })).begin(REDIRECT_URI))).toBe(
    "UNAVAILABLE",
  );
});

test.each([
  ["cannot be reached", client({ OAUTH_ISSUER: "http://127.0.0.1:9" })],
  ["has no metadata", client({ OAUTH_ISSUER: env.OAUTH_ISSUER.replace(/$/, "/nothing") })],
])("an issuer that %s is unavailable, in every way", async (_, at) => {
  const pending = { state: "s", nonce: "n", codeVerifier: "v" };
  const outcomes = [
    at.begin(REDIRECT_URI),
    at.complete(new URL(REDIRECT_URI), REDIRECT_URI, pending),
    at.refresh("a refresh token"),
    at.revoke("a refresh token"),
    at.end(null, REDIRECT_URI),
  ];
  expect(new Set(await Promise.all(outcomes.map(codeOf)))).toEqual(new Set(["UNAVAILABLE"]));
});

test.each([
  ["fails", { status: 502, body: "<html>Bad gateway</html>" }, "UNAVAILABLE"],
  ["answers with no JSON", { body: "<html>", headers: { "Content-Type": "text/html" } }, "UNAUTHORIZED"],
  [
    "answers without a token",
    { body: "{}", headers: { "Content-Type": "application/json" } },
    "UNAUTHORIZED",
  ],
])("a token endpoint that %s is never a 500", async (_, token, code) => {
  expect(await codeOf((await issuerWith({}, token)).refresh("a refresh token"))).toBe(code);
});
