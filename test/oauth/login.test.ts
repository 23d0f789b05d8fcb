import { env, waitUntil } from "cloudflare:workers";
import { decodeJwt } from "jose";
import { expect, test, vi } from "vitest";
import { ApiError } from "../../src/http/errors.ts";
import { type LoginOptions, login } from "../../src/oauth/login.ts";
import { signInAtIssuer } from "../support/dashboard.ts";
import { encode } from "../support/jws.ts";
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
      OAUTH_LOGIN_PARAMETERS: { prompt: "consent" },
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
    scope: "openid api-keys:read api-keys:write offline_access",
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: "S256",
    resource: env.OAUTH_AUDIENCE,
    prompt: "consent",
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

test("an issuer that follows the standard gives no refresh token to who does not ask for consent", async () => {
  const strict = client({ OAUTH_LOGIN_PARAMETERS: {} });
  const { back, pending } = await atTheDoor(strict);
  expect(await strict.complete(back, REDIRECT_URI, pending)).toMatchObject({ refreshToken: null });
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
async function issuerWith(
  metadata: Record<string, unknown>,
  token = {},
  changes: Partial<LoginOptions> = {},
) {
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
  return client({ OAUTH_ISSUER: made.url, ...changes });
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

test("who signs in is asked for a name where the issuer can tell it", async () => {
  const scopes_supported = ["openid", "email", "profile", "phone"];
  const { url } = await (await issuerWith({ scopes_supported })).begin(REDIRECT_URI);
  expect(url.searchParams.get("scope")).toBe("openid api-keys:read api-keys:write profile email");
});

test.each([
  [{}, undefined, "login"],
  [{ prompt_values_supported: ["login", "select_account"] }, undefined, "select_account"],
  [{ prompt_values_supported: ["login"] }, "consent", "login consent"],
  [{}, "none", "login"],
  [{}, "login", "login"],
])(
  "an issuer of %j with the prompt %j is asked for a choice of account by %j",
  async (metadata, prompt, asked) => {
    const changes = { OAUTH_LOGIN_PARAMETERS: prompt === undefined ? {} : { prompt } };
    const at = await issuerWith(metadata, {}, changes);
    const { url } = await at.begin(REDIRECT_URI, { another: true });
    expect(url.searchParams.get("prompt")).toBe(asked);
    expect((await at.begin(REDIRECT_URI)).url.searchParams.get("prompt")).toBe(prompt ?? null);
  },
);

test("scopes that are set are asked for in place of the usual ones", async () => {
  const changes = { OAUTH_LOGIN_SCOPES: ["api://keys/read", "profile"] };
  const at = await issuerWith({ scopes_supported: ["email", "offline_access"] }, {}, changes);
  const { url } = await at.begin(REDIRECT_URI);
  expect(url.searchParams.get("scope")).toBe("openid api://keys/read profile offline_access");
});

test.each<[Record<string, string>, Record<string, string | null>]>([
  [{ prompt: "consent" }, { prompt: "consent", resource: "urn:latchkey:management" }],
  [{ resource: "" }, { resource: null }],
  [{ resource: "https://other.example" }, { resource: "https://other.example" }],
  [{ audience: "https://keys.example" }, { audience: "https://keys.example", resource: null }],
  [
    { audience: "a", resource: "https://other.example" },
    { audience: "a", resource: "https://other.example" },
  ],
])(
  "parameters that are set go to the issuer with who signs in: %j",
  async (OAUTH_LOGIN_PARAMETERS, expected) => {
    const { url, pending } = await client({ OAUTH_LOGIN_PARAMETERS }).begin(REDIRECT_URI);
    for (const [name, value] of Object.entries(expected)) expect(url.searchParams.get(name)).toBe(value);
    expect(url.searchParams.get("state")).toBe(pending.state);
  },
);

test("a request for tokens has the parameters that are set, and the resource that was asked for", async () => {
  const answer = bearerToken({ access_token: "a", token_type: "Bearer" });
  const fetched = vi.spyOn(globalThis, "fetch");
  const bodyOf = async (changes: Partial<LoginOptions>) => {
    await (await issuerWith({}, answer, changes)).refresh("r");
    return Object.fromEntries(new URLSearchParams(String(fetched.mock.lastCall?.[1]?.body)));
  };
  const refresh = { grant_type: "refresh_token", refresh_token: "r" };
  expect(await bodyOf({})).toEqual({ ...refresh, resource: "urn:latchkey:management" });
  expect(await bodyOf({ OAUTH_LOGIN_PARAMETERS: { audience: "a" } })).toEqual(refresh);
  expect(
    await bodyOf({
      OAUTH_LOGIN_PARAMETERS: { resource: "" },
      OAUTH_TOKEN_PARAMETERS: { organization_id: "org_1" },
    }),
  ).toEqual({ ...refresh, organization_id: "org_1" });
});

test.each<["" | "basic" | "post", string[] | undefined, boolean]>([
  ["", undefined, true],
  ["", ["client_secret_post", "client_secret_basic"], true],
  ["", ["client_secret_post"], false],
  ["post", ["client_secret_basic"], false],
  ["basic", ["client_secret_post"], true],
])(
  "with OAUTH_CLIENT_AUTH %j at an issuer that lists %j, the secret is in the header: %s",
  async (auth, listed, basic) => {
    const metadata = listed === undefined ? {} : { token_endpoint_auth_methods_supported: listed };
    const answer = bearerToken({ access_token: "a", token_type: "Bearer" });
    const at = await issuerWith(metadata, answer, { OAUTH_CLIENT_AUTH: auth });
    const fetched = vi.spyOn(globalThis, "fetch");
    await at.refresh("r");
    const { headers, body } = fetched.mock.lastCall?.[1] ?? {};
    expect(new Headers(headers).has("Authorization")).toBe(basic);
    expect(String(body).includes("client_secret=")).toBe(!basic);
  },
);

test.each(["authorization_endpoint", "token_endpoint"])(
  "an issuer without %s is a wrong setting: nobody is sent to its root",
  async (endpoint) => {
    await expect((await issuerWith({ [endpoint]: undefined })).begin(REDIRECT_URI)).rejects.toMatchObject({
      code: "INTERNAL_ERROR",
      reason: expect.stringContaining("OAUTH_ISSUER: has no authorization_endpoint"),
    });
  },
);

test("an issuer by RFC 8414 alone lets people sign in", async () => {
  const made = await scenario({ status: 404 });
  const metadata = {
    issuer: made.url,
    authorization_endpoint: `${made.url}/auth`,
    token_endpoint: `${made.url}/token`,
  };
  const paths = { "/.well-known/oauth-authorization-server": { body: JSON.stringify(metadata) } };
  await made.answer({ status: 404, paths });
  const { url } = await client({ OAUTH_ISSUER: made.url }).begin(REDIRECT_URI);
  expect(url.href).toContain(`${made.url}/auth?`);
});

const TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47";

test.each([
  [TENANT, TENANT, "accepted"],
  [TENANT, "cccccccc-86f1-41af-91ab-2d7cd011db47", "UNAUTHORIZED"],
  ["9188040d-6c67-4c5b-b112-36a304b66dad", "9188040d-6c67-4c5b-b112-36a304b66dad", "UNAUTHORIZED"],
])(
  "of an issuer of many tenants the ID token names its own: iss of %s, tid %s is %s",
  async (iss, tid, outcome) => {
    const made = await scenario({ status: 404 });
    const issuer = `${made.url}/{tenantid}/v2.0`;
    const metadata = {
      issuer,
      authorization_endpoint: `${made.url}/auth`,
      token_endpoint: `${made.url}/token`,
    };
    const at = client({ OAUTH_ISSUER: issuer });
    const place = "/organizations/v2.0/.well-known/openid-configuration";
    const paths = { [place]: { body: JSON.stringify(metadata) } };
    await made.answer({ status: 404, paths });
    const { pending } = await at.begin(REDIRECT_URI);
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: `${made.url}/${iss}/v2.0`,
      tid,
      sub: "ada",
      aud: clientId,
      nonce: pending.nonce,
      iat: now,
      exp: now + 60,
    };
    const id_token = [{ alg: "RS256" }, claims, {}].map((part) => encode(part)).join(".");
    await made.answer({
      status: 404,
      paths: { ...paths, "/token": bearerToken({ access_token: "a", token_type: "Bearer", id_token }) },
    });
    const back = new URL(`${REDIRECT_URI}?${new URLSearchParams({ code: "c", state: pending.state })}`);
    expect(await codeOf(at.complete(back, REDIRECT_URI, pending))).toBe(outcome);
  },
);

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
  ["is down", 503],
  ["has no metadata", 404],
])("an issuer that %s is unavailable, in every way", async (_, status) => {
  const at = client({ OAUTH_ISSUER: (await scenario({ status })).url });
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
