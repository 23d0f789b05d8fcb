import { and, between, eq, isNotNull, lt, max, sql } from "drizzle-orm";
import { type Database, isOneOf, onPrimary } from "../db/client.ts";
import { apiKeys } from "../db/tables.ts";
import { usageDays, usageReports } from "../db/usage-tables.ts";
import { DAY_MS, dayOf } from "../lib/time.ts";
import { ofEachReason } from "./denials.ts";
import type { DayUsage } from "./schema.ts";

/**
 * Counts of each key from the day `since` to the day `until`, oldest first. Keys that the company does not have are left out.
 *
 * @throws DatabaseError
 */
export function usageOf(
  d1: D1Database,
  companyId: string,
  keyIds: readonly string[],
  { since, until }: { since: string; until: string },
): Promise<ReadonlyMap<string, DayUsage[]>> {
  return onPrimary(d1, async (db) => {
    const rows = await db
      .select({
        keyId: apiKeys.id,
        usage: { day: usageDays.day, allowed: usageDays.allowed, denied: usageDays.denied },
        denials: ofEachReason((reason) => usageDays[reason]),
      })
      .from(apiKeys)
      .leftJoin(usageDays, and(eq(usageDays.keyId, apiKeys.id), between(usageDays.day, since, until)))
      .where(and(eq(apiKeys.companyId, companyId), isOneOf(apiKeys.id, keyIds)))
      .orderBy(usageDays.day);
    const byKey = new Map<string, DayUsage[]>();
    for (const { keyId, usage, denials } of rows)
      byKey.set(keyId, [...(byKey.get(keyId) ?? []), ...(usage && denials ? [{ ...usage, denials }] : [])]);
    return byKey;
  });
}

/**
 * Drops the counts of days before `firstDay`, all but the time of last use: `limit` of them at most.
 *
 * @returns How many there were: fewer than `limit` where none is left.
 * @throws DatabaseError
 */
export function dropDays(d1: D1Database, firstDay: string, limit: number): Promise<number> {
  return onPrimary(d1, async (db) => {
    const oldest = sql`(SELECT rowid FROM ${usageDays} WHERE ${lt(usageDays.day, firstDay)} ORDER BY ${usageDays.day} LIMIT ${limit})`;
    const lastUses = db
      .select({ keyId: usageDays.keyId, at: max(usageDays.lastUsedAt).as("at") })
      .from(usageDays)
      .where(and(sql`rowid IN ${oldest}`, isNotNull(usageDays.lastUsedAt)))
      .groupBy(usageDays.keyId)
      .as("last_uses");
    const [, dropped] = await db.batch([
      db
        .update(apiKeys)
        .set({ lastUsedAt: sql`max(coalesce(${apiKeys.lastUsedAt}, 0), ${lastUses.at})` })
        .from(lastUses)
        .where(eq(apiKeys.id, lastUses.keyId)),
      db.delete(usageDays).where(sql`rowid IN ${oldest}`),
    ]);
    return dropped.meta.changes;
  });
}

/** Days after which no report of a day is still on its way. */
const SETTLED_DAYS = 2;

/** The first day of which reports may still come. */
export function settledDay(now: number): string {
  return dayOf(now - SETTLED_DAYS * DAY_MS);
}

/** The statement that forgets which reports were counted of the days before `firstDay`: `limit` of them at most. */
export function forgetReports(db: Database, firstDay: string, limit: number) {
  const oldest = sql`(SELECT day, id FROM ${usageReports} WHERE ${lt(usageReports.day, firstDay)} LIMIT ${limit})`;
  return db.delete(usageReports).where(sql`(${usageReports.day}, ${usageReports.id}) IN ${oldest}`);
}

/**
 * Forgets which reports were counted of the days before `firstDay`: `limit` of them at most.
 *
 * @returns How many there were: fewer than `limit` where none is left.
 * @throws DatabaseError
 */
export function dropReports(d1: D1Database, firstDay: string, limit: number): Promise<number> {
  return onPrimary(d1, async (db) => (await forgetReports(db, firstDay, limit)).meta.changes);
}
