import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import type { ApiKey } from "../../src/keys/schema.ts";
import { appWith, call, createKey, manage } from "../support/api.ts";
import { brokenFields, expectError, stored } from "../support/expect.ts";

const NOBODY = "6f1ff3f4-0000-4000-8000-000000000000";
const pathOf = (key: { id: string }) => `/settings/api-keys/${key.id}`;
const patch = (key: { id: string }, body: unknown) => manage(pathOf(key), { method: "PATCH", body });
const revoke = (key: { id: string }) => manage(pathOf(key), { method: "DELETE" });
const get = async (key: { id: string }) => (await manage(pathOf(key))).json<ApiKey>();

describe("GET /settings/api-keys/{id}", () => {
  test("shows the key as its creation showed it, without rawKey", async () => {
    const { rawKey: _, ...key } = await createKey({ expiresAt: "2999-01-01T00:00:00Z" });
    expect(await get(key)).toEqual(key);
  });

  test("shows when a key was last used", async () => {
    const key = await createKey();
    const at = Date.UTC(2026, 0, 1);
    await env.DB.prepare("UPDATE api_keys SET last_used_at = ?").bind(at).run();
    expect((await get(key)).lastUsedAt).toBe("2026-01-01T00:00:00.000Z");
  });

  test("of an id that is not there is 404", async () => {
    const { message } = await expectError(await manage(pathOf({ id: NOBODY })), "NOT_FOUND");
    expect(message).toBe("No such API key");
  });
});

describe("PATCH /settings/api-keys/{id}", () => {
  test("changes the label and nothing else", async () => {
    const { rawKey: _, ...key } = await createKey({ expiresAt: "2999-01-01T00:00:00Z" });
    const answer = await patch(key, { label: "New label" });
    expect(await answer.json()).toEqual({ ...key, label: "New label" });
    expect(await get(key)).toEqual({ ...key, label: "New label" });
  });

  test("leaves the key good", async () => {
    const key = await createKey();
    await patch(key, { label: "New label" });
    expect((await call("/public/v1/key", { headers: { "X-API-Key": key.rawKey } })).status).toBe(200);
  });

  test("with {} changes nothing and answers 200 with the key", async () => {
    const { rawKey: _, ...key } = await createKey();
    const before = await stored();
    const answer = await patch(key, {});
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(key);
    expect(await stored()).toEqual(before);
  });

  test("with the label it has changes nothing and answers 200", async () => {
    const key = await createKey({ label: "Same" });
    const before = await stored();
    expect((await patch(key, { label: "Same" })).status).toBe(200);
    expect(await stored()).toEqual(before);
  });

  test.each<[unknown]>([[["jobs:write"]], [["jobs:read"]], [[]], [null], ["jobs:read"]])(
    "with scopes %j is 422 and says that they are immutable",
    async (scopes) => {
      const key = await createKey();
      const before = await stored();
      expect(await brokenFields(await patch(key, { label: "New label", scopes }))).toEqual({
        scopes: "scopes are immutable: revoke this key and create another",
      });
      expect(await stored()).toEqual(before);
    },
  );

  test("that is refused leaves no part of itself behind", async () => {
    const key = await createKey();
    const before = await stored();
    const answer = await patch(key, {
      label: "Good label",
      scopes: ["jobs:write"],
      expiresAt: null,
      id: NOBODY,
    });
    expect(Object.keys(await brokenFields(answer)).sort()).toEqual(["expiresAt", "id", "scopes"]);
    expect(await stored()).toEqual(before);
  });

  test("of a revoked key is 409, whoever asks, and keeps its label", async () => {
    const key = await createKey({ label: "Old" });
    await revoke(key);
    const before = await stored();
    const { message } = await expectError(await patch(key, { label: "New" }), "CONFLICT");
    expect(message).toBe("The API key has been revoked");
    expect(await stored()).toEqual(before);
  });

  test("of an expired key renames it and does not revive it", async () => {
    const key = await createKey();
    await env.DB.prepare("UPDATE api_keys SET expires_at = 1").run();
    expect(await (await patch(key, { label: "New" })).json()).toMatchObject({ label: "New", active: false });
  });

  test.each([{}, { label: "x" }])("of an id that is not there is 404: %j", async (body) => {
    await expectError(await patch({ id: NOBODY }, body), "NOT_FOUND");
  });
});

describe("DELETE /settings/api-keys/{id}", () => {
  test("is 204 without a body; the key stays, revoked and inactive", async () => {
    const { rawKey: _, ...key } = await createKey();
    const before = Date.now();
    const answer = await revoke(key);
    expect(answer.status).toBe(204);
    expect(await answer.text()).toBe("");
    const now = await get(key);
    expect(now).toEqual({ ...key, revokedAt: now.revokedAt, active: false });
    expect(Date.parse(now.revokedAt ?? "")).toBeGreaterThanOrEqual(before);
    expect(Date.parse(now.revokedAt ?? "")).toBeLessThanOrEqual(Date.now());
  });

  test("a second time is 204 as well and moves nothing", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const target = appWith({});
    const key = await createKey({}, { target });
    await manage(pathOf(key), { method: "DELETE", target });
    const before = await stored();
    vi.setSystemTime(Date.now() + 60_000);
    expect((await manage(pathOf(key), { method: "DELETE", target })).status).toBe(204);
    expect(await stored()).toEqual(before);
  });

  test("is seen by the next list and the next read", async () => {
    const key = await createKey();
    await revoke(key);
    expect((await get(key)).active).toBe(false);
    expect(await (await manage("/settings/api-keys?active=true")).json()).toEqual([]);
    expect(await (await manage("/settings/api-keys?active=false")).json()).toMatchObject([{ id: key.id }]);
  });

  test("revokes one key and no other", async () => {
    const [first, second] = [await createKey(), await createKey()];
    await revoke(first);
    expect((await get(second)).active).toBe(true);
  });

  test("of an id that is not there is 404", async () => {
    await expectError(await revoke({ id: NOBODY }), "NOT_FOUND");
  });
});

describe("under concurrent PATCH and DELETE", () => {
  test("a revocation wins for good, and nothing is 5xx", async () => {
    const key = await createKey();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i === 10 ? revoke(key) : patch(key, { label: `label ${i}` }))),
    );
    expect(new Set(answers.map((answer) => answer.status)).difference(new Set([200, 204, 409])).size).toBe(0);
    const now = await get(key);
    expect(now.active).toBe(false);
    expect((await patch(key, { label: "later" })).status).toBe(409);
    expect(await get(key)).toEqual(now);
  });

  test("many revocations are one", async () => {
    const key = await createKey();
    const answers = await Promise.all(Array.from({ length: 10 }, () => revoke(key)));
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(204));
    const { audit_events, key_changes } = await stored();
    expect(audit_events).toHaveLength(2);
    expect(key_changes).toHaveLength(2);
  });

  test("the last of many renames is the label, and each one that took effect was recorded", async () => {
    const key = await createKey();
    await Promise.all(Array.from({ length: 10 }, (_, i) => patch(key, { label: `label ${i}` })));
    expect((await get(key)).label).toMatch(/^label \d$/);
    expect((await stored()).audit_events).toHaveLength(11);
  });
});
