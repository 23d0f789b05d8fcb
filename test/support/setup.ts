import { env, WorkerEntrypoint } from "cloudflare:workers";
import { afterEach, beforeEach, vi } from "vitest";

/**
 * @cloudflare/vitest-pool-workers 0.23.0 wraps the prototype of an entrypoint in one more Proxy for each request, so that
 * a thousand requests later each takes half a second. One is enough.
 */
const prototypes = new WeakSet();
globalThis.Proxy = new Proxy(Proxy, {
  construct(target, [object, handler]) {
    if (prototypes.has(object)) return object;
    const proxy = new target(object, handler);
    if (object instanceof WorkerEntrypoint) prototypes.add(proxy);
    return proxy;
  },
});

const queries = env.TEST_MIGRATIONS.flatMap((migration) => migration.queries);

const SCHEMA =
  "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE '!_cf!_%' ESCAPE '!' ORDER BY name";

/** What the migrations made, and the statements that empty it: without triggers, which write or forbid it. */
let schema: string | undefined;
let emptying: string[] = [];

/**
 * The database of each test is as the migrations leave it. To empty it is cheaper than to make it, which is needed only
 * after a test that changed its schema. `reset` of the pool ends the database's object, which workerd reports as an
 * uncaught exception.
 */
beforeEach(async () => {
  const found = await run([...emptying, SCHEMA]).catch(() => run([SCHEMA]));
  if (JSON.stringify(found) === schema) return;
  const drops = found.filter(({ type }) => type === "table").map(({ name }) => `DROP TABLE "${name}"`);
  const made = await run([...drops, ...queries, SCHEMA]);
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
});

/** Runs statements in one transaction, and gives the rows of the last. */
async function run(statements: readonly string[]) {
  type Row = Record<"type" | "name" | "sql", string>;
  const results = await env.DB.batch<Row>(statements.map((sql) => env.DB.prepare(sql)));
  return results.at(-1)?.results ?? [];
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});
