import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { dropDeadKeys } from "../../src/keys/dead.ts";
import { call, createKey, manage } from "../support/api.ts";
import { expectError } from "../support/expect.ts";
import { foreignKey, importKey } from "../support/imports.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const set = (id: string, expiresAt: number | null, revokedAt: number | null) =>
  env.DB.prepare("UPDATE api_keys SET expires_at = ?, revoked_at = ? WHERE id = ?")
    .bind(expiresAt, revokedAt, id)
    .run();
const ids = async () => (await env.DB.prepare("SELECT id FROM api_keys").all()).results.map(({ id }) => id);

test.each<[string, number | null, number | null, boolean]>([
  ["revoked before", null, 99, true],
  ["expired before", 99, null, true],
  ["revoked before it would have expired", 500, 99, true],
  ["revoked once it had expired", 99, 500, true],
  ["revoked at that moment", null, 100, false],
  ["expired at that moment", 100, null, false],
  ["alive", null, null, false],
  ["alive and expiring", 101, null, false],
])("a key that was %s: dropped is %j, %j, %j", async (_, expiresAt, revokedAt, isDropped) => {
  const { id } = await createKey();
  await set(id, expiresAt, revokedAt);
  await dropDeadKeys({ first: env.DB, d1: env.DB }, 100, 10);
  expect(await ids()).toEqual(isDropped ? [] : [id]);
});

test("the events of a dropped key stay", async () => {
  const { id } = await createKey();
  await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
  await dropDeadKeys({ first: env.DB, d1: env.DB }, Date.now() + 1_000, 10);
  expect((await manage(`/settings/api-keys/${id}`)).status).toBe(404);
  const events = await (await manage(`/settings/events?key=${id}`)).json();
  expect(events).toMatchObject([{ action: "revoke" }, { action: "create" }]);
});

test("the place of a dropped key that was imported goes with it", async () => {
  const key = foreignKey();
  await set(await importKey(key), null, 99);
  await dropDeadKeys({ first: env.DB, d1: env.DB }, 100, 10);
  expect(await env.DB.prepare("SELECT count(*) AS n FROM imported_keys").first("n")).toBe(0);
  await expectError(await call("/public/v1/key", { headers: { "X-API-Key": key } }), "UNAUTHORIZED");
});

test("a piece is those that are dead for longest, and says how many they were", async () => {
  const keys = [await createKey(), await createKey(), await createKey()];
  for (const [i, { id }] of keys.entries()) await set(id, null, 10 - i);
  expect(await dropDeadKeys({ first: env.DB, d1: env.DB }, 100, 2)).toBe(2);
  expect(await ids()).toEqual([keys[0]?.id]);
  expect(await dropDeadKeys({ first: env.DB, d1: env.DB }, 100, 2)).toBe(1);
  expect(await dropDeadKeys({ first: env.DB, d1: env.DB }, 100, 2)).toBe(0);
});

test("dropping keys reads those that it drops, and no others", async () => {
  const plan = (column: string, range: string) => [
    "SEARCH api_keys USING COVERING INDEX sqlite_autoindex_api_keys_1 (id=?)",
    "LIST SUBQUERY 1",
    `SEARCH api_keys USING ${range} (${column}<?)`,
  ];
  const statements = await statementsOf((db) => dropDeadKeys({ first: db, d1: db }, 1, 10));
  expect(await Promise.all(statements.map(planOf))).toEqual([
    plan("revoked_at", "INDEX api_keys_revoked"),
    plan("expires_at", "COVERING INDEX api_keys_expired"),
  ]);
});
