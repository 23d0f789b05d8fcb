import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { appWith, call, createKey, manage } from "../support/api.ts";
import { expectError, logged, stored } from "../support/expect.ts";
import { ask, routes } from "../support/routes.ts";

const MAY_BE_EMPTY = [
  "OAUTH_AUDIENCE",
  "OAUTH_METADATA_URL",
  "OAUTH_REQUIRED_CLAIMS",
  "OAUTH_JWKS_URL",
  "OAUTH_READ_SCOPE",
  "OAUTH_WRITE_SCOPE",
  "SECURITY_CONTACT",
  "MANAGEMENT_ORIGINS",
  "LEAK_REPORT_KEYS_URL",
  "PLACE_NEW_COMPANIES",
  "IMPORTED_KEY_PATTERN",
];
/** Settings that are missing or wrong, one at a time. */
const wrong: [string, unknown][] = [
  ...[
    ["OAUTH_ISSUER", ["not a url", "ftp://issuer.example", "localhost:9400", "http://issuer.example"]],
    ["OAUTH_AUDIENCE", ["[1]"]],
    ["OAUTH_METADATA_URL", ["metadata", "http://issuer.example"]],
    ["OAUTH_SCOPE_CLAIM", []],
    ["OAUTH_REQUIRED_CLAIMS", ["x", "[]", { azp: null }, { azp: [] }]],
    ["OAUTH_JWKS_URL", ["jwks.json", "file:///etc/passwd", "http://issuer.example/jwks"]],
    ["OAUTH_ALGORITHMS", ["none", "HS256", ["ES256", "HS256"], "ES256 none", [], "[]", "es256"]],
    ["OAUTH_TOKEN_TYPES", [[], " "]],
    ["OAUTH_COMPANY_CLAIM", []],
    ["OAUTH_READ_SCOPE", ["two scopes", 'a"b', "ü"]],
    ["OAUTH_WRITE_SCOPE", ["two scopes"]],
    ["LEAK_REPORT_KEYS_URL", ["keys.json", "ftp://keys.example", "http://keys.example"]],
    ["SCOPES", ["jobs:read", "{}", {}, { "two scopes": "x" }, { a: 1 }, "[]"]],
    ["KEY_PREFIX", ["lk__live", "_lk", "lk_", "lk-live", "lk live", "lk_lïve"]],
    ["KEY_PEPPERS", ["{}", "[]", "x", '{"a":"short"}', `{"ab":"${"x".repeat(32)}"}`, `{"a":1}`]],
    ["MAX_KEY_LIFETIME_DAYS", ["-1", "1.5", "1e3", "x", 36_501, null]],
    ["MAX_LIVE_KEYS", ["0", 0, -1, "x", Number.NaN]],
    ["REVOCATION_SECONDS", [0, "0", 3601, "5s"]],
    ["OUTAGE_SECONDS", [0, 4, 86_401]],
    ["SECURITY_CONTACT", ["security@latchkey.example", "http://latchkey.example"]],
    [
      "MANAGEMENT_ORIGINS",
      ["*", "null", "app.example", "https://app.example/", "http://app.example", "https://*.example", [1]],
    ],
    ["PLACE_NEW_COMPANIES", ["01", "DB", "1", 0]],
    ["IMPORTED_KEY_PATTERN", ["(a+)+", "[", 1, "a*a*a*"]],
    ["DB", [null]],
  ].flatMap(([name, values]) =>
    (values as unknown[]).map((value): [string, unknown] => [String(name), value]),
  ),
];
const required = wrong.map(([name]) => name);
const missing = [...new Set([...required, "OAUTH_AUDIENCE", "OAUTH_COMPANY_CLAIM"])].map(
  (name): [string, unknown] => [name, undefined],
);
const empty = missing
  .filter(([name]) => !MAY_BE_EMPTY.includes(name))
  .map(([name]): [string, unknown] => [name, ""]);

/** What is closed with a setting of this name that is wrong: by the path's start. */
function closedBy(name: string): RegExp {
  if (/^(KEY_|REVOCATION|OUTAGE|DB)/.test(name)) return /^\/(settings|public|operator)\//;
  if (/^(OAUTH_|SCOPES|MAX_)/.test(name)) return /^\/(settings|operator)\//;
  if (/^IMPORTED_/.test(name)) return /^\/operator\/keys\/import/;
  if (/^(MANAGEMENT_|PLACE_)/.test(name)) return /^\/settings\//;
  return /^\/openapi.json/;
}

describe.each([...missing, ...empty, ...wrong])("with %s = %j", (name, value) => {
  test("what needs it is 500 in the envelope, the log names the setting, and the rest goes on", async () => {
    const key = await createKey();
    const before = await stored();
    const lines = logged();
    const target = appWith({ [name]: value });
    const closed = routes.filter(({ path }) => closedBy(name).test(path));
    for (const route of closed) {
      const { message } = await expectError(await ask(route, key, { target }), "INTERNAL_ERROR");
      expect(message).toBe("Internal error");
    }
    await expectError(await call("/openapi.json", {}, target), "INTERNAL_ERROR").catch(() =>
      expect(name).toMatch(/^(KEY_|REVOCATION|OUTAGE|DB|MANAGEMENT_|PLACE_|IMPORTED_)/),
    );
    for (const line of lines) expect(line).toContain(`${name}: `);
    expect(lines.length).toBeGreaterThanOrEqual(Math.max(closed.length, 1));
    expect(await stored()).toEqual(before);
    const open = routes.filter(({ path, method }) => method === "GET" && !closedBy(name).test(path));
    for (const route of open) expect((await ask(route, key, { target })).status).toBe(route.success);
    await expectError(await call("/nowhere", {}, target), "NOT_FOUND", "/nowhere");
    expect((await call("/health", {}, target)).status).toBe(200);
    await expectError(await call("/health/ready", {}, target), "UNAVAILABLE");
  });
});

test("a dashboard without its secret is closed, and nothing else", async () => {
  const lines = logged();
  const key = await createKey();
  const target = appWith({ OAUTH_CLIENT_ID: "dashboard", OAUTH_CLIENT_SECRET: undefined });
  await expectError(await call("/dashboard", {}, target), "INTERNAL_ERROR");
  expect(lines.join()).toContain("OAUTH_CLIENT_SECRET: is missing, and OAUTH_CLIENT_ID is set");
  for (const route of routes.filter(({ method }) => method === "GET"))
    expect((await ask(route, key, { target })).status).toBe(route.success);
});

test.each([
  ["WEBHOOK_URL", undefined],
  ["WEBHOOK_URL", "https://10.0.0.1/"],
  ["EXPIRY_NOTICE_DAYS", undefined],
  ["EXPIRY_NOTICE_DAYS", "soon"],
  ["BRAND_COLOR", "blue"],
])("with %s = %j nothing is closed, but it is not ready and the log names it", async (name, value) => {
  const lines = logged();
  const target = appWith({ [name]: value });
  const key = await createKey({}, { target });
  for (const route of routes.filter(({ method }) => method === "GET"))
    expect((await ask(route, key, { target })).status).toBe(route.success);
  await expectError(await call("/health/ready", {}, target), "UNAVAILABLE");
  expect(lines.join()).toContain(`${name}: `);
});

test("the log names every wrong setting of what was asked for and quotes no value", async () => {
  const lines = logged();
  const secret = `{"!":"a pepper that nobody may read, ever"}`;
  const target = appWith({ KEY_PEPPERS: secret, KEY_PREFIX: "nonsense!", REVOCATION_SECONDS: "many" });
  await call("/public/v1/key", {}, target);
  for (const name of ["KEY_PEPPERS", "KEY_PREFIX"]) expect(lines.join()).toContain(name);
  expect(lines.join()).not.toMatch(/nobody may read|nonsense|many/);
});

test("OUTAGE_SECONDS below REVOCATION_SECONDS is refused", async () => {
  const lines = logged();
  const target = appWith({ REVOCATION_SECONDS: 60, OUTAGE_SECONDS: 59 });
  await expectError(await call("/public/v1/key", {}, target), "INTERNAL_ERROR");
  expect(lines.join()).toContain("OUTAGE_SECONDS: must not be less than REVOCATION_SECONDS");
});

test("settings as wrangler's --var gives them, all strings, mean the same", async () => {
  const strings = Object.fromEntries(
    Object.entries(env)
      .filter(([name]) => /^(OAUTH|MAX|REVOCATION|OUTAGE|SCOPES)/.test(name))
      .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
  const target = appWith({ ...strings, OAUTH_ALGORITHMS: "RS256 ES256", OAUTH_TOKEN_TYPES: "at+jwt JWT" });
  expect((await manage("/settings/scopes", { target })).status).toBe(200);
  expect((await createKey({}, { target })).active).toBe(true);
});

test("an empty scope setting asks for none", async () => {
  const target = appWith({ OAUTH_READ_SCOPE: "", OAUTH_WRITE_SCOPE: "" });
  await createKey({}, { target, scope: "" });
  expect((await manage("/settings/api-keys", { target, scope: "" })).status).toBe(200);
});

test("no audience is a setting only where claims or both scopes tell whom a token is for", async () => {
  const lines = logged();
  const open = appWith({ OAUTH_AUDIENCE: "", OAUTH_READ_SCOPE: "" });
  await expectError(await manage("/settings/scopes", { target: open }), "INTERNAL_ERROR");
  expect(lines.join()).toContain("OAUTH_AUDIENCE: must not be empty");
});
