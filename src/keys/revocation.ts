import { and, eq, isNull } from "drizzle-orm";
import type { AuditEvent } from "../audit/event.ts";
import { recordEvents } from "../audit/record.ts";
import { isOneOf, onPrimary } from "../db/client.ts";
import { apiKeys, keyCounts } from "../db/tables.ts";

/** Keys of one transaction: some 50 ms. Of a report of 1 MiB their events fit a parameter of D1, which holds 2 MB. */
const PIECE = 500;

/**
 * Revokes the keys of these digests, each with its event, on the primary; repeated, it does nothing more. A revoked
 * key keeps its time of revocation.
 *
 * @param at - Milliseconds since the epoch.
 * @returns The digests that there are keys of.
 * @throws DatabaseError where some of them may have been revoked.
 */
export async function revokeKeys(
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
  const named = isOneOf(apiKeys.digest, [...events.keys()]);
  const unrevoked = isNull(apiKeys.revokedAt);
  return onPrimary(d1, async (db) => {
    const [, , known] = await db.batch([
      recordEvents(db, events, unrevoked),
      db.update(apiKeys).set({ revokedAt: at }).where(and(named, unrevoked)),
      db.select({ digest: apiKeys.digest }).from(apiKeys).where(named),
    ]);
    return known.map(({ digest }) => digest);
  });
}

/** Pieces of one call, of four queries each: D1 lets one make 1,000. */
const MAX_PIECES = 50;
/** Between two pieces it is everybody else's turn. */
const PAUSE_MS = 20;

export interface CompanyRevocation {
  /** Milliseconds since the epoch. */
  at: number;
  /** A new one for each key. */
  event: () => AuditEvent;
  /** Called with the digests of the keys of each piece. */
  onChange: (digests: readonly string[]) => void;
}

/**
 * Revokes the keys of a company that are not revoked, expired ones among them: 25,000 of them at most, in pieces.
 * Whatever ends it before its end, to do it again goes on from there.
 *
 * @returns How many there were, and how many are left.
 * @throws DatabaseError
 */
export async function revokeCompany(
  d1: D1Database,
  companyId: string,
  { at, event, onChange }: CompanyRevocation,
): Promise<{ revoked: number; left: number }> {
  let revoked = 0;
  for (let i = 0; i < MAX_PIECES; i++) {
    const digests = await unrevokedOf(d1, companyId);
    if (digests.length === 0) break;
    const events = new Map(digests.map((digest) => [digest, event()]));
    await revokePiece(d1, events, at);
    onChange(digests);
    revoked += digests.length;
    if (digests.length < PIECE) break;
    await scheduler.wait(PAUSE_MS);
  }
  return { revoked, left: await countUnrevoked(d1, companyId) };
}

/** How many keys of a company are not revoked, expired ones among them. @throws DatabaseError */
export function countUnrevoked(d1: D1Database, companyId: string): Promise<number> {
  return onPrimary(d1, async (db) => {
    const counted = db
      .select({ keys: keyCounts.keys })
      .from(keyCounts)
      .where(eq(keyCounts.companyId, companyId));
    return (await counted.get())?.keys ?? 0;
  });
}

function unrevokedOf(d1: D1Database, companyId: string): Promise<string[]> {
  return onPrimary(d1, async (db) => {
    const rows = await db
      .select({ digest: apiKeys.digest })
      .from(apiKeys)
      .where(and(eq(apiKeys.companyId, companyId), isNull(apiKeys.revokedAt)))
      .limit(PIECE);
    return rows.map(({ digest }) => digest);
  });
}
