import { and, asc, desc, eq, gt, sql } from "drizzle-orm";
import { onPrimary } from "../db/client.ts";
import type { Databases } from "../db/databases.ts";
import { apiKeys, progress, TOTALS_JOB } from "../db/tables.ts";
import { busyKeys, companyDays, usageDays } from "../db/usage-tables.ts";
import { DAY_MS, dayOf } from "../lib/time.ts";

/** Counts of keys that one statement reads, and sums that one writes: some 20 ms. */
const PIECE = 5_000;
const MAX_ROWS = 500;
/** Pieces of one day, as D1 lets one run make 1,000 queries: 1,500,000 keys that were used. */
const MAX_PIECES = 300;
/** Of a day, so many keys with the most uses are kept, and with the most refusals. */
export const KEPT_KEYS = 100;

/** How often a company's keys, or one key, were accepted and refused on a day. */
interface Counts {
  companyId: string;
  allowed: number;
  denied: number;
}
type KeyCounts = Counts & { keyId: string };

/**
 * Adds up the uses of today and yesterday by company, and finds the keys with most of them. What was added up before is
 * replaced.
 *
 * @param now - Milliseconds since the epoch.
 * @throws DatabaseError
 */
export async function addUpDays(d1: D1Database, now: number): Promise<void> {
  for (const day of [dayOf(now - DAY_MS), dayOf(now)]) await addUpDay(d1, day);
  await onPrimary(d1, async (db) => {
    const set = { done: now };
    const noted = db.insert(progress).values({ job: TOTALS_JOB, ...set });
    await noted.onConflictDoUpdate({ target: progress.job, set });
  });
}

async function addUpDay(d1: D1Database, day: string): Promise<void> {
  const companies = new Map<string, Counts>();
  let accepted: KeyCounts[] = [];
  let refused: KeyCounts[] = [];
  let after = 0;
  for (let i = 0; i < MAX_PIECES; i++) {
    const rows = await usesAfter(d1, day, after);
    for (const { companyId, allowed, denied } of rows) {
      const sum = companies.get(companyId) ?? { companyId, allowed: 0, denied: 0 };
      companies.set(companyId, {
        companyId,
        allowed: sum.allowed + allowed,
        denied: sum.denied + denied,
      });
    }
    accepted = most([...accepted, ...rows], "allowed");
    refused = most([...refused, ...rows], "denied");
    after = rows.at(-1)?.rowid ?? after;
    if (rows.length < PIECE) break;
  }
  await writeCompanies(d1, day, [...companies.values()]);
  const keys = new Map([...accepted, ...refused].map((key) => [key.keyId, key]));
  await writeKeys(d1, day, [...keys.values()]);
}

function most(keys: KeyCounts[], by: "allowed" | "denied"): KeyCounts[] {
  return keys
    .filter((key) => key[by] > 0)
    .sort((a, b) => b[by] - a[by])
    .slice(0, KEPT_KEYS);
}

function usesAfter(d1: D1Database, day: string, after: number) {
  const rowid = sql<number>`${usageDays}.rowid`;
  const { keyId, companyId, allowed, denied } = usageDays;
  return onPrimary(d1, (db) =>
    db
      .select({ rowid, keyId, companyId, allowed, denied })
      .from(usageDays)
      .where(and(eq(usageDays.day, day), gt(rowid, after)))
      .orderBy(asc(rowid))
      .limit(PIECE),
  );
}

async function writeCompanies(d1: D1Database, day: string, sums: readonly Counts[]): Promise<void> {
  const { allowed, denied } = companyDays;
  for (let i = 0; i < sums.length; i += MAX_ROWS) {
    const piece = sums.slice(i, i + MAX_ROWS).map((sum) => [sum.companyId, sum.allowed, sum.denied]);
    await onPrimary(d1, async (db) => {
      const values = sql`SELECT ${day}, value ->> 0, value ->> 1, value ->> 2
        FROM json_each(${JSON.stringify(piece)}) WHERE true`;
      await db
        .insert(companyDays)
        .select(values)
        .onConflictDoUpdate({
          target: [companyDays.day, companyDays.companyId],
          set: { allowed: sql`excluded.allowed`, denied: sql`excluded.denied` },
          setWhere: sql`(${allowed}, ${denied}) IS NOT (excluded.allowed, excluded.denied)`,
        });
    });
  }
}

function writeKeys(d1: D1Database, day: string, keys: readonly KeyCounts[]): Promise<void> {
  const list = keys.map((key) => [key.keyId, key.companyId, key.allowed, key.denied]);
  return onPrimary(d1, async (db) => {
    const values = sql`SELECT ${day}, value ->> 0, value ->> 1, value ->> 2, value ->> 3
      FROM json_each(${JSON.stringify(list)})`;
    await db.batch([db.delete(busyKeys).where(eq(busyKeys.day, day)), db.insert(busyKeys).select(values)]);
  });
}

/** What of a day was added up, most first: by accepted uses, and by refused ones. @throws DatabaseError */
export function busiestOf(d1: D1Database, day: string, limit: number) {
  return onPrimary(d1, async (db) => {
    const { companyId, allowed, denied } = companyDays;
    const companiesBy = (count: typeof allowed | typeof denied) =>
      db
        .select({ companyId, allowed, denied })
        .from(companyDays)
        .where(and(eq(companyDays.day, day), gt(count, 0)))
        .orderBy(desc(count), desc(companyId))
        .limit(limit);
    const keysBy = (count: typeof busyKeys.allowed | typeof busyKeys.denied) =>
      db
        .select({
          id: busyKeys.keyId,
          companyId: busyKeys.companyId,
          keyPrefix: apiKeys.keyPrefix,
          label: apiKeys.label,
          allowed: busyKeys.allowed,
          denied: busyKeys.denied,
        })
        .from(busyKeys)
        .leftJoin(apiKeys, eq(apiKeys.id, busyKeys.keyId))
        .where(and(eq(busyKeys.day, day), gt(count, 0)))
        .orderBy(desc(count), desc(busyKeys.keyId))
        .limit(limit);
    const [companiesAllowed, companiesDenied, keysAllowed, keysDenied, runs] = await db.batch([
      companiesBy(allowed),
      companiesBy(denied),
      keysBy(busyKeys.allowed),
      keysBy(busyKeys.denied),
      db.select({ at: progress.done }).from(progress).where(eq(progress.job, TOTALS_JOB)),
    ]);
    return {
      addedUpAt: runs[0]?.at ?? null,
      companies: { allowed: companiesAllowed, denied: companiesDenied },
      keys: { allowed: keysAllowed, denied: keysDenied },
    };
  });
}

/** The same of all databases together. A company and its keys are in one of them. @throws DatabaseError */
export async function busiestOfAll({ all }: Pick<Databases, "all">, day: string, limit: number) {
  const found = await Promise.all(all.map(({ d1 }) => busiestOf(d1, day, limit)));
  const mostOf = <T extends Record<"allowed" | "denied", number>>(lists: T[][], by: "allowed" | "denied") =>
    lists
      .flat()
      .sort((a, b) => b[by] - a[by])
      .slice(0, limit);
  const times = found.map(({ addedUpAt }) => addedUpAt ?? 0);
  return {
    addedUpAt: Math.min(...times) || null,
    companies: {
      allowed: mostOf(
        found.map(({ companies }) => companies.allowed),
        "allowed",
      ),
      denied: mostOf(
        found.map(({ companies }) => companies.denied),
        "denied",
      ),
    },
    keys: {
      allowed: mostOf(
        found.map(({ keys }) => keys.allowed),
        "allowed",
      ),
      denied: mostOf(
        found.map(({ keys }) => keys.denied),
        "denied",
      ),
    },
  };
}

/**
 * Forgets the sums of days before `firstDay`: `limit` of them at most.
 *
 * @returns How many there were of the more frequent kind: fewer than `limit` where none is left.
 * @throws DatabaseError
 */
export function dropTotals(d1: D1Database, firstDay: string, limit: number): Promise<number> {
  return onPrimary(d1, async (db) => {
    const dropped = await db.batch([
      db
        .delete(companyDays)
        .where(
          sql`(day, company_id) IN (SELECT day, company_id FROM ${companyDays} WHERE day < ${firstDay} LIMIT ${limit})`,
        ),
      db
        .delete(busyKeys)
        .where(
          sql`(day, key_id) IN (SELECT day, key_id FROM ${busyKeys} WHERE day < ${firstDay} LIMIT ${limit})`,
        ),
    ]);
    return Math.max(...dropped.map(({ meta }) => meta.changes));
  });
}
