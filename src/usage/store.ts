import { and, between, eq, isNotNull, lt, max, ne, sql } from "drizzle-orm";
import { isOneOf, onPrimary } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys, usageDays } from "../db/tables.ts";
import { DENIALS, type Denial, REPORT_ID_LENGTH, type UsageReport } from "./recorder.ts";
import type { DayUsage } from "./schema.ts";

/** Reports that a key's day remembers. */
const REMEMBERED = 100;

/** Where a row of a report has the first of its denials. */
const FIRST_DENIAL = 7;

const REASONS = sql.join(
  DENIALS.map(
    (reason, i) => sql`value ->> ${sql.raw(String(FIRST_DENIAL + i))} AS ${sql.identifier(reason)}`,
  ),
  sql`, `,
);

function ofEachReason<T>(make: (reason: Denial) => T): Record<Denial, T> {
  const [expired, revoked, suspended, scope, address, limit] = DENIALS;
  return {
    expired: make(expired),
    revoked: make(revoked),
    suspended: make(suspended),
    scope: make(scope),
    address: make(address),
    limit: make(limit),
  };
}

/**
 * Merges reports into per-day counts, in one statement: a row for each key and day. A report that was merged
 * before changes nothing, unless `REMEMBERED` others of the same key came in between; nor does one that names
 * no key of its company.
 *
 * @throws DatabaseError
 */
export async function mergeReports(d1: D1Database, reports: readonly UsageReport[]): Promise<void> {
  if (reports.length === 0) return;
  // A short array for each use: SQLite parses what it takes a member from anew for each row.
  const rows = reports.flatMap(({ id, day, keys }) =>
    keys.map((use) => [
      id,
      day,
      use.keyId,
      use.companyId,
      use.allowed,
      use.denied,
      use.lastUsedAt,
      ...(use.denials ?? DENIALS.map(() => 0)),
    ]),
  );
  const uses = sql`(SELECT DISTINCT value ->> 0 AS report, value ->> 1 AS day, value ->> 2 AS key_id,
      value ->> 3 AS company_id, value ->> 4 AS allowed, value ->> 5 AS denied, value ->> 6 AS last_used_at,
      ${REASONS}
    FROM json_each(${JSON.stringify(rows)})) AS uses`;
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
            ...ofEachReason((reason) => sql`sum(uses.${sql.identifier(reason)})`),
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
          ...ofEachReason(
            (reason) => sql`${usageDays[reason]} + excluded.${sql.identifier(usageDays[reason].name)}`,
          ),
          lastUsedAt: sql`nullif(max(coalesce(${usageDays.lastUsedAt}, 0), coalesce(excluded.last_used_at, 0)), 0)`,
          reports: sql`substr(excluded.reports || ' ' || ${usageDays.reports}, 1, ${REMEMBERED * (REPORT_ID_LENGTH + 1)})`,
        },
      }),
  );
}

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

/** Rows of `usage_days` that were looked at, in the order of `rowid`. */
export interface Looked {
  count: number;
  /** The last of them. */
  last: number;
}

/**
 * Forgets which reports made the counts of `day`, whose reports are all delivered. It looks at `limit` rows of that
 * day, those after `after`.
 *
 * @throws DatabaseError
 */
export function forgetReports(d1: D1Database, day: string, after: number, limit: number): Promise<Looked> {
  return onPrimary(d1, async (db) => {
    const looked = sql`(SELECT rowid FROM ${usageDays}
      WHERE ${eq(usageDays.day, day)} AND rowid > ${after} ORDER BY rowid LIMIT ${limit})`;
    const count = sql<number>`count(*)`;
    const last = sql<number>`coalesce(max(rowid), ${after})`;
    const [, rows] = await db.batch([
      db
        .update(usageDays)
        .set({ reports: "" })
        .where(and(sql`rowid IN ${looked}`, ne(usageDays.reports, ""))),
      db.select({ count, last }).from(looked),
    ]);
    return rows[0] ?? { count: 0, last: after };
  });
}
