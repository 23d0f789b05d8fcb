import { and, eq, gte, inArray, isNotNull, lt, max, ne, sql } from "drizzle-orm";
import { isOneOf, onPrimary } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys, usageDays } from "../db/tables.ts";
import { REPORT_ID_LENGTH, type UsageReport } from "./recorder.ts";
import type { DayUsage } from "./schema.ts";

/** Reports that a key's day remembers. */
const REMEMBERED = 100;

/**
 * Merges reports into per-day counts, in one statement: a row for each key and day. A report that was merged
 * before changes nothing, unless `REMEMBERED` others of the same key came in between; nor does one that names
 * no key of its company.
 *
 * @throws DatabaseError
 */
export async function mergeReports(d1: D1Database, reports: readonly UsageReport[]): Promise<void> {
  if (reports.length === 0) return;
  const uses = sql`(SELECT DISTINCT report.value ->> 'id' AS report, report.value ->> 'day' AS day,
      key.value ->> 'keyId' AS key_id, key.value ->> 'companyId' AS company_id, key.value ->> 'allowed' AS allowed,
      key.value ->> 'denied' AS denied, key.value ->> 'lastUsedAt' AS last_used_at
    FROM json_each(${JSON.stringify(reports)}) AS report, json_each(report.value, '$.keys') AS key) AS uses`;
  await onPrimary(d1, (db) =>
    db
      .insert(usageDays)
      .select(
        selectInto(
          usageDays,
          {
            keyId: sql`uses.key_id`,
            companyId: sql`uses.company_id`,
            day: sql`uses.day`,
            allowed: sql`sum(uses.allowed)`,
            denied: sql`sum(uses.denied)`,
            lastUsedAt: sql`max(uses.last_used_at)`,
            reports: sql`group_concat(uses.report, ' ')`,
          },
          sql`FROM ${uses}
            CROSS JOIN ${apiKeys} ON ${apiKeys.id} = uses.key_id AND ${apiKeys.companyId} = uses.company_id
            LEFT JOIN ${usageDays} ON ${usageDays.keyId} = uses.key_id AND ${usageDays.day} = uses.day
            WHERE instr(coalesce(${usageDays.reports}, ''), uses.report) = 0
            GROUP BY uses.key_id, uses.day`,
        ),
      )
      .onConflictDoUpdate({
        target: [usageDays.keyId, usageDays.day],
        set: {
          allowed: sql`${usageDays.allowed} + excluded.allowed`,
          denied: sql`${usageDays.denied} + excluded.denied`,
          lastUsedAt: sql`nullif(max(coalesce(${usageDays.lastUsedAt}, 0), coalesce(excluded.last_used_at, 0)), 0)`,
          reports: sql`substr(excluded.reports || ' ' || ${usageDays.reports}, 1, ${REMEMBERED * (REPORT_ID_LENGTH + 1)})`,
        },
      }),
  );
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
 * Drops the counts of days before `firstDay`, all but the time of last use, and what the day `settled`, whose
 * reports are all delivered, remembers of them.
 *
 * @throws DatabaseError
 */
export async function trimUsage(d1: D1Database, firstDay: string, settled: string): Promise<void> {
  await onPrimary(d1, (db) => {
    const isOld = lt(usageDays.day, firstDay);
    const used = db
      .select({ id: usageDays.keyId })
      .from(usageDays)
      .where(and(isOld, isNotNull(usageDays.lastUsedAt)));
    const lastUse = db
      .select({ at: max(usageDays.lastUsedAt) })
      .from(usageDays)
      .where(and(eq(usageDays.keyId, apiKeys.id), isOld));
    return db.batch([
      db
        .update(apiKeys)
        .set({ lastUsedAt: sql`max(coalesce(${apiKeys.lastUsedAt}, 0), (${lastUse}))` })
        .where(inArray(apiKeys.id, used)),
      db.delete(usageDays).where(isOld),
      db
        .update(usageDays)
        .set({ reports: "" })
        .where(and(eq(usageDays.day, settled), ne(usageDays.reports, ""))),
    ]);
  });
}
