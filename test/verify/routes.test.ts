import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { describe, expect, test, vi } from "vitest";
import { keyForm } from "../../src/keys/form.ts";
import type { VerifyOptions, VerifyResult } from "../../src/verify/contract.ts";
import type { Asker } from "../../src/verify/log.ts";
import { publicRoutes } from "../../src/verify/routes.ts";
import { appWith, call, createKey, token } from "../support/api.ts";
import { expectError, logged } from "../support/expect.ts";
import { BOUND_MS, isolate } from "../support/verifier.ts";

/** The routes over one isolate, whose clock the test sets. */
function routes() {
  const state = { isAsleep: false };
  const { clock, verify } = isolate({
    hook: () => (state.isAsleep ? Promise.reject(new Error("D1_ERROR: asleep")) : undefined),
  });
  const keys = { revokePresented: () => Promise.reject(new Error("not of this test")) };
  const rules = () => ({ SCOPES: new Map([["jobs:read", ""]]) });
  const format = { form: keyForm(["lk_live"]) };
  const app = new Hono().route("/public/v1", publicRoutes({ verifier: { verify }, keys, rules, format }));
  return {
    state,
    clock,
    present: async (rawKey: string, origin = "https://latchkey.example") =>
      app.request(`${origin}/public/v1/key`, { headers: { "X-API-Key": rawKey } }),
  };
}

/** Failures of one address that the limiter of the tests allows in a minute. */
const FAILURES = 20;

test("a good key is answered with these headers and no others", async () => {
  const { id, rawKey } = await createKey({ scopes: ["jobs:read", "jobs:write"] });
  const answer = await call("/public/v1/key", { headers: { "X-API-Key": rawKey } });
  expect(Object.fromEntries(answer.headers)).toEqual({
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "content-type": "application/json; charset=utf-8",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-company-id": "acme",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-key-id": id,
    "x-key-scopes": "jobs:read jobs:write",
  });
});

test("the second answer and those after it are as the first", async () => {
  const { rawKey } = await createKey({ scopes: ["jobs:read", "jobs:write"] });
  const { present } = routes();
  const told = async () => {
    const answer = await present(rawKey);
    return { headers: [...answer.headers], body: await answer.json() };
  };
  const first = await told();
  expect(await told()).toEqual(first);
  expect(await told()).toEqual(first);
});

test("that an answer is stale is said of that answer alone", async () => {
  logged();
  const [key, other] = [await createKey(), await createKey()];
  const { state, clock, present } = routes();
  const isStale = async ({ rawKey } = key) => (await present(rawKey)).headers.has("X-Key-Stale");
  expect([await isStale(), await isStale()]).toEqual([false, false]);
  state.isAsleep = true;
  clock.now += BOUND_MS;
  expect(await isStale()).toBe(true);
  state.isAsleep = false;
  clock.now += BOUND_MS;
  // What is read for another key leaves the first one as it is held.
  expect(await isStale(other)).toBe(false);
  expect(await isStale()).toBe(false);
});

test("one key over http and https, in turn, gets the headers of each", async () => {
  const { rawKey } = await createKey();
  const { present } = routes();
  for (const origin of ["https://a.example", "http://a.example", "https://a.example"]) {
    const { headers } = await present(rawKey, origin);
    expect(headers.has("Strict-Transport-Security")).toBe(origin.startsWith("https"));
  }
});

test("keys presented in turn are each answered as themselves", async () => {
  const keys = [await createKey({ scopes: ["jobs:read"] }), await createKey({ scopes: ["jobs:write"] })];
  const { present } = routes();
  for (const { id, rawKey, scopes } of [...keys, ...keys]) {
    const answer = await present(rawKey);
    expect(answer.headers.get("X-Key-Id")).toBe(id);
    expect(await answer.json()).toEqual({ id, companyId: "acme", scopes, expiresAt: null, metadata: {} });
  }
});

test.each([
  ["scopes", `scopes = '["jobs:write"]'`, { scopes: ["jobs:write"] }],
  ["company", "company_id = 'globex'", { companyId: "globex" }],
  ["expiry", "expires_at = 32503680000000", { expiresAt: "3000-01-01T00:00:00.000Z" }],
])("a key whose %s changed is answered with the change within the bound", async (_, change, expected) => {
  const { rawKey } = await createKey();
  const { clock, present } = routes();
  await (await present(rawKey)).text();
  await env.DB.prepare(`UPDATE api_keys SET ${change}`).run();
  clock.now += BOUND_MS;
  const answer = await present(rawKey);
  const { companyId, scopes } = await answer.clone().json<{ companyId: string; scopes: string[] }>();
  expect(await answer.json()).toMatchObject(expected);
  expect(answer.headers.get("X-Company-Id")).toBe(companyId);
  expect(answer.headers.get("X-Key-Scopes")).toBe(scopes.join(" "));
});

test.each(["scope=jobs:read&scope=jobs:write", "scope=jobs:write&scope=jobs:read"])(
  "every scope of a query is asked for: ?%s",
  async (query) => {
    const { rawKey } = await createKey({ scopes: ["jobs:read"] });
    const answer = await call(`/public/v1/verify?${query}`, { headers: { "X-API-Key": rawKey } });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ message: "Missing scope: jobs:write" });
  },
);

test.each(["X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP"])(
  "the caller's address is what Cloudflare says, whatever %s says",
  async (name) => {
    const present = async (headers: Record<string, string>) =>
      (await call("/public/v1/key", { headers: { "X-API-Key": "forged", ...headers } })).status;
    const flood = async (headers: () => Record<string, string>) => {
      for (let i = 0; i < 2 * FAILURES; i++) await present(headers());
      return present(headers());
    };
    const [cloudflares, told] = [crypto.randomUUID(), crypto.randomUUID()];
    const someone = () => crypto.randomUUID();
    expect(await flood(() => ({ "CF-Connecting-IP": cloudflares, [name]: someone() }))).toBe(429);
    expect(await flood(() => ({ "CF-Connecting-IP": someone(), [name]: told }))).toBe(401);
    expect(await flood(() => ({ [name]: told }))).toBe(401);
  },
);

test.each([
  "?scopes=jobs:write",
  "?Scope=jobs:write",
  "?scope[]=jobs:write",
  "?scope=",
  "?scope=jobs:write%20",
  "?scope=jobs:raed",
  "?scope=jobs:read&scope=",
  "?ip=",
  "?ip=none",
  "?ip=192.0.2.1&ip=192.0.2.2",
  "?lim=3",
  "?__proto__=1",
])("a question that cannot be what was meant is 400, never 200: %s", async (query) => {
  const { rawKey } = await createKey({ scopes: ["jobs:read"] });
  const headers = { "X-API-Key": rawKey };
  await expectError(await call(`/public/v1/verify${query}`, { headers }), "BAD_REQUEST");
  await expectError(await call(`/public/v1/key${query}`, { headers }), "BAD_REQUEST");
});

test("several scopes, repeated or in one value, are several scopes", async () => {
  const { rawKey } = await createKey({ scopes: ["jobs:read", "candidates:read"] });
  const ask = (query: string) => call(`/public/v1/verify${query}`, { headers: { "X-API-Key": rawKey } });
  for (const query of ["?scope=jobs:read%20candidates:read", "?scope=jobs:read+candidates:read"])
    expect((await ask(query)).status).toBe(200);
  for (const query of ["?scope=jobs:read%20jobs:write", "?scope=jobs:read&scope=jobs:write"]) {
    const { message } = await expectError(await ask(query), "FORBIDDEN");
    expect(message).toBe("Missing scope: jobs:write");
  }
});

test("DELETE that a proxy sends on is refused, and the key lives", async () => {
  const { rawKey } = await createKey();
  const end = (path: string, headers = {}) =>
    call(path, { method: "DELETE", headers: { "X-API-Key": rawKey, ...headers } });
  await expectError(await end("/public/v1/key?scope=jobs:read"), "BAD_REQUEST");
  for (const name of ["X-Forwarded-Method", "X-Original-Method"])
    await expectError(await end("/public/v1/key", { [name]: "DELETE" }), "BAD_REQUEST");
  expect((await call("/public/v1/key", { headers: { "X-API-Key": rawKey } })).status).toBe(200);
});

describe("a key as a bearer token", () => {
  const ask = (headers: Record<string, string>, path = "/public/v1/key", method = "GET") =>
    call(path, { method, headers });

  test.each(["/public/v1/key", "/public/v1/verify", "/public/v1/verify/jobs"])(
    "is good at %s, whatever the case of the scheme",
    async (path) => {
      const { id, rawKey } = await createKey();
      for (const scheme of ["Bearer", "bearer", "BEARER", "Bearer  "]) {
        const answer = await ask({ Authorization: `${scheme} ${rawKey}` }, path);
        expect([answer.status, answer.headers.get("X-Key-Id")]).toEqual([200, id]);
      }
    },
  );

  test("ends itself by DELETE, as by X-API-Key", async () => {
    const { rawKey } = await createKey();
    const answer = await ask({ Authorization: `Bearer ${rawKey}` }, "/public/v1/key", "DELETE");
    expect(answer.status).toBe(204);
    await expectError(await ask({ "X-API-Key": rawKey }), "KEY_REVOKED");
  });

  test("with another one in X-API-Key is 401, and ends neither; the same one in both is good", async () => {
    const [a, b] = [await createKey(), await createKey()];
    const both = { "X-API-Key": a.rawKey, Authorization: `Bearer ${b.rawKey}` };
    for (const method of ["GET", "DELETE"])
      await expectError(await ask(both, "/public/v1/key", method), "UNAUTHORIZED");
    for (const { rawKey } of [a, b])
      expect((await ask({ "X-API-Key": rawKey, Authorization: `Bearer ${rawKey}` })).status).toBe(200);
  });

  test("is told from other credentials: what does not begin with an accepted prefix is passed over", async () => {
    const { rawKey } = await createKey();
    for (const other of [
      `Bearer ${await token()}`,
      "Bearer sk_live_x",
      "Bearer ",
      "Bearer",
      "Basic YTpi",
      `Basic ${rawKey}`,
      `ApiKey ${rawKey}`,
      rawKey,
    ]) {
      expect((await ask({ "X-API-Key": rawKey, Authorization: other })).status).toBe(200);
      const refused = await ask({ Authorization: other });
      expect(refused.headers.get("WWW-Authenticate")).toBe(
        'ApiKey realm="latchkey", Bearer realm="latchkey"',
      );
      await expectError(refused, "UNAUTHORIZED");
    }
  });

  test("of an older prefix is good while that is accepted", async () => {
    const { rawKey } = await createKey();
    const headers = { Authorization: `Bearer ${rawKey}` };
    const target = (accepted: string[]) => appWith({ KEY_PREFIX: "new", KEY_PREFIXES_ACCEPTED: accepted });
    expect((await call("/public/v1/key", { headers }, target(["lk_live"]))).status).toBe(200);
    expect((await call("/public/v1/key", { headers }, target([]))).status).toBe(401);
  });

  test("twice is 401", async () => {
    const [a, b] = [await createKey(), await createKey()];
    for (const second of [a.rawKey, b.rawKey])
      await expectError(await ask({ Authorization: `Bearer ${a.rawKey}, Bearer ${second}` }), "UNAUTHORIZED");
  });
});

test("a key over its limit can be revoked by its holder", async () => {
  const { rawKey } = await createKey();
  const target = appWith({ VERIFICATIONS_LIMIT: { limit: async () => ({ success: false }) } });
  const use = (method: string) =>
    call("/public/v1/key", { method, headers: { "X-API-Key": rawKey } }, target);
  await use("GET");
  await vi.waitFor(async () => expect((await use("GET")).status).toBe(429));
  expect((await use("DELETE")).status).toBe(204);
  await expectError(
    await call("/public/v1/key", { headers: { "X-API-Key": rawKey } }, appWith({})),
    "KEY_REVOKED",
  );
});

test("refusals are told to the log: a genuine key once a minute for each reason, others by their number", async () => {
  const { id, rawKey, keyPrefix } = await createKey({ scopes: ["jobs:read"], allowedIps: ["192.0.2.1"] });
  const target = appWith({});
  const lines = logged();
  const ask = (key: string, ip: string) =>
    call(`/public/v1/verify?scope=jobs:write&ip=${ip}`, { headers: { "X-API-Key": key } }, target);
  for (let i = 0; i < 3; i++) {
    await ask(rawKey, "192.0.2.1");
    await ask(rawKey, "192.0.2.2");
  }
  for (let i = 0; i < 3; i++) await ask("lk_live_forged", "192.0.2.1");
  const refused = { event: "key_refused", keyId: id, keyPrefix, companyId: "acme", error: "FORBIDDEN" };
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { ...refused, reason: "scope" },
    { ...refused, reason: "address" },
    { event: "unknown_keys_refused", count: 1 },
  ]);
});

test("the caller's address that a proxy names is the one that is asked about, and no other", async () => {
  const addresses: (string | undefined)[][] = [];
  const verify = async (
    _: string,
    { clientIp }: VerifyOptions,
    { caller }: Asker = {},
  ): Promise<VerifyResult> => {
    addresses.push([clientIp, caller]);
    return { valid: false, error: "UNAUTHORIZED", message: "" };
  };
  const keys = { revokePresented: () => Promise.reject(new Error("not of this test")) };
  const format = { form: keyForm(["lk_live"]) };
  const app = new Hono().route(
    "/public/v1",
    publicRoutes({ verifier: { verify }, keys, rules: () => ({ SCOPES: new Map() }), format }),
  );
  const headers = { "X-API-Key": "x", "CF-Connecting-IP": "192.0.2.9" };
  for (const query of ["?ip=192.0.2.1", ""]) await app.request(`/public/v1/verify${query}`, { headers });
  // Without it failures are those of the proxy, but its address is not its caller's.
  expect(addresses).toEqual([
    ["192.0.2.1", "192.0.2.1"],
    [undefined, "192.0.2.9"],
  ]);
});

test("the answer to who revokes the own key has the headers of all others", async () => {
  const { rawKey } = await createKey();
  const { status, headers } = await call("/public/v1/key", {
    method: "DELETE",
    headers: { "X-API-Key": rawKey },
  });
  expect(status).toBe(204);
  expect(headers.get("Cache-Control")).toBe("no-store");
  expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
});
