import { asc, lt, sql } from "drizzle-orm";
import { onPrimary } from "../db/client.ts";
import { apiKeys } from "../db/tables.ts";

/**
 * Drops keys that ended before `before`, in milliseconds since the epoch, whether they were revoked or expired:
 * `limit` of each at most. What is known of their use goes by itself, and the audit log stays.
 *
 * @returns How many there were of the more frequent kind: fewer than `limit` where none is left.
 * @throws DatabaseError
 */
export function dropDeadKeys(d1: D1Database, before: number, limit: number): Promise<number> {
  return onPrimary(d1, async (db) => {
    const dropped = await db.batch([drop(apiKeys.revokedAt), drop(apiKeys.expiresAt)]);
    return Math.max(...dropped.map((keys) => keys.length));

    function drop(end: typeof apiKeys.revokedAt | typeof apiKeys.expiresAt) {
      const dead = db
        .select({ id: apiKeys.id })
        .from(apiKeys)
        .where(lt(end, before))
        .orderBy(asc(end))
        .limit(limit);
      return db.delete(apiKeys).where(sql`${apiKeys.id} IN ${dead}`).returning({ id: apiKeys.id });
    }
  });
}
