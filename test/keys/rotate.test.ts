import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import type { ApiKey } from "../../src/keys/schema.ts";
import { appWith, type CreatedKey, call, createKey, type ManageOptions, manage } from "../support/api.ts";
import { brokenFields, expectError } from "../support/expect.ts";

const DAY_MS = 86_400_000;

const rotate = (id: string, body?: unknown, options: ManageOptions = {}) =>
  manage(`/settings/api-keys/${id}/rotate`, {
    method: "POST",
    ...(body !== undefined && { body }),
    ...options,
  });
const rotated = async (id: string, body?: unknown) => (await rotate(id, body)).json<CreatedKey>();
const get = async (id: string) => (await manage(`/settings/api-keys/${id}`)).json<ApiKey>();
const use = (rawKey: string) => call("/public/v1/key", { headers: { "X-API-Key": rawKey } });
const events = async () =>
  (await env.DB.prepare("SELECT action, key_id AS keyId, detail FROM audit_events ORDER BY seq").all())
    .results;

describe("a rotation", () => {
  test("answers with a new key of the same label and scopes, which tells what it replaces", async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const old = await createKey({ label: "Careers", scopes: ["jobs:read", "jobs:write"], expiresAt });
    const answer = await rotate(old.id);
    expect(answer.status).toBe(201);
    const key = await answer.json<CreatedKey>();
    expect(answer.headers.get("Location")).toBe(`/settings/api-keys/${key.id}`);
    expect(key).toMatchObject({
      label: "Careers",
      scopes: ["jobs:read", "jobs:write"],
      replaces: old.id,
    });
    expect(key.rawKey).not.toBe(old.rawKey);
    expect(key.id).not.toBe(old.id);
    expect((await use(key.rawKey)).status).toBe(200);
    expect(await get(key.id)).not.toHaveProperty("rawKey");
  });

  test("without an overlap ends the old key at once", async () => {
    const old = await createKey();
    await rotated(old.id);
    expect(await get(old.id)).toMatchObject({ active: false, revokedAt: null });
    expect(await (await use(old.rawKey)).json()).toMatchObject({ error: "TOKEN_EXPIRED" });
  });

  test("with an overlap leaves the old key alive until its end", async () => {
    const old = await createKey();
    const before = Date.now();
    await rotated(old.id, { overlapSeconds: 600 });
    const { active, expiresAt } = await get(old.id);
    expect(active).toBe(true);
    expect(Date.parse(expiresAt ?? "") - before).toBeGreaterThanOrEqual(600_000);
    expect(Date.parse(expiresAt ?? "") - Date.now()).toBeLessThanOrEqual(600_000);
    expect((await use(old.rawKey)).status).toBe(200);
  });

  test("never moves the old key's expiry later", async () => {
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const old = await createKey({ expiresAt });
    await rotated(old.id, { overlapSeconds: 604_800, expiresAt: "2999-01-01T00:00:00Z" });
    expect((await get(old.id)).expiresAt).toBe(expiresAt);
  });

  test("may be followed by an early end of the overlap, by revoking the old key", async () => {
    const old = await createKey();
    const key = await rotated(old.id, { overlapSeconds: 600 });
    expect((await manage(`/settings/api-keys/${old.id}`, { method: "DELETE" })).status).toBe(204);
    expect(await (await use(old.rawKey)).json()).toMatchObject({ error: "KEY_REVOKED" });
    expect((await use(key.rawKey)).status).toBe(200);
  });

  test("is recorded for both keys", async () => {
    const old = await createKey();
    const key = await rotated(old.id);
    expect(await events()).toEqual([
      { action: "create", keyId: old.id, detail: null },
      { action: "rotate", keyId: old.id, detail: JSON.stringify({ replacedBy: key.id }) },
      { action: "create", keyId: key.id, detail: JSON.stringify({ replaces: old.id }) },
    ]);
  });

  test("of one key by many at once has one winner, and 409 for the rest", async () => {
    const old = await createKey();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => rotate(old.id, { overlapSeconds: 60 })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
    expect(await (await manage("/settings/api-keys")).json()).toHaveLength(2);
    expect(await events()).toHaveLength(3);
  });

  test("at the cap of live keys is possible without an overlap only", async () => {
    const old = await createKey();
    await env.DB.prepare(
      `INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at)
       WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       SELECT 'k' || i, 'acme', 'x', 'x', 'd' || i, '[]', 0 FROM n`,
    )
      .bind(env.MAX_LIVE_KEYS)
      .run();
    const refused = await rotate(old.id, { overlapSeconds: 1 });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ message: expect.stringContaining("live keys already") });
    expect((await get(old.id)).expiresAt).toBeNull();
    expect((await rotate(old.id)).status).toBe(201);
  });
});

test.each(["expires_at", "revoked_at"])(
  "keys that have ended do not count at the cap of a rotation: %s",
  async (end) => {
    const old = await createKey();
    await env.DB.prepare(
      `INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at, ${end})
     WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     SELECT 'k' || i, 'acme', 'x', 'x', 'd' || i, '[]', 0, 1 FROM n`,
    )
      .bind(env.MAX_LIVE_KEYS)
      .run();
    expect((await rotate(old.id, { overlapSeconds: 60 })).status).toBe(201);
  },
);

describe("the successor's expiry", () => {
  const lifetime = ({ createdAt, expiresAt }: ApiKey) => Date.parse(expiresAt ?? "") - Date.parse(createdAt);

  test("is as far off as the old key's was when it was made, however near its end that is", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const target = appWith({ MAX_KEY_LIFETIME_DAYS: 90 });
    const expiresAt = new Date(Date.now() + 90 * DAY_MS).toISOString();
    const old = await createKey({ expiresAt }, { target });
    vi.setSystemTime(Date.now() + 89 * DAY_MS);
    const key = await (await rotate(old.id, undefined, { target })).json<CreatedKey>();
    expect(lifetime(key)).toBe(lifetime(old));
    vi.setSystemTime(Date.now() + 89 * DAY_MS);
    const next = await (await rotate(key.id, undefined, { target })).json<CreatedKey>();
    expect(lifetime(next)).toBe(lifetime(old));
  });

  test("is never where the old key has none", async () => {
    expect((await rotated((await createKey()).id)).expiresAt).toBeNull();
  });

  test("is what expiresAt says, also never", async () => {
    const expiresAt = new Date(Date.now() + DAY_MS).toISOString();
    const renewed = await rotated((await createKey()).id, { expiresAt });
    expect(renewed.expiresAt).toBe(expiresAt);
    expect((await rotated(renewed.id, { expiresAt: null })).expiresAt).toBeNull();
  });

  test("is an instant that can be written, also after the last of them", async () => {
    const { id } = await createKey({ expiresAt: "9999-12-31T23:59:59.999Z" });
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 60_000);
    expect((await rotated(id)).expiresAt).toBe("9999-12-31T23:59:59.999Z");
  });

  test.each(["2020-01-01T00:00:00Z", "tomorrow", 1, ""])(
    "%j is 422, and the old key goes on",
    async (expiresAt) => {
      const { id } = await createKey();
      const answer = await rotate(id, { expiresAt });
      expect(Object.keys(await brokenFields(answer))).toEqual(["expiresAt"]);
      expect((await get(id)).active).toBe(true);
      expect(await events()).toHaveLength(1);
    },
  );
});

describe("a successor must be one that could be created today:", () => {
  test("a maximum lifetime that is newer than the old key is kept", async () => {
    const target = appWith({ MAX_KEY_LIFETIME_DAYS: 30 });
    const endless = await createKey();
    const long = await createKey({ expiresAt: new Date(Date.now() + 31 * DAY_MS).toISOString() });
    for (const [id, body, message] of [
      [endless.id, undefined, "is required"],
      [
        endless.id,
        { expiresAt: new Date(Date.now() + 31 * DAY_MS).toISOString() },
        "must be at most 30 days from now",
      ],
      [long.id, {}, "must be at most 30 days from now"],
    ] as const) {
      expect(await brokenFields(await rotate(id, body, { target }))).toEqual({ expiresAt: message });
    }
    expect(
      Object.keys(await brokenFields(await rotate(endless.id, { expiresAt: null }, { target }))),
    ).toEqual(["expiresAt"]);
    const expiresAt = new Date(Date.now() + 29 * DAY_MS).toISOString();
    expect((await rotate(endless.id, { expiresAt }, { target })).status).toBe(201);
    expect((await rotate(long.id, { expiresAt }, { target })).status).toBe(201);
  });

  test("a scope that left the catalogue is refused by name, and the old key goes on", async () => {
    const { id } = await createKey({ scopes: ["jobs:read", "webhooks:manage"] });
    const target = appWith({ SCOPES: { "jobs:read": "Read" } });
    expect(await brokenFields(await rotate(id, undefined, { target }))).toEqual({
      scopes: "are no longer in the catalogue: webhooks:manage. Create another key",
    });
    expect((await get(id)).active).toBe(true);
    expect(await events()).toHaveLength(1);
  });

  test("a dead key is 409 first", async () => {
    const { id } = await createKey();
    await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
    const answer = await rotate(id, undefined, { target: appWith({ SCOPES: { other: "x" } }) });
    await expectError(answer, "CONFLICT");
  });
});

describe("a key cannot be rotated", () => {
  test("once it is revoked", async () => {
    const { id } = await createKey();
    await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
    const answer = await rotate(id);
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({
      error: "CONFLICT",
      message: "The API key is revoked or expired",
    });
  });

  test("once it has expired", async () => {
    const { id } = await createKey();
    await env.DB.prepare("UPDATE api_keys SET expires_at = 1").run();
    expect((await rotate(id)).status).toBe(409);
  });

  test("twice", async () => {
    const { id } = await createKey();
    await rotated(id, { overlapSeconds: 60 });
    expect(await (await rotate(id)).json()).toMatchObject({ message: "The API key was rotated already" });
  });

  test("by another company, which sees 404", async () => {
    const { id } = await createKey();
    expect((await rotate(id, {}, { company: "globex" })).status).toBe(404);
    expect((await get(id)).active).toBe(true);
  });

  test.each([-1, 604_801, 1.5, "60", null, {}, []])("with an overlap of %j", async (overlapSeconds) => {
    const { id } = await createKey();
    const answer = await rotate(id, { overlapSeconds });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ details: [{ field: "overlapSeconds" }] });
  });

  test("with unknown members in the body", async () => {
    const { id } = await createKey();
    const answer = await rotate(id, { label: "B", scopes: ["jobs:read"] });
    expect(await answer.json()).toMatchObject({
      status: 422,
      details: [{ field: "label" }, { field: "scopes" }],
    });
    expect((await get(id)).active).toBe(true);
  });
});
