import { and, isNull, sql } from "drizzle-orm";
import { type AuditEvent, recordEvents } from "../audit/store.ts";
import { onPrimary } from "../db/client.ts";
import { apiKeys } from "../db/tables.ts";

/**
 * Revokes the keys of these digests, each with its event, in one batch on the primary; repeated, it
 * does nothing more. A revoked key keeps its time of revocation.
 *
 * @param at - Milliseconds since the epoch.
 * @returns The digests that there are keys of.
 * @throws DatabaseError
 */
export function revokeAll(
  d1: D1Database,
  events: ReadonlyMap<string, AuditEvent>,
  at: number,
): Promise<Set<string>> {
  // One parameter for all digests, as D1 allows 100 a statement.
  const reported = sql`${apiKeys.digest} IN (SELECT value FROM json_each(${JSON.stringify([...events.keys()])}))`;
  const unrevoked = isNull(apiKeys.revokedAt);
  return onPrimary(d1, async (db) => {
    const [, , known] = await db.batch([
      recordEvents(db, events, unrevoked),
      db.update(apiKeys).set({ revokedAt: at }).where(and(reported, unrevoked)),
      db.select({ digest: apiKeys.digest }).from(apiKeys).where(reported),
    ]);
    return new Set(known.map(({ digest }) => digest));
  });
}
