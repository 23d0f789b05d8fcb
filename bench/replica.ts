/** A replica of a D1 that lags, as those of the platform do, but always by the same time. */
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 200;

/** What verification reads, and which of it is new: since the change `?1`, or the row `?2` of `api_keys`. */
const CHANGED = "SELECT digest FROM key_changes WHERE seq > ?1";
const TABLES = [
  { name: "key_changes", isNew: "seq > ?1 AND ?2 >= 0" },
  { name: "api_keys", isNew: `rowid > ?2 OR digest IN (${CHANGED})` },
  {
    name: "companies",
    isNew: `?2 >= 0 AND id IN (SELECT company_id FROM api_keys WHERE digest IN (${CHANGED}))`,
  },
];
const NEWEST =
  "SELECT (SELECT max(seq) FROM key_changes) AS seq, (SELECT max(rowid) FROM api_keys) AS inserted";

type Value = string | number | null;
export type Row = Record<string, Value>;

/** Runs statements with their parameters in one transaction. @returns the rows of each. */
export type Batch = (statements: readonly (readonly [sql: string, ...values: Value[]])[]) => Promise<Row[][]>;

/**
 * Copies what is new of `primary`, as of one moment, to `replica` `lagMs` later, in one transaction; again and again until it is
 * stopped. Both have their tables, and no row is deleted.
 *
 * @returns Stops it; rejects where copying failed.
 */
export async function replicate(primary: Batch, replica: Batch, lagMs: number): Promise<() => Promise<void>> {
  // What they do is copied too.
  const [triggers = []] = await replica([["SELECT name FROM sqlite_schema WHERE type = 'trigger'"]]);
  await replica(triggers.map(({ name }) => [`DROP TRIGGER ${name}`]));
  let isOver = false;
  const copying = copy();
  copying.catch(() => {}); // whoever stops it is told

  async function copy(): Promise<void> {
    // One after the other: a replica never has a change before an older one.
    let applied = Promise.resolve();
    let last: readonly [Value, Value] = [0, 0];
    while (!isOver) {
      const [newest, ...tables] = await primary([
        [NEWEST],
        ...TABLES.map(({ name, isNew }) => [`SELECT * FROM ${name} WHERE ${isNew}`, ...last] as const),
      ]);
      const due = sleep(lagMs);
      applied = applied.then(() => due).then(() => apply(tables));
      last = [newest?.[0]?.seq ?? 0, newest?.[0]?.inserted ?? 0];
      await sleep(PAUSE_MS);
    }
    await applied;
  }

  async function apply(tables: readonly Row[][]): Promise<void> {
    const statements = TABLES.flatMap(({ name }, i) => {
      const rows = tables[i] ?? [];
      const columns = Object.keys(rows[0] ?? {});
      const values = columns.map((column) => `value ->> '${column}'`);
      const insert = `INSERT OR REPLACE INTO ${name} (${columns}) SELECT ${values} FROM json_each(?)`;
      return rows.length > 0 ? [[insert, JSON.stringify(rows)] as const] : [];
    });
    if (statements.length > 0 && !isOver) await replica(statements);
  }

  return async () => {
    isOver = true;
    await copying;
  };
}
