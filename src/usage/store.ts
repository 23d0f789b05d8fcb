import { and, eq, gte, lt, notExists, sql } from "drizzle-orm";
import { isOneOf, onPrimary } from "../db/client.ts";
import { apiKeys, usageDays, usageReports } from "../db/tables.ts";
import type { UsageReport } from "./recorder.ts";
import type { DayUsage } from "./schema.ts";

/**
 * Merges reports into per-day counts and times of last use, in one batch. A report that was merged
 * before changes nothing.
 *
 * @throws DatabaseError
 */
export async function mergeReports(
  d1: D1Database,
  reports: readonly UsageReport[],
  now: number,
): Promise<void> {
  const [first, ...rest] = reports;
  if (first === undefined) return;
  await onPrimary(d1, (db) => {
    const statements = ({ id, day, keys }: UsageReport) => {
      const entries = sql`json_each(${JSON.stringify(keys)})`;
      const merged = db.select({ id: usageReports.id }).from(usageReports).where(eq(usageReports.id, id));
      const lastUsedAt = sql<number>`value ->> 'lastUsedAt'`;
      return [
        db
          .insert(usageDays)
          .select(
            sql`SELECT value ->> 'keyId', value ->> 'companyId', ${day}, value ->> 'allowed', value ->> 'denied'
              FROM ${entries} WHERE ${notExists(merged)}`,
          )
          .onConflictDoUpdate({
            target: [usageDays.keyId, usageDays.day],
            set: {
              allowed: sql`${usageDays.allowed} + excluded.allowed`,
              denied: sql`${usageDays.denied} + excluded.denied`,
            },
          }),
        db
          .update(apiKeys)
          .set({ lastUsedAt })
          .from(entries)
          .where(
            and(
              eq(apiKeys.id, sql`value ->> 'keyId'`),
              eq(apiKeys.companyId, sql`value ->> 'companyId'`),
              sql`${lastUsedAt} > coalesce(${apiKeys.lastUsedAt}, 0)`,
            ),
          ),
        db.insert(usageReports).values({ id, mergedAt: now }).onConflictDoNothing(),
      ] as const;
    };
    return db.batch([...statements(first), ...rest.flatMap((report) => [...statements(report)])]);
  });
}

/**
 * Counts of each key from the day `since` on, oldest first. Keys that the company does not have are left out.
 *
 * @throws DatabaseError
 */
export function usageOf(
  d1: D1Database,
  companyId: string,
  keyIds: readonly string[],
  since: string,
): Promise<ReadonlyMap<string, DayUsage[]>> {
  return onPrimary(d1, async (db) => {
    const rows = await db
      .select({
        keyId: apiKeys.id,
        usage: { day: usageDays.day, allowed: usageDays.allowed, denied: usageDays.denied },
      })
      .from(apiKeys)
      .leftJoin(usageDays, and(eq(usageDays.keyId, apiKeys.id), gte(usageDays.day, since)))
      .where(and(eq(apiKeys.companyId, companyId), isOneOf(apiKeys.id, keyIds)))
      .orderBy(usageDays.day);
    const byKey = new Map<string, DayUsage[]>();
    for (const { keyId, usage } of rows)
      byKey.set(keyId, [...(byKey.get(keyId) ?? []), ...(usage ? [usage] : [])]);
    return byKey;
  });
}

/**
 * Drops the counts of days before `day`, and the marks of reports merged before `mergedAt`.
 *
 * @throws DatabaseError
 */
export async function trimUsage(d1: D1Database, day: string, mergedAt: number): Promise<void> {
  await onPrimary(d1, (db) =>
    db.batch([
      db.delete(usageDays).where(lt(usageDays.day, day)),
      db.delete(usageReports).where(lt(usageReports.mergedAt, mergedAt)),
    ]),
  );
}
