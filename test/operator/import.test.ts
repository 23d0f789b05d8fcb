import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ShownEvent } from "../../src/audit/schema.ts";
import type { ApiKey } from "../../src/keys/schema.ts";
import { appWith, call, createKey, manage, operate, type Target } from "../support/api.ts";
import { expectError, logged, stored } from "../support/expect.ts";
import { entryOf, foreignKey, imported, importKey } from "../support/imports.ts";
import { reporter } from "../support/report.ts";

const PEPPERS: Record<string, string> = JSON.parse(env.KEY_PEPPERS);

const present = (rawKey: string, target?: Target) =>
  call("/public/v1/key", { headers: { "X-API-Key": rawKey } }, target);
const post = (path: string, body?: unknown, target?: Target) =>
  operate(`/operator/${path}`, {
    method: "POST",
    ...(body !== undefined && { body }),
    ...(target && { target }),
  });
const keysOf = async (company = "acme") => (await manage("/settings/api-keys", { company })).json<ApiKey[]>();

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

describe("a key that was made elsewhere", () => {
  test("works as it is once it was imported, and as a key of its company", async () => {
    const key = foreignKey();
    await expectError(await present(key), "UNAUTHORIZED");
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const changes = {
      label: "Careers",
      createdAt: "2024-01-31T09:00:00+01:00",
      expiresAt,
      metadata: { team: "careers" },
      allowedIps: ["192.0.2.1"],
    };
    const id = await importKey(key, changes);
    await expectError(await present(key), "FORBIDDEN");
    const headers = { "X-API-Key": key, "CF-Connecting-IP": "192.0.2.1" };
    expect(await (await call("/public/v1/key", { headers })).json()).toEqual({
      id,
      companyId: "acme",
      scopes: ["jobs:read"],
      expiresAt,
      metadata: { team: "careers" },
    });
    expect(await keysOf()).toEqual([
      {
        id,
        keyPrefix: key.slice(0, 8),
        label: "Careers",
        scopes: ["jobs:read"],
        createdAt: "2024-01-31T08:00:00.000Z",
        expiresAt,
        revokedAt: null,
        suspendedAt: null,
        lastUsedAt: null,
        replaces: null,
        createdBy: null,
        allowedIps: ["192.0.2.1"],
        metadata: { team: "careers" },
        active: true,
      },
    ]);
    expect(await keysOf("globex")).toEqual([]);
  });

  test.each<[string, (hash: Uint8Array) => string]>([
    ["hex", (hash) => hash.toHex()],
    ["hex in capitals", (hash) => hash.toHex().toUpperCase()],
    [
      "base64url without padding, as better-auth has it",
      (hash) => hash.toBase64({ alphabet: "base64url", omitPadding: true }),
    ],
    ["base64url with padding", (hash) => hash.toBase64({ alphabet: "base64url" })],
  ])("moves in by its SHA-256 alone, in %s", async (_, write) => {
    const key = foreignKey();
    const [outcome] = await imported([{ ...entryOf(key), key: undefined, sha256: write(await sha256(key)) }]);
    expect(outcome?.status).toBe("created");
    expect((await present(key)).status).toBe(200);
  });

  test("works as a bearer token too, where one is looked for", async () => {
    const key = foreignKey();
    await importKey(key);
    const answer = await call("/public/v1/key", { headers: { Authorization: `Bearer ${key}` } });
    expect(answer.status).toBe(200);
  });

  test("is in the audit log as made by the operator, whom the company is not told", async () => {
    const id = await importKey(foreignKey());
    const [event] = await (await manage("/settings/events")).json<ShownEvent[]>();
    expect(event).toMatchObject({
      action: "create",
      keyId: id,
      actor: { issuer: "latchkey", subject: "operator" },
      detail: { reason: "imported" },
    });
    const [own] = await (await operate("/operator/events")).json<ShownEvent[]>();
    expect(own).toMatchObject({ actor: { subject: "olga" }, isOperator: true });
  });

  test("is nowhere in the database, nor is its hash, nor in the log", async () => {
    const lines = logged();
    const key = foreignKey();
    await importKey(key);
    await manage(`/settings/api-keys/${(await keysOf())[0]?.id}/suspend`, { method: "POST" });
    await present(key);
    const hash = await sha256(key);
    const rows = await env.DB.prepare("SELECT * FROM imported_keys").all();
    const everything = JSON.stringify([await stored(), rows.results, lines]);
    for (const secret of [key, hash.toHex(), hash.toBase64({ alphabet: "base64url", omitPadding: true })])
      expect(everything).not.toContain(secret);
    expect(lines.find((line) => line.includes("key_refused"))).not.toContain("old_");
  });
});

describe("once it has moved in, a key", () => {
  test("is revoked, suspended and resumed like any other, by its company and by the operator", async () => {
    const key = foreignKey();
    const id = await importKey(key);
    for (const [act, error] of [
      ["suspend", "KEY_SUSPENDED"],
      ["revoke", "KEY_REVOKED"],
    ] as const) {
      expect((await present(key)).status).toBe(200);
      await post(`keys/${id}/${act}`);
      await expectError(await present(key), error);
      if (act === "suspend") await manage(`/settings/api-keys/${id}/resume`, { method: "POST" });
    }
  });

  test("expires", async () => {
    const key = foreignKey();
    await importKey(key, { expiresAt: new Date(Date.now() + 60_000).toISOString() });
    await env.DB.prepare("UPDATE api_keys SET expires_at = 1").run();
    await expectError(await present(key), "TOKEN_EXPIRED");
  });

  test("is revoked by its holder", async () => {
    const key = foreignKey();
    await importKey(key);
    const headers = { "X-API-Key": key };
    expect((await call("/public/v1/key", { method: "DELETE", headers })).status).toBe(204);
    await expectError(await present(key), "KEY_REVOKED");
  });

  test("is rotated to a key of this service", async () => {
    const key = foreignKey();
    const id = await importKey(key);
    const answer = await manage(`/settings/api-keys/${id}/rotate`, { method: "POST" });
    const { rawKey, replaces, scopes } = await answer.json<{ rawKey: string } & ApiKey>();
    expect({ replaces, scopes }).toEqual({ replaces: id, scopes: ["jobs:read"] });
    expect(rawKey).toMatch(/^lk_live_/);
    expect((await present(rawKey)).status).toBe(200);
    await expectError(await present(key), "TOKEN_EXPIRED");
  });

  test("is refused while its company is suspended, which may move in all the same", async () => {
    const key = foreignKey();
    await operate("/operator/companies/acme", { method: "PATCH", body: { suspended: true } });
    await importKey(key);
    await expectError(await present(key), "KEY_SUSPENDED");
    await operate("/operator/companies/acme", { method: "PATCH", body: { suspended: false } });
    expect((await present(key, appWith({}))).status).toBe(200);
  });

  test("is revoked where somebody finds it in public, and is not written down again", async () => {
    const key = foreignKey();
    await importKey(key);
    const { report } = await reporter();
    const matchOf = (token: string) => ({ token, type: "old_key", url: `https://x.example/${token}` });
    const answer = await report([matchOf(key), matchOf(foreignKey())]);
    const feedback = await answer.json<{ label: string }[]>();
    expect(feedback.map(({ label }) => label)).toEqual(["true_positive", "false_positive"]);
    await expectError(await present(key), "KEY_REVOKED");
    expect(JSON.stringify(await stored())).not.toContain(key);
  });

  test("is found by the key itself", async () => {
    const key = foreignKey();
    const id = await importKey(key);
    expect(await (await post("keys/identify", { key })).json()).toMatchObject({ id, companyId: "acme" });
    await expectError(await post("keys/identify", { key: foreignKey() }), "NOT_FOUND");
  });

  test("is counted under the pepper that it was stored with, and works after another one came", async () => {
    const key = foreignKey();
    const { a = "", b = "" } = PEPPERS;
    const old = appWith({ KEY_PEPPERS: JSON.stringify({ a }) });
    expect(await imported([entryOf(key)], old)).toMatchObject([{ status: "created" }]);
    const [row] = await (await operate("/operator/keys?generation=a")).json<ApiKey[]>();
    expect((await present(key)).status).toBe(200);
    expect(await imported([entryOf(key)])).toMatchObject([{ status: "exists", id: row?.id }]);
    await expectError(await present(key, appWith({ KEY_PEPPERS: JSON.stringify({ b }) })), "UNAUTHORIZED");
  });
});

describe("an import", () => {
  test("tells of each entry by itself", async () => {
    const [good, other] = [foreignKey(), foreignKey()];
    await importKey(good);
    const outcomes = await imported([
      entryOf(other),
      entryOf(good),
      entryOf(foreignKey(), { scopes: ["none"] }),
      null,
      entryOf(other),
    ]);
    const id = outcomes[0]?.id;
    expect(outcomes).toEqual([
      { index: 0, status: "created", id: expect.any(String), error: null, message: null },
      { index: 1, status: "exists", id: expect.any(String), error: null, message: null },
      {
        index: 2,
        status: "refused",
        id: null,
        error: "VALIDATION_ERROR",
        message: "scopes: must be scopes of the catalogue, as far as the company may have them",
      },
      {
        index: 3,
        status: "refused",
        id: null,
        error: "VALIDATION_ERROR",
        message: "body: must be a JSON object",
      },
      { index: 4, status: "exists", id, error: null, message: null },
    ]);
  });

  test("that is repeated changes nothing, whatever else it says", async () => {
    const key = foreignKey();
    const id = await importKey(key);
    const before = await stored();
    const again = [entryOf(key), entryOf(key, { label: "Other", scopes: ["jobs:write"] })];
    for (const outcome of await imported(again)) expect(outcome).toMatchObject({ status: "exists", id });
    expect(await stored()).toEqual(before);
  });

  test("does not revive a key that was revoked", async () => {
    const key = foreignKey();
    const id = await importKey(key);
    await post(`keys/${id}/revoke`);
    expect(await imported([entryOf(key)])).toMatchObject([{ status: "exists", id }]);
    await expectError(await present(key), "KEY_REVOKED");
  });

  test("that comes several times at once makes each key once", async () => {
    const entries = Array.from({ length: 20 }, () => entryOf(foreignKey()));
    const all = await Promise.all(Array.from({ length: 5 }, () => imported(entries)));
    expect(all.flat().filter(({ status }) => status === "created")).toHaveLength(20);
    expect(new Set(all.flat().map(({ id }) => id)).size).toBe(20);
    const { api_keys, audit_events } = await stored();
    expect([api_keys?.length, audit_events?.length]).toEqual([20, 20]);
  });

  test("of 500 keys of many companies is one call", async () => {
    const keys = Array.from({ length: 500 }, foreignKey);
    const outcomes = await imported(keys.map((key, i) => entryOf(key, { companyId: `company-${i % 90}` })));
    expect(outcomes.every(({ status }) => status === "created")).toBe(true);
    for (const i of [0, 123, 499]) {
      const { companyId } = await (await present(keys[i] ?? "")).json<{ companyId: string }>();
      expect(companyId).toBe(`company-${i % 90}`);
    }
    const tooMany = { keys: Array.from({ length: 501 }, () => ({})) };
    await expectError(await post("keys/import", tooMany), "VALIDATION_ERROR");
  });

  test("leaves a key with the company that has it", async () => {
    const key = foreignKey();
    await importKey(key);
    const [outcome] = await imported([entryOf(key, { companyId: "globex" })]);
    expect(outcome).toMatchObject({ status: "refused", id: null, error: "CONFLICT" });
    expect(await (await present(key)).json()).toMatchObject({ companyId: "acme" });
    const both = foreignKey();
    expect(await imported([entryOf(both), entryOf(both, { companyId: "globex" })])).toMatchObject([
      { status: "created" },
      { status: "refused", error: "CONFLICT" },
    ]);
  });

  test("keeps each company below its cap, and tells which entries it has no room for", async () => {
    await createKey();
    await operate("/operator/companies/acme", { method: "PATCH", body: { maxLiveKeys: 3 } });
    const keys = Array.from({ length: 4 }, foreignKey);
    const other = foreignKey();
    const entries = [...keys.map((key) => entryOf(key)), entryOf(other, { companyId: "globex" })];
    const outcomes = await imported(entries);
    expect(outcomes.map(({ status }) => status)).toEqual([
      "created",
      "created",
      "refused",
      "refused",
      "created",
    ]);
    expect(outcomes[3]).toMatchObject({
      error: "CONFLICT",
      message: "The company has 3 live keys already: revoke one first",
    });
    await expectError(await present(keys[3] ?? ""), "UNAUTHORIZED");
    // Those that are there already need no room.
    expect((await imported(entries)).map(({ status }) => status)).toEqual([
      "exists",
      "exists",
      "refused",
      "refused",
      "exists",
    ]);
    await operate("/operator/companies/acme", { method: "PATCH", body: { maxLiveKeys: 10 } });
    expect((await imported(entries))[3]).toMatchObject({ status: "created" });
  });

  test("keeps the company's policy", async () => {
    await operate("/operator/companies/acme", {
      method: "PATCH",
      body: { scopes: ["jobs:read"], maxKeyLifetimeDays: 1 },
    });
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const outcomes = await imported([
      entryOf(foreignKey(), { expiresAt }),
      entryOf(foreignKey(), { expiresAt, scopes: ["jobs:write"] }),
      entryOf(foreignKey()),
      entryOf(foreignKey(), { expiresAt: "2999-01-01T00:00:00Z" }),
    ]);
    expect(outcomes.map(({ message }) => message)).toEqual([
      null,
      expect.stringMatching(/^scopes: /),
      "expiresAt: is required",
      "expiresAt: must be at most 1 days from now",
    ]);
  });

  const BCRYPT = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
  const SLOW = /^sha256: is a salted, slow hash/;
  const key = "old_0123456789012345678901234567890123456789";

  test.each<[string, Record<string, unknown>, string | RegExp]>([
    ["no company", { companyId: undefined }, "companyId: is required"],
    ["a blank company", { companyId: " " }, "companyId: must not be blank"],
    ["a company of 256 characters", { companyId: "x".repeat(256) }, /^companyId: must have at most 255/],
    ["no label", { label: undefined }, "label: is required"],
    ["a key for a label", { label: `use ${key}` }, "label: must not hold an API key"],
    ["no scopes", { scopes: [] }, "scopes: must not be empty"],
    ["a scope twice", { scopes: ["jobs:read", "jobs:read"] }, "scopes: must not repeat a scope"],
    ["an end in the past", { expiresAt: "2020-01-01T00:00:00Z" }, "expiresAt: must be in the future"],
    ["an end that is no time", { expiresAt: "soon" }, /^expiresAt: must be an RFC 3339/],
    ["a beginning in the future", { createdAt: "2999-01-01T00:00:00Z" }, /^createdAt: must be in the past/],
    ["no prefix", { keyPrefix: undefined }, "keyPrefix: is required"],
    ["another prefix", { keyPrefix: "new_" }, /^keyPrefix: must be what the key begins with/],
    ["a prefix that tells too much", { keyPrefix: key.slice(0, 30) }, /leave at least 16 characters/],
    ["a prefix with a space", { keyPrefix: "old _" }, /^keyPrefix: must be printable ASCII/],
    ["neither key nor hash", { key: undefined }, "key: give either key or sha256"],
    ["both", { sha256: "0".repeat(64) }, "key: give either key or sha256"],
    ["a short key", { key: "old_1" }, "key: must have 20 to 200 characters"],
    ["a long key", { key: `old_${"1".repeat(200)}` }, "key: must have 20 to 200 characters"],
    ["a key of another form", { key: `new_${"1".repeat(40)}` }, /^key: does not fit IMPORTED_KEY_PATTERN/],
    ["a bcrypt hash", { key: undefined, sha256: BCRYPT }, SLOW],
    ["an argon2 hash", { key: undefined, sha256: "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA" }, SLOW],
    ["a hash of another length", { key: undefined, sha256: "0".repeat(40) }, /^sha256: must be a SHA-256/],
    [
      "a hash with bits to spare",
      { key: undefined, sha256: `${"0".repeat(42)}1` },
      /^sha256: must be a SHA-256/,
    ],
    ["a hash that is none", { key: undefined, sha256: "x" }, /^sha256: must be a SHA-256/],
    ["an unknown member", { owner: "ada" }, "owner: unknown field"],
  ])("refuses an entry with %s, and tells why without the key", async (_, changes, message) => {
    const before = await stored();
    const [outcome] = await imported([entryOf(key, changes)]);
    expect(outcome).toEqual({
      index: 0,
      status: "refused",
      id: null,
      error: "VALIDATION_ERROR",
      message: typeof message === "string" ? message : expect.stringMatching(message),
    });
    expect(outcome?.message).not.toContain(key.slice(8));
    expect(await stored()).toEqual(before);
  });

  test("refuses keys of this service", async () => {
    const { rawKey } = await createKey();
    const target = appWith({ IMPORTED_KEY_PATTERN: "lk_live_[0-9A-Za-z]+" });
    const [outcome] = await imported([entryOf(rawKey)], target);
    expect(outcome?.message).toMatch(/is a key of this service/);
    expect((await present(rawKey, target)).status).toBe(200);
  });

  test("takes keys that begin as those of this service do, where they have another form", async () => {
    const target = appWith({ IMPORTED_KEY_PATTERN: "lk_live_[0-9A-Za-z]{32}" });
    const key = `lk_live_${foreignKey().slice(4, 36)}`;
    expect(await imported([entryOf(key, { keyPrefix: "lk_live_" })], target)).toMatchObject([
      { status: "created" },
    ]);
    expect((await present(key, target)).status).toBe(200);
  });
});

describe("IMPORTED_KEY_PATTERN", () => {
  test("that is empty looks for no keys but those of this service", async () => {
    const key = foreignKey();
    await importKey(key);
    const off = appWith({ IMPORTED_KEY_PATTERN: "" });
    await expectError(await present(key, off), "UNAUTHORIZED");
    const answer = await post("keys/import", { keys: [entryOf(foreignKey())] }, off);
    expect((await expectError(answer, "CONFLICT")).message).toMatch(/^IMPORTED_KEY_PATTERN is empty/);
  });

  test("that is wrong closes imports and imported keys, and no key of this service", async () => {
    const { rawKey } = await createKey();
    const key = foreignKey();
    await importKey(key);
    const lines = logged();
    const wrong = appWith({ IMPORTED_KEY_PATTERN: "(a+)+" });
    expect((await present(rawKey, wrong)).status).toBe(200);
    const beside = { "X-API-Key": rawKey, Authorization: `Bearer ${foreignKey()}` };
    expect((await call("/public/v1/key", { headers: beside }, wrong)).status).toBe(200);
    await expectError(await call("/public/v1/key", {}, wrong), "UNAUTHORIZED");
    await expectError(await present(key, wrong), "INTERNAL_ERROR");
    await expectError(await post("keys/import", { keys: [entryOf(key)] }, wrong), "INTERNAL_ERROR");
    await expectError(await call("/health/ready", {}, wrong), "UNAVAILABLE");
    const faults = lines.filter((line) => !line.includes("unknown_keys_refused"));
    for (const line of faults) expect(line).toContain("IMPORTED_KEY_PATTERN: must have no groups");
  });
});
