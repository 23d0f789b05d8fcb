import { env } from "cloudflare:workers";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { describe, expect, test } from "vitest";
import * as exported from "../../src/db/tables.ts";

const { apiKeys, auditEvents } = exported;
const tables = Object.values(exported).filter((value) => value instanceof SQLiteTable);

const rowsOf = async <T>(sql: string) => (await env.DB.prepare(sql).all<T>()).results;

describe.each(tables.map(getTableConfig))("$name", (table) => {
  test("has after the migrations the columns that the code knows", async () => {
    const columns = await rowsOf<{ name: string; notnull: number; type: string }>(
      `PRAGMA table_info(${table.name})`,
    );
    // In any order: a later migration can add a column only at the end.
    expect(
      columns.map(({ name, notnull, type }) => [name, notnull === 1, type.toLowerCase()]).sort(),
    ).toEqual(table.columns.map((column) => [column.name, column.notNull, column.getSQLType()]).sort());
  });

  test("has after the migrations the indexes that the code knows", async () => {
    const indexes = await rowsOf<{ name: string; unique: number; origin: string }>(
      `PRAGMA index_list(${table.name})`,
    );
    const unique = table.columns
      .filter((column) => column.isUnique)
      .map((column) => [column.uniqueName, true]);
    expect(indexes.filter(({ origin }) => origin === "c").map((row) => [row.name, row.unique === 1])).toEqual(
      expect.arrayContaining([...unique, ...table.indexes.map(({ config }) => [config.name, config.unique])]),
    );
  });

  test("has after the migrations the checks that the code knows", async () => {
    const [{ sql = "" } = {}] = await rowsOf<{ sql: string }>(
      `SELECT sql FROM sqlite_schema WHERE name = '${table.name}'`,
    );
    for (const check of table.checks) expect(sql).toContain(`CONSTRAINT "${check.name}" CHECK`);
    expect(sql.split("CHECK").length - 1).toBe(table.checks.length);
  });
});

describe("JSON that a row holds", () => {
  test.each([
    ['["jobs:read"]', ["jobs:read"]],
    ["[]", []],
    ['"jobs:readonly"', []],
    ['{"jobs:read":1}', []],
    ["[1]", []],
    ["null", []],
    ["[", []],
    ["", []],
  ])("%s as scopes is %j", (stored, scopes) => {
    expect(apiKeys.scopes.mapFromDriverValue(stored)).toEqual(scopes);
  });

  test.each([
    ['{"label":"x"}', { label: "x" }],
    ['{"label":1}', null],
    ["[]", null],
    ["null", null],
    ["{", null],
  ])("%s as the detail of an event is %j", (stored, detail) => {
    expect(auditEvents.detail.mapFromDriverValue(stored)).toEqual(detail);
  });
});
