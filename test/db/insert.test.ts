import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { expect, test } from "vitest";
import { selectInto } from "../../src/db/insert.ts";
import { apiKeys } from "../../src/db/tables.ts";

test("each value goes to the column of its name, in whatever order both are given", async () => {
  await env.DB.prepare("CREATE TABLE things (a TEXT, b INTEGER, c TEXT)").run();
  const columns = { c: text(), b: integer(), a: text({ mode: "json" }) };
  const things = sqliteTable("things", columns);
  const values = { a: ["x"], c: sql`upper(${"y"})`, b: null };
  const db = drizzle(env.DB);
  await db.insert(things).select(selectInto(things, values, sql`WHERE true`));
  expect(await env.DB.prepare("SELECT * FROM things").all()).toMatchObject({
    results: [{ a: '["x"]', b: null, c: "Y" }],
  });
});

test("a value may be another table's column", async () => {
  await env.DB.prepare("CREATE TABLE things (id TEXT)").run();
  await env.DB.prepare(
    "INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at) VALUES ('k', 'acme', 'x', 'p', 'd', '[]', 1)",
  ).run();
  const things = sqliteTable("things", { id: text() });
  await drizzle(env.DB)
    .insert(things)
    .select(selectInto(things, { id: apiKeys.id }, sql`FROM ${apiKeys}`));
  expect(await env.DB.prepare("SELECT id FROM things").first("id")).toBe("k");
});
