import { env } from "cloudflare:workers";
import { type Databases, databasesOf } from "../../src/db/databases.ts";

const queries = env.TEST_MIGRATIONS.flatMap((migration) => migration.queries);

/** What is neither of SQLite nor of D1. */
const OWN =
  "FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE '!_cf!_%' ESCAPE '!'";

const TABLES = `SELECT name, tbl_name AS "table", sql ${OWN} AND type = 'table' ORDER BY name`;
const TRIGGERS = TABLES.replace("'table'", "'trigger'");
/** Changes with whatever is written, by anybody, and with the schema. */
const STATE = `SELECT total_changes() AS changes,
  (SELECT group_concat(sql, ';') FROM (SELECT sql ${OWN} ORDER BY name)) AS schema`;

type Part = Record<"name" | "table" | "sql", string>;

interface State {
  changes: number;
  schema: string;
}

/** What the migrations made, and the statements that empty it. */
let made: { schema: string; emptying: string[] } | undefined;
/** Of each database, the `changes` when it was last as the migrations leave it. */
const renewed = new WeakMap<D1Database, number>();

/**
 * Leaves a database as the migrations do. After a test that wrote nothing it is left alone. To empty it is cheaper than to
 * make it, which is needed only after a test that changed its schema. `reset` of the pool ends the database's object, which
 * workerd reports as an uncaught exception.
 */
export async function renew(d1: D1Database): Promise<void> {
  const [found] = await run<State>(d1, [STATE]);
  if (made === undefined || found?.schema !== made.schema) made = await make(d1);
  else if (found.changes === renewed.get(d1)) return;
  const [emptied] = await run<State>(d1, [...made.emptying, STATE]);
  if (emptied?.schema !== made.schema) throw new Error("the schema has changed");
  renewed.set(d1, emptied.changes);
}

async function make(d1: D1Database): Promise<NonNullable<typeof made>> {
  const before = await run<Part>(d1, [TABLES]);
  await run(d1, [...before.map(({ name }) => `DROP TABLE "${name}"`), ...queries]);
  const tables = await run<Part>(d1, [TABLES]);
  const triggers = await run<Part>(d1, [TRIGGERS]);
  const forbidding = triggers.filter(({ sql }) => sql.includes("BEFORE DELETE"));
  // Those with triggers first, as these write into the others.
  const hasTrigger = ({ name }: Part) => triggers.some(({ table }) => table === name);
  const inOrder = [...tables.filter(hasTrigger), ...tables.filter((table) => !hasTrigger(table))];
  const [state] = await run<State>(d1, [STATE]);
  return {
    schema: state?.schema ?? "",
    emptying: [
      ...forbidding.map(({ name }) => `DROP TRIGGER "${name}"`),
      ...inOrder.map(({ name }) => `DELETE FROM "${name}"`),
      "DELETE FROM sqlite_sequence",
      ...queries.filter((query) => /^INSERT /m.test(query)),
      ...forbidding.map(({ sql }) => sql),
    ],
  };
}

/** Runs statements in one transaction, and gives the rows of the last. */
async function run<Row>(d1: D1Database, statements: readonly string[]): Promise<Row[]> {
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

/** The digest of a key. */
export async function digestOf(id: string): Promise<string> {
  return (
    (await env.DB.prepare("SELECT digest FROM api_keys WHERE id = ?").bind(id).first<string>("digest")) ?? ""
  );
}

/** Changes of so many keys that nobody has. */
export async function changeElsewhere(count: number, name = "elsewhere"): Promise<void> {
  const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)";
  await env.DB.prepare(`INSERT INTO key_changes (digest) ${numbers} SELECT ? || i FROM n`)
    .bind(count, name)
    .run();
}
