import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { dropChanges, VERDICT_COLUMNS } from "../../src/verify/store.ts";
import { createKey, manage } from "../support/api.ts";

/** The digests that the change feed tells of, the first row left out. */
async function changes(): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "SELECT digest FROM key_changes WHERE digest <> '' ORDER BY seq",
  ).all<{
    digest: string;
  }>();
  return results.map((row) => row.digest);
}

const run = (sql: string) => env.DB.prepare(sql).run();
const digest = () => env.DB.prepare("SELECT digest FROM api_keys").first<string>("digest");

async function digests(): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT digest FROM api_keys ORDER BY created_at, rowid").all<{
    digest: string;
  }>();
  return results.map((row) => row.digest);
}

const COPY =
  "SELECT id, company_id, label, key_prefix, digest, scopes, created_at, expires_at, revoked_at, last_used_at";
const COLUMNS =
  "(id, company_id, label, key_prefix, digest, scopes, created_at, expires_at, revoked_at, last_used_at)";

test.each([
  ["revocation", "UPDATE api_keys SET revoked_at = 1"],
  ["revival by hand", "UPDATE api_keys SET revoked_at = NULL, expires_at = 5"],
  ["an expiry set", "UPDATE api_keys SET expires_at = 1"],
  ["a suspension", "UPDATE api_keys SET suspended_at = 1"],
  ["an address list", `UPDATE api_keys SET allowed_ips = '["192.0.2.1"]'`],
  ["metadata", `UPDATE api_keys SET metadata = '{"a":"b"}'`],
  ["scopes changed by hand", "UPDATE api_keys SET scopes = '[]'"],
  ["a new digest", "UPDATE api_keys SET digest = 'other'"],
  ["a move to another company", "UPDATE api_keys SET company_id = 'globex'"],
  ["another id", "UPDATE api_keys SET id = 'other'"],
  ["deletion", "DELETE FROM api_keys"],
  [
    "replacement by id",
    `INSERT OR REPLACE INTO api_keys ${COLUMNS} ${COPY.replace(" digest", " 'other'")} FROM api_keys`,
  ],
  [
    "replacement by digest",
    `INSERT OR REPLACE INTO api_keys ${COLUMNS} ${COPY.replace("SELECT id", "SELECT 'other'")} FROM api_keys`,
  ],
  [
    "an upsert",
    `INSERT INTO api_keys ${COLUMNS} ${COPY} FROM api_keys WHERE true ON CONFLICT DO UPDATE SET revoked_at = 1`,
  ],
])("the change feed tells of %s", async (_, sql) => {
  await createKey();
  const before = await digest();
  await run(sql);
  expect(await changes()).toContain(before);
});

test.each([
  ["an insertion", "id", "'other'", "INSERT"],
  ["an insertion", "digest", "'other'", "INSERT"],
  ["an insertion", "replaces_id", "'other'", "INSERT"],
  ["an insertion", "rowid", "7", "INSERT"],
  ["an update", "id", "'other'", "UPDATE"],
  ["an update", "digest", "'other'", "UPDATE"],
  ["an update", "replaces_id", "'other'", "UPDATE"],
  ["an update", "rowid", "7", "UPDATE"],
])("the change feed tells of a key that %s replaces as it has the same %s", async (_, column, value, way) => {
  await createKey();
  await createKey();
  const [replaced, other] = await digests();
  await run(`UPDATE api_keys SET ${column} = ${value} WHERE digest = '${replaced}'`);
  const gone = column === "digest" ? "other" : replaced;
  await run("DELETE FROM key_changes WHERE digest <> ''");
  const columns = [
    "rowid",
    "id",
    "company_id",
    "label",
    "key_prefix",
    "digest",
    "scopes",
    "created_at",
    "replaces_id",
  ];
  const values = ["9", "'new'", "'acme'", "'x'", "'x'", "'new'", "'[]'", "1", "NULL"];
  values[columns.indexOf(column)] = value;
  if (way === "UPDATE")
    await run(`UPDATE OR REPLACE api_keys SET ${column} = ${value} WHERE digest = '${other}'`);
  else await run(`INSERT OR REPLACE INTO api_keys (${columns}) VALUES (${values})`);
  expect(await digests()).not.toContain(column === "digest" ? replaced : gone);
  expect(await digests()).toHaveLength(way === "UPDATE" ? 1 : 2);
  expect(await changes()).toContain(gone);
});

test("the change feed tells of whatever a verdict depends on, and of nothing else", async () => {
  const trigger = await env.DB.prepare(
    "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = 'api_keys_updated'",
  ).first<string>("sql");
  const [, list = ""] = /UPDATE OF ([a-z_, ]+) ON api_keys/.exec(trigger ?? "") ?? [];
  const told = ["digest", ...Object.values(VERDICT_COLUMNS).map((column) => column.name)].toSorted();
  expect(list.split(", ").toSorted()).toEqual(told);
  for (const row of ["OLD", "NEW"]) {
    const compared = [
      ...((trigger ?? "").split("BEGIN")[0]?.matchAll(new RegExp(`${row}\\.([a-z_]+)`, "g")) ?? []),
    ];
    expect(compared.map(([, column]) => column).toSorted()).toEqual(told);
  }
});

test.each([
  ["expiry moved", "UPDATE api_keys SET expires_at = 2"],
  ["expiry taken away", "UPDATE api_keys SET expires_at = NULL"],
  ["revival", "UPDATE api_keys SET revoked_at = NULL"],
  ["revocation moved", "UPDATE api_keys SET revoked_at = 2"],
  ["suspension turned back", "UPDATE api_keys SET suspended_at = NULL"],
])("the change feed tells of %s", async (_, sql) => {
  await createKey();
  await run("UPDATE api_keys SET expires_at = 1, revoked_at = 1, suspended_at = 1");
  await run(sql);
  expect(await changes()).toEqual([await digest(), await digest()]);
});

test.each([
  ["a new label", "UPDATE api_keys SET label = 'other'"],
  ["a use", "UPDATE api_keys SET last_used_at = 1"],
  [
    "a value written again",
    "UPDATE api_keys SET scopes = scopes, expires_at = expires_at, revoked_at = NULL",
  ],
  ["a change of no row", "UPDATE api_keys SET revoked_at = 1 WHERE id = 'other'"],
])("the change feed does not tell of %s", async (_, sql) => {
  await createKey();
  await run(sql);
  expect(await changes()).toEqual([]);
});

test("the change feed tells of a revocation through the API, once", async () => {
  const { id } = await createKey();
  await manage(`/settings/api-keys/${id}`, { method: "PATCH", body: { label: "New" } });
  await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
  await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
  expect(await changes()).toEqual([await digest()]);
});

test("a statement that changes many keys tells of each", async () => {
  await createKey();
  await createKey();
  await run("UPDATE api_keys SET revoked_at = 1");
  expect(new Set(await changes()).size).toBe(2);
});

test("a change that is rolled back is not told of", async () => {
  await createKey();
  const batch = async () => {
    await env.DB.batch([
      env.DB.prepare("UPDATE api_keys SET revoked_at = 1"),
      env.DB.prepare("INSERT INTO key_changes (digest) VALUES (NULL)"),
    ]);
  };
  await expect(batch()).rejects.toThrow();
  expect(await changes()).toEqual([]);
});

async function seqs(): Promise<number[]> {
  const { results } = await env.DB.prepare("SELECT seq FROM key_changes ORDER BY seq").all<{ seq: number }>();
  return results.map((row) => row.seq);
}

async function replaceChanges(...times: number[]): Promise<void> {
  await run("DELETE FROM key_changes");
  const insert = env.DB.prepare("INSERT INTO key_changes (seq, digest, changed_at) VALUES (?, 'd', ?)");
  await env.DB.batch(times.map((time, i) => insert.bind(i + 1, time)));
}

test("trimming drops the old changes but the newest of them", async () => {
  await replaceChanges(10, 20, 30, 40, 50);
  expect(await dropChanges(env.DB, 40, 100)).toBe(2);
  expect(await seqs()).toEqual([3, 4, 5]);
});

test("trimming drops no more changes at once than it may, the oldest first", async () => {
  await replaceChanges(10, 20, 30, 40, 50);
  expect(await dropChanges(env.DB, 50, 2)).toBe(2);
  expect(await seqs()).toEqual([3, 4, 5]);
  expect(await dropChanges(env.DB, 50, 2)).toBe(1);
  expect(await seqs()).toEqual([4, 5]);
});

test.each([
  ["all changes are old", 1_000, [5]],
  ["no change is old", 10, [1, 2, 3, 4, 5]],
  ["one change is old", 11, [1, 2, 3, 4, 5]],
])("trimming never empties the feed: %s", async (_, before, left) => {
  await replaceChanges(10, 20, 30, 40, 50);
  await dropChanges(env.DB, before, 100);
  expect(await seqs()).toEqual(left);
});

test("a change after a trim gets a number that was never used", async () => {
  await createKey();
  await run("UPDATE api_keys SET revoked_at = 1");
  const [last = 0] = (await seqs()).toReversed();
  await dropChanges(env.DB, Date.now() + 86_400_000, 100);
  await run("DELETE FROM key_changes");
  await run("UPDATE api_keys SET revoked_at = 2");
  expect(await seqs()).toEqual([last + 1]);
});
