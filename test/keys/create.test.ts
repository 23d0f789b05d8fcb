import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { appWith, type CreatedKey, call, createKey, manage } from "../support/api.ts";
import { brokenFields, expectError, stored } from "../support/expect.ts";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const MADE_BY_SERVICE = {
  id: "6f1ff3f4-0000-4000-8000-000000000000",
  companyId: "globex",
  company_id: "globex",
  keyPrefix: "lk_live_aaaaa",
  rawKey: `lk_live_${"a".repeat(50)}`,
  digest: "x",
  hash: "x",
  active: true,
  createdAt: "2026-01-01T00:00:00Z",
  revokedAt: null,
  suspendedAt: null,
  lastUsedAt: null,
};

const create = (body: unknown) => manage("/settings/api-keys", { method: "POST", body });
const good = { label: "Careers page", scopes: ["jobs:read"] };

test("a created key has every field of the contract and no other", async () => {
  const before = Date.now();
  const key = await createKey({ label: "Careers page", scopes: ["jobs:write", "jobs:read"] });
  expect(key).toEqual({
    id: expect.stringMatching(UUID_V4),
    keyPrefix: key.rawKey.slice(0, "lk_live_".length + 5),
    label: "Careers page",
    scopes: ["jobs:write", "jobs:read"],
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    expiresAt: null,
    revokedAt: null,
    suspendedAt: null,
    lastUsedAt: null,
    replaces: null,
    createdBy: { issuer: env.OAUTH_ISSUER, subject: "ada" },
    allowedIps: null,
    metadata: {},
    active: true,
    rawKey: expect.stringMatching(/^lk_live_[0-9A-Za-z]{50}$/),
  });
  expect(Date.parse(key.createdAt)).toBeGreaterThanOrEqual(before);
  expect(Date.parse(key.createdAt)).toBeLessThanOrEqual(Date.now());
});

test("Location leads to the key", async () => {
  const answer = await create(good);
  const { rawKey: _, ...key } = await answer.json<CreatedKey>();
  const found = await manage(answer.headers.get("Location") ?? "");
  expect(await found.json()).toEqual(key);
});

test("a key works the moment after its creation", async () => {
  const key = await createKey({ scopes: ["jobs:read", "jobs:write"] });
  const answer = await call("/public/v1/key", { headers: { "X-API-Key": key.rawKey } });
  expect(await answer.json()).toEqual({
    id: key.id,
    companyId: "acme",
    scopes: ["jobs:read", "jobs:write"],
    expiresAt: null,
    metadata: {},
  });
});

test("the database holds the HMAC-SHA-256 of a key and nothing of its body", async () => {
  const { rawKey, id } = await createKey();
  const row = await env.DB.prepare("SELECT * FROM api_keys WHERE id = ?").bind(id).first();
  const peppers: Record<string, string> = JSON.parse(env.KEY_PEPPERS);
  const secret = new TextEncoder().encode(peppers.b);
  const hmac = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);
  const digest = await crypto.subtle.sign("HMAC", hmac, new TextEncoder().encode(rawKey.slice(0, -6)));
  expect(row?.digest).toBe(new Uint8Array(digest).toBase64({ alphabet: "base64url", omitPadding: true }));
  expect(JSON.stringify(await stored())).not.toContain(rawKey.slice(13, 43));
});

test("two keys of one label are two keys", async () => {
  const [a, b] = [await createKey(), await createKey()];
  expect(a.id).not.toBe(b.id);
  expect(a.rawKey).not.toBe(b.rawKey);
});

describe("a field that only the service sets is refused", () => {
  test.each(Object.entries(MADE_BY_SERVICE))("%s, on creation", async (field, value) => {
    const before = await stored();
    expect(await brokenFields(await create({ ...good, [field]: value }))).toEqual({
      [field]: "unknown field",
    });
    expect(await stored()).toEqual(before);
  });

  test.each(Object.entries({ ...MADE_BY_SERVICE, expiresAt: null }))(
    "%s, on change",
    async (field, value) => {
      const key = await createKey();
      const before = await stored();
      const body = { label: "New label", [field]: value };
      const answer = await manage(`/settings/api-keys/${key.id}`, { method: "PATCH", body });
      expect(await brokenFields(answer)).toEqual({ [field]: "unknown field" });
      expect(await stored()).toEqual(before);
    },
  );
});

test.each(["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"])(
  "%s is no field and no scope",
  async (name) => {
    const before = await stored();
    const member = JSON.stringify(good).replace("{", `{"${name}":{"label":"x","scopes":["jobs:write"]},`);
    expect(await brokenFields(await create(member))).toEqual({ [name]: "unknown field" });
    expect(await brokenFields(await create({ ...good, scopes: [name] }))).toHaveProperty("scopes");
    expect(await stored()).toEqual(before);
    expect(({} as Record<string, unknown>).label).toBeUndefined();
  },
);

test("every broken field is reported at once, each once", async () => {
  const answer = await create({
    label: " ",
    scopes: ["a", "b", 1, "a"],
    expiresAt: "soon",
    id: 1,
    active: 1,
  });
  expect(await brokenFields(answer)).toEqual({
    label: "must not be blank",
    scopes: expect.stringMatching(/./),
    expiresAt: "must be an RFC 3339 date and time with offset",
    id: "unknown field",
    active: "unknown field",
  });
});

test("what is missing is said to be required", async () => {
  expect(await brokenFields(await create({}))).toEqual({ label: "is required", scopes: "is required" });
});

test.each<[string, unknown, string]>([
  ["none", [], "must not be empty"],
  ["null", null, "must be an array"],
  ["a string", "jobs:read", "must be an array"],
  ["a number", 1, "must be an array"],
  ["an object", { 0: "jobs:read", length: 1 }, "must be an array"],
  ["an unknown one", ["jobs:delete"], "must be scopes of the catalogue: see GET /settings/scopes"],
  [
    "an unknown one among known ones",
    ["jobs:read", "x"],
    "must be scopes of the catalogue: see GET /settings/scopes",
  ],
  ["one in capitals", ["JOBS:READ"], "must be scopes of the catalogue: see GET /settings/scopes"],
  ["one with a space", ["jobs:read "], "must be scopes of the catalogue: see GET /settings/scopes"],
  [
    "two in one string",
    ["jobs:read jobs:write"],
    "must be scopes of the catalogue: see GET /settings/scopes",
  ],
  ["an empty string", [""], "must be scopes of the catalogue: see GET /settings/scopes"],
  ["one twice", ["jobs:read", "jobs:read"], "must not repeat a scope"],
  ["a number in the array", [1], "must be scope names"],
  ["null in the array", ["jobs:read", null], "must be scope names"],
  ["an array in the array", [["jobs:read"]], "must be scope names"],
  ["more than the catalogue has", Array(8).fill("jobs:read"), "must have at most 7 entries"],
  ["as many as fit into a body", Array(4_000).fill(""), expect.stringMatching(/./) as unknown as string],
])("scopes: %s is 422 and stores nothing", async (_, scopes, message) => {
  const before = await stored();
  expect(await brokenFields(await create({ ...good, scopes }))).toEqual({ scopes: message });
  expect(await stored()).toEqual(before);
});

test("10,000 scopes are refused before they are read", async () => {
  const answer = await create({ ...good, scopes: Array(10_000).fill("jobs:read") });
  await expectError(answer, "PAYLOAD_TOO_LARGE");
});

test("all scopes of the catalogue may be had at once, in the order sent", async () => {
  const scopes = Object.keys(env.SCOPES).reverse();
  expect((await createKey({ scopes })).scopes).toEqual(scopes);
});

test("GET /settings/scopes tells the catalogue in its order", async () => {
  const answer = await manage("/settings/scopes");
  expect(await answer.json()).toEqual(
    Object.entries(env.SCOPES).map(([scope, description]) => ({ scope, description })),
  );
});

describe("dead keys", () => {
  /** Puts so many of them into the database. */
  const bury = (count: number, company = "acme") =>
    env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at, revoked_at)
       SELECT ?2 || i, ?2, 'x', 'x', ?2 || i, '[]', 0, 1 FROM n`,
    )
      .bind(count, company)
      .run();

  test.each([
    ["1,000 where few may live", 3, 1_000],
    ["ten for each that may live", 150, 1_500],
  ])("count: a company has at most %s", async (_, live, cap) => {
    const target = appWith({ MAX_LIVE_KEYS: live });
    await bury(cap - 1);
    await bury(cap, "globex");
    const { id } = await createKey({}, { target });
    const before = await stored();
    const answer = await manage("/settings/api-keys", { method: "POST", body: good, target });
    expect((await expectError(answer, "CONFLICT")).message).toContain(`${cap} keys already`);
    const rotation = await manage(`/settings/api-keys/${id}/rotate`, { method: "POST", target });
    expect((await expectError(rotation, "CONFLICT")).message).toContain(`${cap} keys already`);
    expect(await stored()).toEqual(before);
  });
});

describe("MAX_LIVE_KEYS", () => {
  const target = appWith({ MAX_LIVE_KEYS: 3 });
  const body = good;

  test("a company at its cap is 409 and stores nothing", async () => {
    for (let i = 0; i < 3; i++) await createKey({}, { target });
    const before = await stored();
    const answer = await manage("/settings/api-keys", { method: "POST", body, target });
    expect((await expectError(answer, "CONFLICT")).message).toContain("3 live keys");
    expect(await stored()).toEqual(before);
  });

  test("concurrent creations never exceed it", async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => manage("/settings/api-keys", { method: "POST", body, target })),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 201, 201, ...Array(9).fill(409)]);
    expect((await stored()).api_keys).toHaveLength(3);
    expect((await stored()).audit_events).toHaveLength(3);
  });

  test("another company's keys do not count", async () => {
    for (let i = 0; i < 3; i++) await createKey({}, { target, company: "globex" });
    expect((await createKey({}, { target })).active).toBe(true);
  });

  test("a revoked key no longer counts", async () => {
    const keys = [await createKey(), await createKey(), await createKey()];
    await manage(`/settings/api-keys/${keys[1]?.id}`, { method: "DELETE" });
    expect((await createKey({}, { target })).active).toBe(true);
  });

  test("an expired key no longer counts", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const target = appWith({ MAX_LIVE_KEYS: 3 });
    await createKey({ expiresAt: new Date(Date.now() + 1_000).toISOString() }, { target });
    for (let i = 0; i < 2; i++) await createKey({}, { target });
    vi.setSystemTime(Date.now() + 1_000);
    expect((await createKey({}, { target })).active).toBe(true);
  });
});
