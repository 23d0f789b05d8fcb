import { eq, gte, lt, max, type SQL, sql } from "drizzle-orm";
import { type Database, nearest, onPrimary, primary } from "../db/client.ts";
import { apiKeys, keyChanges } from "../db/tables.ts";
import type { KeyRecord } from "./decide.ts";
import { READ_LIMIT, type Snapshot } from "./feed.ts";

export interface FeedStore {
  /** The feed from `cursor` on and the record of `digest`, in one statement and so of one moment. */
  read(cursor: number | null, digest: string): Promise<Snapshot>;
  /** The record of `digest`, from the primary. */
  readPrimary(digest: string): Promise<KeyRecord | null>;
}

/** Written out: as one more parameter it costs a twentieth of the whole look-up. */
const LIMIT = sql.raw(`${READ_LIMIT}`) as unknown as number;

/** What a verdict depends on: the triggers of the change feed name the same columns. */
export const VERDICT_COLUMNS = {
  id: apiKeys.id,
  companyId: apiKeys.companyId,
  scopes: apiKeys.scopes,
  expiresAt: apiKeys.expiresAt,
  revokedAt: apiKeys.revokedAt,
};

/**
 * Keys for verification. One session serves the isolate, so that no read goes back behind an
 * earlier one; D1 carries its bookmark on.
 */
export function feedStore(d1: D1Database): FeedStore {
  const db = nearest(d1);
  const newest = sql`(SELECT max(${keyChanges.seq}) FROM ${keyChanges})`;
  const fromNewest = prepareSnapshot(db, gte(keyChanges.seq, newest));
  const fromCursor = prepareSnapshot(db, gte(keyChanges.seq, sql.placeholder("cursor")));
  return {
    async read(cursor, digest) {
      const rows = await (cursor === null ? fromNewest.all({ digest }) : fromCursor.all({ cursor, digest }));
      return { changes: rows.map((row) => row.change), record: rows[0]?.record ?? null };
    },
    async readPrimary(digest) {
      const found = await primary(d1)
        .select(VERDICT_COLUMNS)
        .from(apiKeys)
        .where(eq(apiKeys.digest, digest))
        .get();
      return found ?? null;
    },
  };
}

/** The feed is never empty, and the change at the cursor comes with the newer ones: a row always carries the key. */
function prepareSnapshot(db: Database, isWanted: SQL) {
  return db
    .select({ change: { seq: keyChanges.seq, digest: keyChanges.digest }, record: VERDICT_COLUMNS })
    .from(keyChanges)
    .leftJoin(apiKeys, eq(apiKeys.digest, sql.placeholder("digest")))
    .where(isWanted)
    .orderBy(keyChanges.seq)
    .limit(LIMIT)
    .prepare();
}

/**
 * Drops the oldest of the changes before `before`, in milliseconds since the epoch: `limit` of them at most. The
 * newest of them stays, as isolates whose cursor stands on it must find it again.
 *
 * @returns How many there were: fewer than `limit` where none is left.
 * @throws DatabaseError
 */
export function dropChanges(d1: D1Database, before: number, limit: number): Promise<number> {
  return onPrimary(d1, async (db) => {
    const oldest = db
      .select({ seq: keyChanges.seq, changedAt: keyChanges.changedAt })
      .from(keyChanges)
      .orderBy(keyChanges.seq)
      .limit(limit + 1)
      .as("oldest");
    const newestOld = db
      .select({ seq: max(oldest.seq) })
      .from(oldest)
      .where(lt(oldest.changedAt, before));
    const { meta } = await db.delete(keyChanges).where(lt(keyChanges.seq, newestOld));
    return meta.changes;
  });
}
