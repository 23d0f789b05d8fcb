import { gte, inArray, type SQL, sql } from "drizzle-orm";
import { type Database, isOneOf, onPrimary } from "../db/client.ts";
import { usageDays, usageReports } from "../db/usage-tables.ts";
import { chunks } from "../lib/chunks.ts";
import { DAY_MS, dayOf } from "../lib/time.ts";
import { addToDays, MAX_ROWS } from "./days.ts";
import type { UsageReport } from "./recorder.ts";
import { forgetReports, settledDay } from "./store.ts";
import { addUp, type Sum, sumsOf } from "./sums.ts";
import { ALL, AT_ONCE, layAside } from "./waiting.ts";

/** Keys that one statement looks up. */
const MAX_LOOKED_UP = 1_000;
/** A use of a key that was idle for so long is written at once. */
const IDLE_MS = 30 * 60_000;
/** So many old reports are forgotten for each that is remembered: whatever the rate, there are never more than of three days for long. */
const FORGOTTEN = 2;

/**
 * Counts reports, each once, however often it comes. Where they are of more keys than one statement may write, most of
 * it waits.
 *
 * @param now - Milliseconds since the epoch.
 * @returns Whether some of it waits.
 * @throws DatabaseError
 */
export function countReports(d1: D1Database, reports: readonly UsageReport[], now: number): Promise<boolean> {
  return onPrimary(d1, async (db) => {
    const fresh = await uncounted(db, reports);
    if (fresh.length === 0) return false;
    const sums = addUp(fresh.flatMap(sumsOf));
    const remember = db
      .insert(usageReports)
      .select(sql`SELECT value ->> 0, value ->> 1 FROM ${listOf(fresh)}`);
    const forget = forgetReports(db, settledDay(now), FORGOTTEN * fresh.length);
    if (sums.length <= MAX_ROWS) {
      await db.batch([remember, addToDays(db, sums), forget]);
      return false;
    }
    const inUse = await keysInUse(db, sums, now);
    const parts = Map.groupBy(sums, ([keyId, , , , , lastUsedAt]) =>
      lastUsedAt === null || inUse.has(keyId) ? ALL : AT_ONCE,
    );
    await db.batch([remember, ...layAside(db, { parts, since: now }), forget]);
    return true;
  });
}

/** A day and an id for each. */
function listOf(reports: readonly UsageReport[]): SQL {
  return sql`json_each(${JSON.stringify(reports.map(({ day, id }) => [day, id]))})`;
}

/** The reports that were not counted yet, each once. */
async function uncounted(db: Database, reports: readonly UsageReport[]): Promise<UsageReport[]> {
  const { day, id } = usageReports;
  const isOneOfThem = sql`(${day}, ${id}) IN (SELECT value ->> 0, value ->> 1 FROM ${listOf(reports)})`;
  const nameOf = (report: { day: string; id: string }) => `${report.day} ${report.id}`;
  const counted = new Set((await db.select().from(usageReports).where(isOneOfThem)).map(nameOf));
  return [...new Map(reports.map((report) => [nameOf(report), report])).values()].filter(
    (report) => !counted.has(nameOf(report)),
  );
}

/** Those keys which the database knows to have been used of late. */
async function keysInUse(db: Database, sums: readonly Sum[], now: number): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for (const piece of chunks([...new Set(sums.map(([keyId]) => keyId))], MAX_LOOKED_UP)) {
    const rows = await db
      .select({ keyId: usageDays.keyId })
      .from(usageDays)
      .where(
        sql`${isOneOf(usageDays.keyId, piece)} AND ${inArray(usageDays.day, [dayOf(now), dayOf(now - DAY_MS)])} AND ${gte(usageDays.lastUsedAt, now - IDLE_MS)}`,
      );
    for (const { keyId } of rows) keys.add(keyId);
  }
  return keys;
}
