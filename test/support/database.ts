import { env } from "cloudflare:workers";
import { type Databases, databasesOf } from "../../src/db/databases.ts";

const queries = env.TEST_MIGRATIONS.flatMap((migration) => migration.queries);

const SCHEMA =
  "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE '!_cf!_%' ESCAPE '!' ORDER BY name";

/** What the migrations made, and the statements that empty it: without triggers, which write or forbid it. */
let schema: string | undefined;
let emptying: string[] = [];

/**
 * Leaves a database as the migrations do. To empty it is cheaper than to make it, which is needed only after a test that
 * changed its schema. `reset` of the pool ends the database's object, which workerd reports as an uncaught exception.
 */
export async function renew(d1: D1Database): Promise<void> {
  const found = await run(d1, [...emptying, SCHEMA]).catch(() => run(d1, [SCHEMA]));
  if (JSON.stringify(found) === schema) return;
  const drops = found.filter(({ type }) => type === "table").map(({ name }) => `DROP TABLE "${name}"`);
  const made = await run(d1, [...drops, ...queries, SCHEMA]);
  const tables = made.filter(({ type }) => type === "table");
  const triggers = made.filter(({ type }) => type === "trigger");
  schema = JSON.stringify(made);
  emptying = [
    ...triggers.map(({ name }) => `DROP TRIGGER "${name}"`),
    ...tables.map(({ name }) => `DELETE FROM "${name}"`),
    "DELETE FROM sqlite_sequence",
    ...queries.filter((query) => /^INSERT /m.test(query)),
    ...triggers.map(({ sql }) => sql),
  ];
}

/** Runs statements in one transaction, and gives the rows of the last. */
async function run(d1: D1Database, statements: readonly string[]) {
  type Row = Record<"type" | "name" | "sql", string>;
  const results = await d1.batch<Row>(statements.map((sql) => d1.prepare(sql)));
  return results.at(-1)?.results ?? [];
}

/** A deployment with one database. */
export function only(d1: D1Database): Databases {
  return databasesOf({ DB: d1 })();
}

/** The bindings of a deployment with three databases, each as the migrations leave it. */
export async function threeDatabases() {
  const { DB, TEST_DB_01: DB_01, TEST_DB_02: DB_02 } = env;
  await renew(DB_01);
  await renew(DB_02);
  return { DB, DB_01, DB_02 };
}
