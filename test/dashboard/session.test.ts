import { env, waitUntil } from "cloudflare:workers";
import { importJWK, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { sessionOf } from "../../src/dashboard/session.ts";
import { login } from "../../src/oauth/login.ts";
import { ORIGIN, token } from "../support/api.ts";
import {
  atLocalIssuer,
  pageOf,
  signedIn,
  signInAtIssuer,
  visit,
  withDashboard,
} from "../support/dashboard.ts";
import { expectError, logged } from "../support/expect.ts";
import { settingsOf } from "../support/settings.ts";

const JSON_ONLY = { Accept: "application/json" };
const PAGES = ["/dashboard", "/dashboard/events", "/dashboard/keys/new", "/dashboard/nothing"];
const LOCAL = env.TEST_LOCAL_ISSUER;
/** A token of the issuer that people sign in at, which ended a minute ago. */
async function oldToken(): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { company_id: "acme", scope: "api-keys:read api-keys:write" };
  return new SignJWT({ ...claims, iss: LOCAL.url, aud: env.OAUTH_AUDIENCE, sub: "ada", exp: now - 60 })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt" })
    .sign(await importJWK(LOCAL.signingKey, "ES256"));
}

describe.each(PAGES)("%s", (path) => {
  test("without a session leads to the way to sign in, and back", async () => {
    const answer = await visit(path);
    expect(answer.status).toBe(303);
    expect(answer.headers.get("Location")).toBe(`/dashboard/sign-in?${new URLSearchParams({ to: path })}`);
  });

  test("without a session is 401 in the envelope for whoever asks for no page", async () => {
    const answer = await visit(path, { headers: JSON_ONLY });
    expect(answer.headers.get("WWW-Authenticate")).toBe('Cookie realm="latchkey"');
    await expectError(answer, "UNAUTHORIZED", path);
  });

  test("does not take an access token in place of a session", async () => {
    const headers = { ...JSON_ONLY, Authorization: `Bearer ${await token()}` };
    await expectError(await visit(path, { headers }), "UNAUTHORIZED");
  });
});

test("without a client at the issuer there is no dashboard", async () => {
  const target = withDashboard({ OAUTH_CLIENT_ID: "" });
  await expectError(await visit("/dashboard", { target, headers: JSON_ONLY }), "NOT_FOUND");
});

test("a client without its secret is a wrong setting", async () => {
  const lines = logged();
  const target = withDashboard({ OAUTH_CLIENT_SECRET: undefined });
  await expectError(await visit("/dashboard", { target, headers: JSON_ONLY }), "INTERNAL_ERROR");
  expect(lines.join()).toContain("OAUTH_CLIENT_SECRET: is missing, and OAUTH_CLIENT_ID is set");
});

test("whoever comes from another site is sent on by the page itself, so that the cookie comes along", async () => {
  const answer = await visit("/dashboard/events?cursor=", { headers: { "Sec-Fetch-Site": "cross-site" } });
  expect(await pageOf(answer)).toContain(
    '<meta http-equiv="refresh" content="0; url=/dashboard/events?cursor="/>',
  );
});

test("a form that is sent after the session ended changes nothing and leads to the way to sign in", async () => {
  const jar = await signedIn({ session: { endsAt: Date.now() - 1 } });
  const answer = await visit("/dashboard/keys", {
    jar,
    form: { label: "x", scopes: "jobs:read", expiry: "never" },
  });
  expect(answer.headers.get("Location")).toBe("/dashboard/sign-in?to=%2Fdashboard&ended=1");
  expect(await pageOf(await visit(answer.headers.get("Location") ?? ""))).toContain("Your session has ended");
});

test.each([
  ["of another audience", { claims: { aud: "urn:other" } }],
  ["of another issuer", { claims: { iss: "https://other.example" } }],
  ["of another type", { header: { typ: "JWT" } }],
])("a session with a token %s is none", async (_, options) => {
  const answer = await visit("/dashboard", { jar: await signedIn(options), headers: JSON_ONLY });
  await expectError(answer, "UNAUTHORIZED");
});

test("a token that names no company shows nothing", async () => {
  const answer = await visit("/dashboard", { jar: await signedIn({ company: 7 }) });
  expect(await pageOf(answer, 403)).toContain("Your account belongs to no company");
});

test("a session whose token has ended and cannot be renewed has ended", async () => {
  const jar = await signedIn({ claims: { exp: Math.floor(Date.now() / 1000) - 60 } });
  await expectError(await visit("/dashboard", { jar, headers: JSON_ONLY }), "TOKEN_EXPIRED");
});

test("a session whose token has ended is renewed, and the browser keeps what came", async () => {
  const redirectUri = `${ORIGIN}/dashboard/callback`;
  const config = settingsOf({
    ...env,
    OAUTH_ISSUER: LOCAL.url,
    OAUTH_CLIENT_ID: LOCAL.clientId,
    OAUTH_CLIENT_SECRET: "x",
  });
  const client = login({
    ...config,
    clientSecret: LOCAL.clientSecret,
    now: () => Date.now(),
    background: waitUntil,
  });
  const { url, pending } = await client.begin(redirectUri);
  const { refreshToken } = await client.complete(await signInAtIssuer(url.href), redirectUri, pending);
  const jar = await signedIn({ session: { accessToken: await oldToken(), refreshToken } });
  const before = jar.header;
  const target = atLocalIssuer();
  await pageOf(await visit("/dashboard/nothing", { jar, target }), 404);
  expect(jar.header).not.toBe(before);
  await pageOf(await visit("/dashboard", { jar, target }));
});

test("a session whose refresh token the issuer refuses has ended", async () => {
  const jar = await signedIn({ session: { accessToken: await oldToken(), refreshToken: "made up" } });
  const answer = await visit("/dashboard", { jar, headers: JSON_ONLY, target: atLocalIssuer() });
  await expectError(answer, "TOKEN_EXPIRED");
});

test("a session that cannot be renewed because the issuer is out of reach is 503, not an end", async () => {
  const target = withDashboard({
    OAUTH_ISSUER: "http://127.0.0.1:9",
    OAUTH_JWKS_URL: `${env.OAUTH_ISSUER}/jwks`,
  });
  const claims = { iss: "http://127.0.0.1:9", exp: Math.floor(Date.now() / 1000) - 60 };
  const jar = await signedIn({ claims, session: { refreshToken: "a refresh token" } });
  await expectError(await visit("/dashboard", { jar, headers: JSON_ONLY, target }), "UNAVAILABLE");
});

test("without a key set a session is neither good nor bad: 503", async () => {
  const target = withDashboard({ OAUTH_JWKS_URL: "http://127.0.0.1:9/jwks" });
  await expectError(
    await visit("/dashboard", { jar: await signedIn(), headers: JSON_ONLY, target }),
    "UNAVAILABLE",
  );
});

test("no token is in any page, header or log line", async () => {
  const lines = logged();
  const accessToken = await token();
  const session = { accessToken, refreshToken: "a-refresh-token" };
  const jar = await signedIn({ session });
  for (const path of PAGES) {
    const answer = await visit(path, { jar });
    const text = `${await answer.text()} ${JSON.stringify([...answer.headers])}`;
    expect(text).not.toMatch(new RegExp([accessToken, "a-refresh-token"].join("|")));
  }
  expect(lines.join()).not.toContain(accessToken);
});

test("a session lasts from its start, however often its tokens are renewed, and keeps what is not sent again", () => {
  const tokens = { accessToken: "a", refreshToken: "r", name: "ada", logoutHint: "sid-1" };
  const first = sessionOf(tokens, 1_000);
  const renewed = { accessToken: "b", refreshToken: null, name: null, logoutHint: null };
  expect(sessionOf(renewed, 5_000_000, first)).toEqual({ ...first, accessToken: "b" });
  expect(first.endsAt).toBe(1_000 + 12 * 3_600_000);
});
