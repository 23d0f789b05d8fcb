import { env, waitUntil } from "cloudflare:workers";
import { importJWK, SignJWT } from "jose";
import { describe, expect, test, vi } from "vitest";
import { pepperSeal } from "../../src/dashboard/seal.ts";
import { type SessionsParts, sessions } from "../../src/dashboard/session.ts";
import { dropSessions, sessionStore } from "../../src/dashboard/store.ts";
import { ApiError } from "../../src/http/errors.ts";
import { login } from "../../src/oauth/login.ts";
import { TokenError } from "../../src/oauth/token.ts";
import { manage, ORIGIN, token } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import {
  atLocalIssuer,
  type Jar,
  pageOf,
  signedIn,
  signInAtIssuer,
  visit,
  withDashboard,
} from "../support/dashboard.ts";
import { expectError, logged } from "../support/expect.ts";
import { scenario } from "../support/scenario.ts";
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

const FORM = { label: "Careers page", scopes: "jobs:read", expiry: "never" };
const rowsOf = async (sql: string) => (await env.DB.prepare(sql).all<Record<string, unknown>>()).results;

/** The dashboard's client of the local issuer, and the refresh token of somebody who has signed in there. */
async function signedInAtIssuer() {
  const redirectUri = `${ORIGIN}/dashboard/callback`;
  const config = settingsOf({
    ...env,
    OAUTH_ISSUER: LOCAL.url,
    OAUTH_CLIENT_ID: LOCAL.clientId,
    OAUTH_CLIENT_SECRET: "x",
    OAUTH_LOGIN_PARAMETERS: { prompt: "consent" },
  });
  const client = login({
    ...config,
    clientSecret: LOCAL.clientSecret,
    now: () => Date.now(),
    background: waitUntil,
  });
  const { url, pending } = await client.begin(redirectUri);
  const { refreshToken } = await client.complete(await signInAtIssuer(url.href), redirectUri, pending);
  return { login: client, refreshToken };
}

/** Somebody who has signed in at the issuer, whose access token has expired since. */
async function withOldToken(): Promise<Jar> {
  const { refreshToken } = await signedInAtIssuer();
  return signedIn({ session: { accessToken: await oldToken(), refreshToken } });
}

/** What is asked of the issuer from now on below its path `/token`; answers come `delayMs` late. */
function tokenRequests(delayMs = 0): Request[] {
  const requests: Request[] = [];
  const { fetch } = globalThis;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const answer = await fetch(request);
    if (new URL(request.url).pathname === "/token") {
      requests.push(request);
      await scheduler.wait(delayMs);
    }
    return answer;
  });
  return requests;
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
  const jar = await signedIn();
  await env.DB.exec(`UPDATE dashboard_sessions SET ends_at = ${Date.now() - 1}`);
  const answer = await visit("/dashboard/keys", { jar, form: FORM });
  expect(answer.headers.get("Location")).toBe("/dashboard/sign-in?to=%2Fdashboard%2Fkeys%2Fnew&ended=1");
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

test("a session whose token has ended is renewed, and the browser keeps what it has", async () => {
  const jar = await withOldToken();
  const before = jar.header;
  const target = atLocalIssuer();
  const requests = tokenRequests();
  await pageOf(await visit("/dashboard", { jar, target }));
  await pageOf(await visit("/dashboard", { jar, target }));
  expect({ cookies: jar.header, requests: requests.length }).toEqual({ cookies: before, requests: 1 });
});

test("two tabs that renew at once, with an answer that is late, renew once and both go on; no form is lost", async () => {
  const jar = await withOldToken();
  const target = atLocalIssuer();
  const requests = tokenRequests(2_500);
  const [page, form, other] = await Promise.all([
    visit("/dashboard", { jar, target }),
    visit("/dashboard/keys", { jar, target, form: FORM }),
    visit("/dashboard/keys", { jar, target, form: FORM }),
  ]);
  await pageOf(page);
  for (const answer of [form, other]) expect(answer.headers.get("Location")).toMatch(/\/created$/);
  expect(requests).toHaveLength(1);
  expect(await (await manage("/settings/api-keys")).json()).toHaveLength(2);
});

/** The sessions of somebody whose tokens come from `login`. A token counts as expired once it is in `expired`. */
function withLogin(
  login: SessionsParts["login"],
  expired: Pick<ReadonlySet<string>, "has">,
  clock: Partial<Pick<SessionsParts, "now" | "wait">> = {},
) {
  const background = vi.fn((work: Promise<unknown>) => waitUntil(work));
  const kept = sessions({
    admit: () => undefined,
    audienceSetting: "OAUTH_AUDIENCE",
    store: sessionStore(env.DB),
    seal: pepperSeal(settingsOf(env).KEY_PEPPERS, () => Date.now(), "dashboard"),
    login,
    verifyToken: async (accessToken) => {
      if (expired.has(accessToken)) throw new TokenError("ERR_JWT_EXPIRED", true);
      return {
        issuer: LOCAL.url,
        subject: "ada",
        companyId: "acme",
        companies: [],
        companyFault: "",
        scopes: [],
      };
    },
    now: () => Date.now(),
    wait: (ms) => scheduler.wait(ms),
    background,
    ...clock,
  });
  return { ...kept, background };
}

const FIRST = { accessToken: "first", refreshToken: "r1", name: "ada", logoutHint: "sid" };
const FRESH = { accessToken: "fresh", refreshToken: "r2", name: null, logoutHint: null };
/** An issuer that does what it is asked. */
const ISSUER = { refresh: async () => FRESH, revoke: async () => {} };

test("a session is renewed again and again, where the issuer takes each refresh token once", async () => {
  const { login, refreshToken } = await signedInAtIssuer();
  const expired = new Set<string>();
  const { start, current, background } = withLogin(login, expired);
  const secret = await start({ accessToken: "first", refreshToken, name: null, logoutHint: null });
  for (let i = 0; i < 3; i++) expired.add((await current(secret)).tokens.accessToken);
  expect((await current(secret)).tokens.name).toBe("ada@acme.example");
  expect(expired.size).toBe(3);
  // Whoever hangs up does not take the renewal along.
  expect(background).toHaveBeenCalledTimes(3);
});

test("what the issuer does not send again stays", async () => {
  const expired = new Set<string>();
  const login = { refresh: async () => ({ ...FRESH, refreshToken: null }), revoke: async () => {} };
  const { start, current } = withLogin(login, expired);
  const secret = await start(FIRST);
  expired.add("first");
  expect((await current(secret)).tokens).toEqual({ ...FIRST, accessToken: "fresh" });
});

test("a session that ends while it is renewed stays ended, and the new refresh token ends too", async () => {
  const expired = new Set<string>();
  const revoked: string[] = [];
  const { start, current, end } = withLogin(
    {
      refresh: async () => {
        await end(secret);
        return FRESH;
      },
      revoke: async (refreshToken) => void revoked.push(refreshToken),
    },
    expired,
  );
  const secret = await start(FIRST);
  expired.add("first");
  await expect(current(secret)).rejects.toMatchObject({ code: "TOKEN_EXPIRED" });
  expect(revoked).toEqual(["r1", "r2"]);
});

test("a session whose new token has expired already has ended: the issuer is not asked at every request", async () => {
  const expired = new Set<string>();
  const refresh = vi.fn(async () => FRESH);
  const { start, current } = withLogin({ refresh, revoke: async () => {} }, expired);
  const secret = await start(FIRST);
  for (const token of ["first", "fresh"]) expired.add(token);
  for (let i = 0; i < 3; i++) await expect(current(secret)).rejects.toMatchObject({ code: "TOKEN_EXPIRED" });
  expect(refresh).toHaveBeenCalledTimes(1);
});

test("an access token that has ended already begins no session, and its refresh token ends", async () => {
  const revoke = vi.fn(async () => {});
  const { start } = withLogin({ ...ISSUER, revoke }, new Set(["first"]));
  await expect(start(FIRST)).rejects.toMatchObject({ code: "FORBIDDEN" });
  expect(revoke.mock.calls).toEqual([["r1"]]);
  expect(await rowsOf("SELECT * FROM dashboard_sessions")).toEqual([]);
});

test("a renewal that another request does not end is waited for no longer than one takes: 503, not an end", async () => {
  let now = Date.now();
  const clock = {
    now: () => now,
    wait: async (milliseconds: number) => {
      now += milliseconds;
    },
  };
  const expired = new Set<string>();
  const refresh = vi.fn(ISSUER.refresh);
  const { start, current } = withLogin({ ...ISSUER, refresh }, expired, clock);
  const secret = await start(FIRST);
  expired.add("first");
  await env.DB.exec(`UPDATE dashboard_sessions SET renewer = 'other', renewing_until = ${now + 60_000}`);
  await expect(current(secret)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(refresh).not.toHaveBeenCalled();
  expect(await rowsOf("SELECT * FROM dashboard_sessions")).toHaveLength(1);
});

test("a session that has ended tells of no others, and ends none", async () => {
  const { start, end, ofPerson, endOthers } = withLogin(ISSUER, new Set());
  const secret = await start(FIRST);
  await start(FIRST);
  await end(secret);
  expect(await ofPerson(secret)).toEqual([]);
  await endOthers(secret);
  expect(await rowsOf("SELECT * FROM dashboard_sessions")).toHaveLength(1);
});

/** Two sessions of one person; the tokens of the second one do not open. Gives the secret of the first. */
async function besideBroken({ start }: Pick<ReturnType<typeof withLogin>, "start">): Promise<string> {
  const secret = await start(FIRST, "Firefox, Linux");
  const [own] = await rowsOf("SELECT id FROM dashboard_sessions");
  await start(FIRST, "Chrome, Windows");
  await env.DB.exec(`UPDATE dashboard_sessions SET sealed = 'x' WHERE id <> '${own?.id}'`);
  return secret;
}

test("a session whose tokens do not open is shown all the same, without its browser", async () => {
  const kept = withLogin(ISSUER, new Set());
  const shown = await kept.ofPerson(await besideBroken(kept));
  expect(new Map(shown.map(({ isThis, browser }) => [isThis, browser]))).toEqual(
    new Map([
      [true, "Firefox, Linux"],
      [false, ""],
    ]),
  );
});

test("a session whose tokens do not open ends with the others", async () => {
  const revoke = vi.fn(async () => {});
  const kept = withLogin({ ...ISSUER, revoke }, new Set());
  await kept.endOthers(await besideBroken(kept));
  expect(await rowsOf("SELECT * FROM dashboard_sessions")).toHaveLength(1);
  expect(revoke).not.toHaveBeenCalled();
});

test.each([
  ["is out of reach", new ApiError("UNAVAILABLE", { reason: "timeout" }), '"reason":"timeout"'],
  ["answers oddly", new TypeError("no such answer"), "TypeError: no such answer"],
])(
  "a session ends though the issuer %s as its refresh token is to end: the log tells",
  async (_, fault, told) => {
    const lines = logged();
    const { start, end, background } = withLogin(
      { ...ISSUER, revoke: () => Promise.reject(fault) },
      new Set(),
    );
    expect(await end(await start(FIRST))).toMatchObject(FIRST);
    await Promise.all(background.mock.calls.flat());
    expect(lines.join()).toContain("refresh_token_not_revoked");
    expect(lines.join()).toContain(told);
  },
);

test("a fault of our own while a token is checked ends no session", async () => {
  const expired = { has: () => false };
  const { start, current } = withLogin(ISSUER, expired);
  const secret = await start(FIRST);
  expired.has = () => {
    throw new TypeError("a fault of our own");
  };
  await expect(current(secret)).rejects.toThrow("a fault of our own");
  expect(await rowsOf("SELECT * FROM dashboard_sessions")).toHaveLength(1);
});

test("a renewal that another request has begun is waited for", async () => {
  const jar = await withOldToken();
  const requests = tokenRequests();
  const store = sessionStore(env.DB);
  const row = await store.find(String((await rowsOf("SELECT id FROM dashboard_sessions"))[0]?.id));
  if (row === null) throw new Error("no session");
  await store.lease(row, "somebody else", Date.now(), Date.now() + 60_000);
  const page = visit("/dashboard", { jar, target: atLocalIssuer() });
  await scheduler.wait(600);
  expect(requests).toHaveLength(0);
  await store.release(row.id, "somebody else");
  await pageOf(await page);
  expect(requests).toHaveLength(1);
});

test("a renewal that whoever began it has left behind is done by another request in the end", async () => {
  const jar = await withOldToken();
  await env.DB.exec(`UPDATE dashboard_sessions SET renewer = 'gone', renewing_until = ${Date.now() + 1_000}`);
  await pageOf(await visit("/dashboard", { jar, target: atLocalIssuer() }));
});

test("a session whose refresh token the issuer refuses has ended, and nothing of it is kept", async () => {
  const jar = await signedIn({ session: { accessToken: await oldToken(), refreshToken: "made up" } });
  const answer = await visit("/dashboard", { jar, headers: JSON_ONLY, target: atLocalIssuer() });
  await expectError(answer, "TOKEN_EXPIRED");
  expect(await rowsOf("SELECT * FROM dashboard_sessions")).toEqual([]);
});

test("a session that cannot be renewed because the issuer is down is 503, not an end", async () => {
  const { url } = await scenario({ status: 503 });
  const target = withDashboard({ OAUTH_ISSUER: url, OAUTH_JWKS_URL: `${env.OAUTH_ISSUER}/jwks` });
  const claims = { iss: url, exp: Math.floor(Date.now() / 1000) - 60 };
  const jar = await signedIn({ claims, session: { refreshToken: "a refresh token" } });
  await expectError(await visit("/dashboard", { jar, headers: JSON_ONLY, target }), "UNAVAILABLE");
});

test("without a key set a session is neither good nor bad: 503", async () => {
  const target = withDashboard({ OAUTH_JWKS_URL: (await scenario({ status: 503 })).jwksUrl });
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

test("a session lasts twelve hours from its start, however often its tokens are renewed", async () => {
  const jar = await withOldToken();
  const [before] = await rowsOf("SELECT ends_at FROM dashboard_sessions");
  await pageOf(await visit("/dashboard", { jar, target: atLocalIssuer() }));
  expect(await rowsOf("SELECT ends_at FROM dashboard_sessions")).toEqual([before]);
  expect(Math.abs(Number(before?.ends_at) - Date.now() - 12 * 3_600_000)).toBeLessThan(60_000);
});

test("the database alone opens no session: tokens are sealed, and the cookie's secret is not there", async () => {
  const jar = await signedIn({ session: { refreshToken: "a-refresh-token" } });
  const rows = await rowsOf("SELECT * FROM dashboard_sessions");
  expect(JSON.stringify(rows)).not.toContain("a-refresh-token");
  const opened = pepperSeal(settingsOf(env).KEY_PEPPERS, () => Date.now(), "dashboard");
  const [cookie = ""] = jar.cookies.values();
  const secret = String(Object.values((await opened.open("session", cookie)) ?? {})[0]);
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(JSON.stringify(rows)).not.toContain(secret);
});

test("tokens that were put into another session's row do not open there", async () => {
  const [ada, grace] = [await signedIn(), await signedIn({ claims: { sub: "grace" } })];
  await env.DB.exec(
    "UPDATE dashboard_sessions SET sealed = (SELECT sealed FROM dashboard_sessions WHERE subject = 'ada')",
  );
  await pageOf(await visit("/dashboard", { jar: ada }));
  await expectError(await visit("/dashboard", { jar: grace, headers: JSON_ONLY }), "TOKEN_EXPIRED");
});

test("a cookie that somebody made up costs no read of the database", async () => {
  let asked = 0;
  const target = withDashboard({ DB: hooked(env.DB, () => void asked++) });
  const headers = { ...JSON_ONLY, Cookie: "__Host-latchkey-session=eyJhbGciOiJkaXIifQ..x.x.x" };
  await expectError(await visit("/dashboard", { target, headers }), "UNAUTHORIZED");
  expect(asked).toBe(0);
});

test("while the database is out of reach nobody passes, and nobody is thrown out", async () => {
  logged();
  const jar = await signedIn();
  const target = withDashboard({
    DB: hooked(env.DB, () => Promise.reject(new Error("D1_ERROR: Network connection lost."))),
  });
  for (const path of ["/dashboard", "/dashboard/keys/new"]) {
    expect(await pageOf(await visit(path, { jar, target }), 503)).toContain("Wait a little");
  }
  await pageOf(await visit("/dashboard", { jar }));
});

test("of one person's sessions the newest twenty go on, and nobody else's end", async () => {
  const other = await signedIn({ claims: { sub: "grace" } });
  const jars: Jar[] = [];
  for (let i = 0; i < 21; i++) jars.push(await signedIn({ startedAt: Date.now() - 60_000 + i }));
  const statuses = [];
  for (const jar of [other, ...jars.slice(0, 2), ...jars.slice(-1)])
    statuses.push((await visit("/dashboard/keys/new", { jar })).status);
  expect(statuses).toEqual([200, 303, 200, 200]);
});

test("sessions that have ended are dropped, a piece at a time, and no other", async () => {
  for (let i = 0; i < 3; i++) await signedIn({ startedAt: Date.now() - 12 * 3_600_000 - i });
  await signedIn();
  const dropped = [];
  for (let i = 0; i < 3; i++) dropped.push(await dropSessions(env.DB, Date.now(), 2));
  expect(dropped).toEqual([2, 1, 0]);
  expect(await rowsOf("SELECT id FROM dashboard_sessions")).toHaveLength(1);
});
