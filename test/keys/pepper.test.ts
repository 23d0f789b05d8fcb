import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { ApiKey } from "../../src/keys/schema.ts";
import { appWith, type CreatedKey, call, createKey, manage } from "../support/api.ts";
import { expectError, logged } from "../support/expect.ts";

const { a: retired, b: newest } = JSON.parse(env.KEY_PEPPERS);
/** The service before the newest pepper was added, and after the first one was lost. */
const before = appWith({ KEY_PEPPERS: JSON.stringify({ a: retired }) });
const withoutOld = () => appWith({ KEY_PEPPERS: JSON.stringify({ b: newest }) });
const after = withoutOld();
const LIST = "/settings/api-keys";

let old: CreatedKey;

beforeEach(async () => {
  old = await createKey({ label: "old" }, { target: before });
});

const active = async (query: string, target = after) =>
  (await (await manage(LIST + query, { target })).json<ApiKey[]>()).map(({ label }) => label);

test("a key's row names its pepper, and so does that of a successor", async () => {
  await manage(`${LIST}/${old.id}/rotate`, { method: "POST" });
  const { results } = await env.DB.prepare("SELECT generation FROM api_keys ORDER BY rowid").all();
  expect(results).toEqual([{ generation: "a" }, { generation: "b" }]);
});

describe("a key whose pepper is missing", () => {
  test("is not active, neither by itself nor in the list", async () => {
    await createKey({ label: "new" });
    expect(await (await manage(`${LIST}/${old.id}`, { target: after })).json()).toMatchObject({
      active: false,
      revokedAt: null,
      suspendedAt: null,
      metadata: {},
      expiresAt: null,
    });
    expect(await active("?active=true")).toEqual(["new"]);
    expect(await active("?active=false")).toEqual(["old"]);
    expect(await active("?active=true", appWith({}))).toEqual(["new", "old"]);
  });

  test("is refused, and the log says why, once for an isolate", async () => {
    const lines = logged();
    const isolate = withoutOld();
    for (let i = 0; i < 3; i++) {
      const answer = await call("/public/v1/key", { headers: { "X-API-Key": old.rawKey } }, isolate);
      await expectError(answer, "UNAUTHORIZED");
    }
    expect(lines.filter((line) => line.includes("pepper_missing"))).toEqual([
      '{"event":"pepper_missing","generation":"a","keys":1}',
    ]);
    expect(lines.join()).not.toContain(old.rawKey.slice(13));
  });

  test("can be rotated: its successor is good", async () => {
    const answer = await manage(`${LIST}/${old.id}/rotate`, { method: "POST", target: after });
    const { rawKey } = await answer.json<CreatedKey>();
    expect((await call("/public/v1/key", { headers: { "X-API-Key": rawKey } }, after)).status).toBe(200);
  });

  test("makes /health/ready 503 while it lives, and the log names its generation", async () => {
    const lines = logged();
    await expectError(await call("/health/ready", {}, withoutOld()), "UNAVAILABLE");
    expect(lines.join()).toContain("KEY_PEPPERS lacks generations of live keys: a");
    expect((await call("/health/ready")).status).toBe(200);
  });

  test.each(["revoked_at = 1", "expires_at = 1"])("does not once %s", async (end) => {
    await env.DB.prepare(`UPDATE api_keys SET ${end}`).run();
    expect((await call("/health/ready", {}, withoutOld())).status).toBe(200);
  });
});

describe("a new pepper, added in two steps", () => {
  const known = appWith({ KEY_GENERATION: "a" });

  test("is first known everywhere: new keys are still good where it is not known yet", async () => {
    const { rawKey, id } = await createKey({}, { target: known });
    const row = await env.DB.prepare("SELECT generation FROM api_keys WHERE id = ?").bind(id).first();
    expect(row).toEqual({ generation: "a" });
    for (const target of [before, known, appWith({})])
      expect((await call("/public/v1/key", { headers: { "X-API-Key": rawKey } }, target)).status).toBe(200);
  });

  test("is then used: new keys are good, and can be revoked, where it is known and not used yet", async () => {
    const { rawKey } = await createKey();
    for (const method of ["GET", "DELETE"]) {
      const answer = await call("/public/v1/key", { method, headers: { "X-API-Key": rawKey } }, known);
      expect(answer.ok).toBe(true);
    }
  });

  test("has to be one of those that there are", async () => {
    const lines = logged();
    await expectError(await call("/public/v1/key", {}, appWith({ KEY_GENERATION: "c" })), "INTERNAL_ERROR");
    expect(lines.join()).toContain("KEY_GENERATION");
  });
});

test("a row without a generation, made by hand, is taken for one that can be checked", async () => {
  await env.DB.prepare("UPDATE api_keys SET generation = NULL").run();
  expect(await active("?active=true")).toEqual(["old"]);
  expect((await call("/health/ready", {}, withoutOld())).status).toBe(200);
});

test("after a change of KEY_PREFIX old keys are good while their prefix is accepted", async () => {
  const renamed = { KEY_PREFIX: "acme_live" };
  const use = async (rawKey: string, accepted: unknown) =>
    (
      await call(
        "/public/v1/key",
        { headers: { "X-API-Key": rawKey } },
        appWith({ ...renamed, KEY_PREFIXES_ACCEPTED: accepted }),
      )
    ).status;
  expect(await use(old.rawKey, ["lk_live"])).toBe(200);
  expect(await use(old.rawKey, "lk_live lk_test")).toBe(200);
  expect(await use(old.rawKey, [])).toBe(401);
  const made = await createKey({}, { target: appWith({ ...renamed, KEY_PREFIXES_ACCEPTED: ["lk_live"] }) });
  expect(made.rawKey).toMatch(/^acme_live_/);
  expect(await use(made.rawKey, ["lk_live"])).toBe(200);
});

test("a label may hold no key, neither of the new prefix nor of an accepted one", async () => {
  const target = appWith({ KEY_PREFIX: "acme_live", KEY_PREFIXES_ACCEPTED: ["lk_live"] });
  const { rawKey } = await createKey({}, { target });
  for (const label of [rawKey, old.rawKey]) {
    const answer = await manage(LIST, { method: "POST", body: { label, scopes: ["jobs:read"] }, target });
    await expectError(answer, "VALIDATION_ERROR");
  }
});
