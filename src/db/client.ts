import { type SQL, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { rootCause } from "../lib/fault.ts";

export type Database = DrizzleD1Database;

/** The database could not be reached, or has too much to do. The cause is for the log. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
}

/** The nearest replica, however far it is behind. Each statement has a session of its own, so it waits for no bookmark. */
export function nearest(d1: D1Database): Database {
  return alone(d1, "first-unconstrained");
}

/** The primary, for statements that are prepared once: each has a session of its own. */
export function primaryAlone(d1: D1Database): Database {
  return alone(d1, "first-primary");
}

/** The primary: sees every commit that came before. */
export function primary(d1: D1Database): Database {
  return open(d1.withSession("first-primary"));
}

/** https://developers.cloudflare.com/d1/observability/debug-d1/ names these with "Retry the operation". */
const RETRYABLE = [
  "reset because its code was updated",
  "storage caused object to be reset",
  "Network connection lost",
  "transient issue on remote node",
  "because client disconnected",
];
/** Here the same page asks for fewer requests. */
const OVERLOADED = "D1 DB is overloaded";

/** D1 repeats reads by itself, never writes: https://developers.cloudflare.com/d1/best-practices/retry-queries/ */
const ATTEMPTS = 3;
/** Wait before the second attempt, twice as long before the third, with jitter. */
const BACKOFF_MS = 50;

/**
 * Work on the primary. It is done again where the database failed, perhaps only on the way back: it must be
 * such that once and twice come to the same.
 *
 * @throws DatabaseError where the database is unavailable; what the work throws for any other reason: a statement
 *   that breaks a rule of the schema, a bug.
 */
export async function onPrimary<T>(d1: D1Database, work: (db: Database) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(primary(d1));
    } catch (cause) {
      // Drizzle wraps what D1 says in a message that quotes the parameters.
      const message = String(rootCause(cause));
      const isRetryable = RETRYABLE.some((part) => message.includes(part));
      if (!isRetryable && !message.includes(OVERLOADED)) throw cause;
      if (!isRetryable || attempt === ATTEMPTS) throw new DatabaseError("The database failed", { cause });
      await scheduler.wait(BACKOFF_MS * attempt * (0.5 + Math.random()));
    }
  }
}

/** `column` holds one of `values`, however many: as one parameter, of which D1 takes 100. */
export function isOneOf(column: SQLiteColumn, values: readonly string[]): SQL {
  return sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`;
}

function alone(d1: D1Database, start: D1SessionConstraint): Database {
  const prepare = (sql: string) => ({
    bind: (...values: unknown[]) =>
      d1
        .withSession(start)
        .prepare(sql)
        .bind(...values),
  });
  return drizzle({ prepare } as unknown as D1Database);
}

/** A session has what Drizzle calls of a database: `prepare` and `batch`. */
function open(session: D1DatabaseSession): Database {
  return drizzle(session as unknown as D1Database);
}
