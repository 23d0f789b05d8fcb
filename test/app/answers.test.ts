import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { appWith, call, createKey, manage, ORIGIN, token } from "../support/api.ts";
import { expectError, logged } from "../support/expect.ts";
import { ask, pathOf, routes, withBody } from "../support/routes.ts";

function expectHeaders(answer: Response): void {
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
  });
  if (answer.status !== 204) {
    expect(answer.headers.get("Content-Type")).toBe("application/json; charset=utf-8");
  }
  expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  expect(answer.headers.has("Set-Cookie")).toBe(false);
}

describe.each(routes)("$method $path", (route) => {
  test("carries no-store, nosniff, the policies and a charset, and no CORS, on success", async () => {
    const answer = await ask(route, await createKey(), { headers: { Origin: "https://evil.example" } });
    expect(answer.status).toBe(route.success);
    expectHeaders(answer);
  });

  test("carries them on a refusal too", async () => {
    const path = pathOf(route, await createKey());
    expectHeaders(await call(path, { method: route.method, headers: { Origin: "https://evil.example" } }));
  });

  test("puts no raw key, digest or token in an answer or a log line", async () => {
    const lines = logged();
    const key = await createKey();
    const rawKey = key.rawKey;
    const credentials = { access_token: await token(), key: rawKey };
    const answers = [
      await ask(route, key),
      await ask(route, key, { company: "globex" }),
      await ask(route, key, { scope: "none", headers: { "X-API-Key": `${rawKey}0` } }),
      await ask(route, key, { headers: { Authorization: `Bearer ${rawKey}`, "X-API-Key": rawKey } }),
      await call(`${pathOf(route, key)}?${new URLSearchParams(credentials)}`, { method: route.method }),
      await call(`${pathOf(route, key)}/${rawKey}`, { method: route.method }),
      await call(pathOf(route, { id: rawKey }), { method: route.method }),
    ];
    const told = await Promise.all(
      answers.map(async (a) => JSON.stringify([...a.headers]) + (await a.text())),
    );
    const digest = await env.DB.prepare("SELECT digest FROM api_keys").first<string>("digest");
    expect(digest).toMatch(/^[\w-]{43}$/);
    for (const text of [...told, ...lines]) {
      expect(text).not.toContain(rawKey.slice(-50));
      expect(text).not.toContain(rawKey.slice(-20));
      expect(text).not.toContain(String(digest));
      expect(text).not.toMatch(/eyJ[\w-]+\./i);
      // Now and then the randomness of a new key reads "hash".
      expect(text.replaceAll(/lk_live_[0-9A-Za-z]+/g, "")).not.toMatch(/digest|hash/i);
    }
    if (route.needs !== "key") expect(lines.length).toBeGreaterThan(0);
  });
});

describe.each(withBody)("$method $path", (route) => {
  test("repeats no raw key that came as a member's name or value", async () => {
    const lines = logged();
    const key = await createKey();
    const body = { label: 1, scopes: key.rawKey, [key.rawKey]: key.rawKey };
    const text = await (await ask(route, key, { body })).text();
    expect([text, ...lines].join()).not.toContain(key.rawKey.slice(-50));
  });
});

test("the raw key is in the answer to its creation and never again", async () => {
  const { rawKey, id } = await createKey();
  const later = [
    await manage("/settings/api-keys"),
    await manage(`/settings/api-keys/${id}`),
    await manage(`/settings/api-keys/${id}`, { method: "PATCH", body: { label: "x" } }),
    await call("/public/v1/key", { headers: { "X-API-Key": rawKey } }),
  ];
  for (const answer of later) {
    const text = await answer.text();
    expect(answer.status).toBe(200);
    expect(text).toContain(id);
    expect(text).not.toMatch(/rawKey/i);
    expect(text).not.toContain(rawKey.slice(-50));
  }
});

test.each([
  ["GET", "/"],
  ["GET", "/settings"],
  ["GET", "/settings/"],
  ["GET", "/settings/api-keys/"],
  ["GET", "/settings/API-KEYS"],
  ["POST", "/settings/api-key"],
  ["GET", "/settings//api-keys"],
  ["DELETE", "/settings/api-keys/6f1ff3f4-0000-4000-8000-000000000000/"],
  ["GET", "/settings/api-keys%2F6f1ff3f4-0000-4000-8000-000000000000"],
  ["GET", "/settings/__proto__"],
  ["GET", "/public"],
  ["GET", "/public/v1"],
  ["GET", "/public/v2/key"],
  ["TRACE", "/nowhere"],
  ["GET", "/%FF"],
  ["GET", "/favicon.ico"],
])("an unknown path is 404 in the envelope: %s %s", async (method, path) => {
  const answer = await manage(`${path}?q=1#x`, { method });
  await expectError(answer, "NOT_FOUND", path);
  expectHeaders(answer);
});

test("the envelope's path is the path that was asked for, without its query", async () => {
  const answer = await manage("/settings/api-keys/caf%C3%A9%20x?secret=1&x=/y#z");
  await expectError(answer, "BAD_REQUEST", "/settings/api-keys/caf%C3%A9%20x");
});

test("the envelope's path and the log mask what could be a key or a token", async () => {
  const lines = logged();
  const { rawKey } = await createKey();
  const answer = await manage(`/settings/api-keys/${rawKey}`);
  await expectError(answer, "BAD_REQUEST", "/settings/api-keys/***");
  await expectError(await call(`/settings/${await token()}`), "UNAUTHORIZED");
  expect(lines.join()).not.toContain(rawKey);
});

test("the envelope's timestamp is the time of the answer", async () => {
  const before = Date.now();
  const { timestamp } = await expectError(await call("/nowhere"), "NOT_FOUND");
  expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before);
  expect(Date.parse(timestamp)).toBeLessThanOrEqual(Date.now());
});

test("plain http gets everything but Strict-Transport-Security", async () => {
  const answer = await call(`${ORIGIN.replace("https", "http")}/nowhere`);
  expect(answer.headers.has("Strict-Transport-Security")).toBe(false);
  expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
});

test("a CORS preflight is refused without any Access-Control header", async () => {
  const headers = { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" };
  const answer = await manage("/settings/api-keys", { method: "OPTIONS", headers });
  expectHeaders(answer);
  await expectError(answer, "METHOD_NOT_ALLOWED");
});

test("a failed authentication is logged with its reason and without the credential", async () => {
  const lines = logged();
  const expired = await token({ claims: { exp: 1 } });
  const { rawKey } = await createKey();
  await call("/settings/api-keys", { headers: { Authorization: `Bearer ${expired}` } });
  await call("/public/v1/key", { headers: { "X-API-Key": `${rawKey.slice(0, -1)}_` } }, appWith({}));
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      event: "request_refused",
      method: "GET",
      path: "/settings/api-keys",
      error: "TOKEN_EXPIRED",
      reason: expect.any(String),
    },
    { event: "unknown_keys_refused", count: expect.any(Number) },
  ]);
  expect(lines.join()).not.toContain(expired);
  expect(lines.join()).not.toContain(rawKey.slice(0, 30));
});
