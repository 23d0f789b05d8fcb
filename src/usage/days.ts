import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys } from "../db/tables.ts";
import { usageDays } from "../db/usage-tables.ts";
import { ofEachReason } from "./denials.ts";
import { DENIALS } from "./recorder.ts";
import { FIRST_DENIAL, type Sum } from "./sums.ts";

/** Rows that one statement writes: some 20 ms, for which everybody else waits. */
export const MAX_ROWS = 500;

const REASONS = sql.join(
  DENIALS.map(
    (reason, i) =>
      sql`coalesce(value ->> ${sql.raw(String(FIRST_DENIAL + i))}, 0) AS ${sql.identifier(reason)}`,
  ),
  sql`, `,
);

/** The statement that adds sums to the counts, where `isGranted`. Those of no key of their company are left out. */
export function addToDays(db: Database, sums: readonly Sum[], isGranted: SQL = sql`true`) {
  const uses = sql`(SELECT value ->> 0 AS key_id, value ->> 1 AS company_id, value ->> 2 AS day,
      value ->> 3 AS allowed, value ->> 4 AS denied, value ->> 5 AS last_used_at, ${REASONS}
    FROM json_each(${JSON.stringify(sums)})) AS uses`;
  return db
    .insert(usageDays)
    .select(
      selectInto(
        usageDays,
        {
          keyId: sql`uses.key_id`,
          companyId: sql`uses.company_id`,
          day: sql`uses.day`,
          allowed: sql`uses.allowed`,
          denied: sql`uses.denied`,
          ...ofEachReason((reason) => sql`uses.${sql.identifier(reason)}`),
          lastUsedAt: sql`uses.last_used_at`,
        },
        sql`FROM ${uses}
          CROSS JOIN ${apiKeys} ON ${apiKeys.id} = uses.key_id AND ${apiKeys.companyId} = uses.company_id
          WHERE ${isGranted}`,
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
      },
    });
}
