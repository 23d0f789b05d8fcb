/**
 * Fills a SQLite with keys, uses and events of many companies, and prints how long the operator's queries keep the
 * database busy.
 *
 *     node bench/operator.ts [--keys 1000000] [--companies 10000]
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { parseArgs } from "node:util";
import { searchEvents } from "../src/audit/store.ts";
import { listCompanies } from "../src/companies/listing.ts";
import { findKey, type KeySearch, searchKeys } from "../src/keys/search.ts";
import { stateOf } from "../src/operator/state.ts";
import { quantile, table } from "./figures.ts";
import { migrations } from "./latchkey.ts";

const { values } = parseArgs({
  options: {
    keys: { type: "string", default: "1000000" },
    companies: { type: "string", default: "10000" },
  },
});
const keys = Number(values.keys);
const companies = Number(values.companies);
/** Rows of one statement. */
const CHUNK = 5_000;
const RUNS = 5;
const DAY_MS = 86_400_000;
const now = Date.now();

const sqlite = new DatabaseSync(join(mkdtempSync(join(tmpdir(), "latchkey-operator-")), "db.sqlite"));
sqlite.exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL");
for (const statement of await migrations()) sqlite.exec(statement);

/** Every tenth key is revoked, every fifth ends, every third was used in the last two days, every hundredth by the old pepper. */
for (let from = 0; from < keys; from += CHUNK) {
  const rows = `WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${from + CHUNK - 1})`;
  const id = "printf('%08x-0000-4000-8000-%012x', (i * 2654435761) % 4294967296, i)";
  const company = `'company-' || (i % ${companies})`;
  const at = `${now} - (${keys} - i) * 1000`;
  for (const statement of [
    `${rows} INSERT INTO api_keys (id, company_id, label, key_prefix, digest, generation, scopes, created_at,
        expires_at, revoked_at, created_by_issuer, created_by_subject)
      SELECT ${id}, ${company}, 'bench', 'lk_live_' || substr(hex((i * 2654435761) % 4294967296), 1, 5),
        lower(hex(randomblob(21))), iif(i % 100 = 0, 'a', 'b'), '["jobs:read"]', ${at},
        iif(i % 5 = 0, ${now} + (i % 365) * ${DAY_MS}, NULL), iif(i % 10 = 3, ${now}, NULL),
        'https://login.example', 'user-' || (i % ${companies * 3}) FROM n`,
    `${rows} INSERT INTO usage_days (key_id, company_id, day, allowed, denied, last_used_at)
      SELECT ${id}, ${company}, date(${now} / 1000 - (i % 2) * 86400, 'unixepoch'), i % 1000, i % 7, ${now} - (i % 2) * ${DAY_MS}
      FROM n WHERE i % 3 = 0`,
    `${rows} INSERT INTO audit_events (id, company_id, key_id, action, at)
      SELECT lower(hex(randomblob(16))), ${company}, ${id}, 'create', ${at} FROM n`,
  ])
    sqlite.exec(statement);
  process.stderr.write(`${from + CHUNK} of ${keys}\r`);
}

interface Statement {
  bind(...values: SQLInputValue[]): Statement;
  all(): Promise<object>;
  run(): Promise<object>;
  raw(): Promise<unknown[][]>;
}

/** SQLite as if it was a D1, and what its statements have taken of a core so far. */
function measured() {
  const sum = { ms: 0 };
  const rowsOf = (sql: string, values: SQLInputValue[]) => {
    const from = process.cpuUsage();
    const rows = sqlite.prepare(sql).all(...values) as Record<string, unknown>[];
    const { user, system } = process.cpuUsage(from);
    sum.ms += (user + system) / 1_000;
    return rows;
  };
  const meta = { size_after: 0, changes: 0 };
  const prepare = (sql: string, values: SQLInputValue[] = []): Statement => ({
    bind: (...bound) => prepare(sql, bound),
    all: async () => ({ results: rowsOf(sql, values), meta }),
    run: async () => ({ results: rowsOf(sql, values), meta }),
    raw: async () => rowsOf(sql, values).map((row) => Object.values(row)),
  });
  const batch = (all: Statement[]) => Promise.all(all.map((statement) => statement.all()));
  const session = { prepare: (sql: string) => prepare(sql), batch };
  return { db: { withSession: () => session } as unknown as D1Database, sum };
}

const search = (wanted: Partial<KeySearch>) => (db: D1Database) => searchKeys(db, { limit: 100, ...wanted });
const someKey = sqlite.prepare("SELECT id, key_prefix, digest FROM api_keys LIMIT 1 OFFSET 4321").get() as {
  id: string;
  key_prefix: string;
  digest: string;
};
const queries: [string, (db: D1Database) => Promise<unknown>][] = [
  ["companies", (db) => listCompanies(db, { day: "2026-01-01", limit: 100 })],
  ["companies by keys", (db) => listCompanies(db, { day: "2026-01-01", limit: 100, sort: "keys" })],
  [
    "companies with a part of an id",
    (db) => listCompanies(db, { day: "2026-01-01", limit: 100, q: "y-9999" }),
  ],
  ["keys", search({})],
  ["keys by prefix", search({ prefix: someKey.key_prefix })],
  ["keys by a short prefix", search({ prefix: "lk_live_" })],
  ["keys of a company", search({ company: "company-77" })],
  ["keys by their maker", search({ createdBy: "user-77" })],
  ["keys of an old generation", search({ generation: "a" })],
  ["keys of the newest generation", search({ generation: "b" })],
  ["keys that end soon", search({ expiresBefore: now + DAY_MS })],
  ["keys unused for a day", search({ unusedSince: now - DAY_MS / 2 })],
  ["keys unused for a year: none", search({ unusedSince: now - 365 * DAY_MS, limit: 1000 })],
  [
    "keys of a generation that end soon and lie idle",
    search({ generation: "b", expiresBefore: now + DAY_MS, unusedSince: now - DAY_MS, limit: 1000 }),
  ],
  ["a key by its id", (db) => findKey(db, { id: someKey.id })],
  ["a key by itself", (db) => findKey(db, { digest: someKey.digest })],
  ["events", (db) => searchEvents(db, { limit: 100 })],
  ["events of a company", (db) => searchEvents(db, { limit: 100, company: "company-77" })],
  ["events of a key", (db) => searchEvents(db, { limit: 100, key: someKey.id })],
  ["events of an action: none", (db) => searchEvents(db, { limit: 100, action: "revoke" })],
  ["status", (db) => stateOf(db, now)],
];

const rows: string[][] = [];
for (const [name, query] of queries) {
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const { db, sum } = measured();
    await query(db);
    times.push(sum.ms);
  }
  rows.push([name, quantile(times, 0.5).toFixed(1), quantile(times, 1).toFixed(1)]);
}
process.stdout.write(
  `${keys} keys of ${companies} companies\n\n${table(["query", "median ms", "worst ms"], rows)}\n`,
);
