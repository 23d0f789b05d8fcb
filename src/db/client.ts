import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";

export type Database = DrizzleD1Database;

/** The database could not be reached or did not carry out a statement. The cause is for the log. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
}

/** The nearest replica. The session never reads a state older than one it has seen. */
export function nearest(d1: D1Database): Database {
  return open(d1.withSession("first-unconstrained"));
}

/** The primary: sees every commit that came before. */
export function primary(d1: D1Database): Database {
  return open(d1.withSession("first-primary"));
}

/**
 * Work on the primary.
 *
 * @throws DatabaseError for whatever the work throws.
 */
export async function onPrimary<T>(d1: D1Database, work: (db: Database) => Promise<T>): Promise<T> {
  try {
    return await work(primary(d1));
  } catch (cause) {
    throw new DatabaseError("The database failed", { cause });
  }
}

/** A session has what Drizzle calls of a database: `prepare` and `batch`. */
function open(session: D1DatabaseSession): Database {
  return drizzle(session as unknown as D1Database);
}
