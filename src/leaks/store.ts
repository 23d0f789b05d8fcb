import { and, isNull } from "drizzle-orm";
import { type AuditEvent, recordEvents } from "../audit/store.ts";
import { isOneOf, onPrimary } from "../db/client.ts";
import { apiKeys } from "../db/tables.ts";

/** Keys of one transaction. A report has 1 MiB, so their events fit a parameter of D1, which holds 2 MB. */
const PIECE = 500;

/**
 * Revokes the keys of these digests, each with its event, on the primary; repeated, it does nothing more. A revoked
 * key keeps its time of revocation.
 *
 * @param at - Milliseconds since the epoch.
 * @returns The digests that there are keys of.
 * @throws DatabaseError where some of them may have been revoked.
 */
export async function revokeAll(
  d1: D1Database,
  events: ReadonlyMap<string, AuditEvent>,
  at: number,
): Promise<Set<string>> {
  const known = new Set<string>();
  const all = [...events];
  for (let i = 0; i < all.length; i += PIECE) {
    for (const digest of await revokePiece(d1, new Map(all.slice(i, i + PIECE)), at)) known.add(digest);
  }
  return known;
}

function revokePiece(d1: D1Database, events: ReadonlyMap<string, AuditEvent>, at: number): Promise<string[]> {
  const reported = isOneOf(apiKeys.digest, [...events.keys()]);
  const unrevoked = isNull(apiKeys.revokedAt);
  return onPrimary(d1, async (db) => {
    const [, , known] = await db.batch([
      recordEvents(db, events, unrevoked),
      db.update(apiKeys).set({ revokedAt: at }).where(and(reported, unrevoked)),
      db.select({ digest: apiKeys.digest }).from(apiKeys).where(reported),
    ]);
    return known.map(({ digest }) => digest);
  });
}
