import { and, asc, eq, exists, gt, isNull, lt, sql } from "drizzle-orm";
import { nearest, onPrimary } from "../db/client.ts";
import { endOf } from "../db/columns.ts";
import { apiKeys } from "../db/tables.ts";
import { dropPlaces } from "./places.ts";

/**
 * Drops keys that ended before `before`, in milliseconds since the epoch, whether they were revoked or expired:
 * `limit` of each at most. What is known of their use goes by itself, and the audit log stays.
 *
 * @param first - `DB`, which has the places of those that were imported.
 * @returns How many there were of the more frequent kind: fewer than `limit` where none is left.
 * @throws DatabaseError
 */
export async function dropDeadKeys(
  { first, d1 }: { first: D1Database; d1: D1Database },
  before: number,
  limit: number,
): Promise<number> {
  const dropped = await onPrimary(d1, (db) => {
    return db.batch([drop(apiKeys.revokedAt), drop(apiKeys.expiresAt)]);

    function drop(end: typeof apiKeys.revokedAt | typeof apiKeys.expiresAt) {
      const dead = db
        .select({ id: apiKeys.id })
        .from(apiKeys)
        .where(lt(end, before))
        .orderBy(asc(end))
        .limit(limit);
      return db.delete(apiKeys).where(sql`${apiKeys.id} IN ${dead}`).returning({ digest: apiKeys.digest });
    }
  });
  const digests = dropped.flat().map(({ digest }) => digest);
  if (digests.length > 0) await dropPlaces(first, digests);
  return Math.max(...dropped.map((keys) => keys.length));
}

/** All that a generation can be. */
export const GENERATIONS = [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"];

/**
 * Of which other generations than `known` there are live keys: without their pepper these cannot be checked.
 *
 * @param now - Milliseconds since the epoch.
 */
export async function otherGenerations(
  d1: D1Database,
  known: Iterable<string>,
  now: number,
): Promise<string[]> {
  const others = new Set(GENERATIONS).difference(new Set(known));
  const live = and(
    eq(apiKeys.generation, sql`value`),
    isNull(apiKeys.revokedAt),
    gt(endOf(apiKeys.expiresAt), now),
  );
  const db = nearest(d1);
  const rows = await db
    .select({ generation: sql<string>`value` })
    .from(sql`json_each(${JSON.stringify([...others])})`)
    .where(exists(db.select({ one: sql`1` }).from(apiKeys).where(live)));
  return rows.map(({ generation }) => generation);
}
