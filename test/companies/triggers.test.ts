import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { COMPANY_COLUMNS } from "../../src/verify/store.ts";
import { createKey, manage } from "../support/api.ts";
import { setCompany } from "../support/companies.ts";
import { planOf } from "../support/statements.ts";

const run = (sql: string) => env.DB.prepare(sql).run();

async function digests(sql: string): Promise<unknown[]> {
  return (await env.DB.prepare(sql).all()).results.map(({ digest }) => digest);
}
const told = () => digests("SELECT digest FROM key_changes WHERE digest <> '' ORDER BY digest");
const keysOf = (company: string) =>
  digests(`SELECT digest FROM api_keys WHERE company_id = '${company}' ORDER BY digest`);

/** Two keys of `acme`, one of `globex`. */
async function threeKeys(): Promise<void> {
  await createKey();
  await createKey();
  await createKey({}, { company: "globex" });
}

const SUSPENDED = "INSERT INTO companies (id, suspended_at) VALUES ('acme', 1)";
const LISTED = `INSERT INTO companies (id, allowed_ips) VALUES ('acme', '["192.0.2.1"]')`;
const TIERED = "INSERT INTO companies (id, rate_tier) VALUES ('acme', 'free')";
const KNOWN = "INSERT INTO companies (id) VALUES ('acme')";

test.each([
  ["a suspension", KNOWN, "UPDATE companies SET suspended_at = 1"],
  ["the end of a suspension", SUSPENDED, "UPDATE companies SET suspended_at = NULL"],
  ["a suspension moved", SUSPENDED, "UPDATE companies SET suspended_at = 2"],
  ["an address list", KNOWN, `UPDATE companies SET allowed_ips = '["192.0.2.1"]'`],
  ["the end of an address list", LISTED, "UPDATE companies SET allowed_ips = NULL"],
  ["a rate tier", KNOWN, "UPDATE companies SET rate_tier = 'free'"],
  ["another rate tier", TIERED, "UPDATE companies SET rate_tier = 'pro'"],
  ["the end of a rate tier", TIERED, "UPDATE companies SET rate_tier = NULL"],
  ["a company with a rate tier that is new", "SELECT 1", TIERED],
  ["the deletion of a company with a rate tier", TIERED, "DELETE FROM companies"],
  ["a suspended company that is new", "SELECT 1", SUSPENDED],
  ["a company with addresses that is new", "SELECT 1", LISTED],
  ["deletion", SUSPENDED, "DELETE FROM companies"],
  ["a new id", SUSPENDED, "UPDATE companies SET id = 'other'"],
  ["replacement by id", SUSPENDED, "INSERT OR REPLACE INTO companies (id) VALUES ('acme')"],
  [
    "replacement by rowid",
    SUSPENDED,
    "INSERT OR REPLACE INTO companies (rowid, id) SELECT rowid, 'other' FROM companies",
  ],
  [
    "an upsert",
    KNOWN,
    "INSERT INTO companies (id) VALUES ('acme') ON CONFLICT DO UPDATE SET suspended_at = 1",
  ],
])("the change feed tells each key of a company of %s", async (_, before, sql) => {
  await threeKeys();
  await run(before);
  await run("DELETE FROM key_changes WHERE digest <> ''");
  await run(sql);
  expect([...new Set(await told())]).toEqual(await keysOf("acme"));
});

test.each([
  ["its id", "UPDATE OR REPLACE companies SET id = 'acme' WHERE id = 'other'"],
  [
    "its rowid",
    "UPDATE OR REPLACE companies SET rowid = (SELECT rowid FROM companies WHERE id = 'acme') WHERE id = 'other'",
  ],
])("the change feed tells each key of a company whose place another one takes by %s", async (_, sql) => {
  await threeKeys();
  await run(SUSPENDED);
  await run("INSERT INTO companies (id) VALUES ('other')");
  await run("DELETE FROM key_changes WHERE digest <> ''");
  await run(sql);
  expect([...new Set(await told())]).toEqual(await keysOf("acme"));
});

test("the change feed tells the keys of both, where a company takes another id", async () => {
  await threeKeys();
  await run(SUSPENDED);
  await run("DELETE FROM key_changes WHERE digest <> ''");
  await run("UPDATE companies SET id = 'globex'");
  expect(await told()).toEqual([...(await keysOf("acme")), ...(await keysOf("globex"))].sort());
});

test.each([
  ["a cap", () => setCompany({ maxLiveKeys: 1, maxKeyLifetimeDays: 1, scopes: [] })],
  ["a value written again", () => run("UPDATE companies SET suspended_at = suspended_at")],
  ["a suspension that is one already", () => setCompany({ suspended: true })],
  ["a change of no row", () => run("UPDATE companies SET suspended_at = 1 WHERE id = 'other'")],
])("the change feed tells no key of %s", async (_, change) => {
  await threeKeys();
  await run(SUSPENDED);
  await run("DELETE FROM key_changes WHERE digest <> ''");
  await change();
  expect(await told()).toEqual([]);
});

test("the change feed tells each key once of a company's suspension and of its end, a revoked key never", async () => {
  await threeKeys();
  const { id } = await createKey();
  const live = await keysOf(`acme' AND revoked_at IS NULL AND id <> '${id}`);
  await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
  for (const suspended of [true, false]) {
    await run("DELETE FROM key_changes WHERE digest <> ''");
    await setCompany({ suspended });
    expect(await told()).toEqual(live);
  }
});

test("the change feed tells of whatever of a company a verdict depends on, and of nothing else", async () => {
  const trigger = await env.DB.prepare(
    "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = 'companies_updated'",
  ).first<string>("sql");
  const [, list = ""] = /UPDATE OF ([a-z_, ]+) ON companies/.exec(trigger ?? "") ?? [];
  const columns = Object.values(COMPANY_COLUMNS).map((column) => column.name);
  expect(list.split(", ")).toEqual(columns);
  for (const row of ["OLD", "NEW"])
    expect(trigger).toContain(`(${columns.map((name) => `${row}.${name}`).join(", ")})`);
});

test("a company's change reads its keys that are not revoked, by an index, and no others", async () => {
  const select = "SELECT digest FROM api_keys WHERE company_id = ? AND revoked_at IS NULL";
  expect(await planOf(select)).toEqual(["SEARCH api_keys USING INDEX api_keys_live (company_id=?)"]);
  const { results } = await env.DB.prepare(
    "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'companies!_%' ESCAPE '!'",
  ).all<{ sql: string }>();
  expect(results).toHaveLength(5);
  for (const { sql } of results) expect(sql).toMatch(/company_id (=|IN).+ AND revoked_at IS NULL;/s);
});

test("the change of a company of 1,000 keys tells each of them", async () => {
  await run(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
    INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at)
    SELECT 'k' || i, 'acme', 'x', 'x', 'd' || i, '[]', 1 FROM n`);
  await setCompany({ suspended: true });
  expect(new Set(await told()).size).toBe(1_000);
});
