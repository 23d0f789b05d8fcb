import { eq, gte, inArray, type SQL, sql } from "drizzle-orm";
import { type Database, isOneOf, onPrimary } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys } from "../db/tables.ts";
import { usageDays, usageReports, waitingSums } from "../db/usage-tables.ts";
import { DAY_MS, dayOf } from "../lib/time.ts";
import { ofEachReason } from "./denials.ts";
import { DENIALS, type UsageReport } from "./recorder.ts";
import { addUp, FIRST_DENIAL, type Sum, sumsOf } from "./sums.ts";

/** Rows that one statement writes: some 20 ms, for which everybody else waits. */
const MAX_ROWS = 500;
/** Keys that one statement looks up. */
const MAX_LOOKED_UP = 1_000;
/** Rows of one `INSERT`, of four parameters each: D1 takes 100. */
const MAX_INSERTED = 25;
/** Pieces of a part that are added up at once. */
const MAX_PIECES = 50;
/** A use of a key that was idle for so long is written at once. */
const IDLE_MS = 30 * 60_000;
/** So long all others wait, so that a key's are written once. */
const WAIT_MS = 10 * 60_000;
/** The part of those that do not wait. */
export const AT_ONCE = "";

/**
 * Counts reports, each once, however often it comes. Where they are of more keys than one statement may write, most of
 * it waits.
 *
 * @param now - Milliseconds since the epoch.
 * @returns Whether there is something to be merged `AT_ONCE`.
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
    if (sums.length <= MAX_ROWS) {
      await db.batch([remember, merge(db, sums)]);
      return false;
    }
    const pieces = piecesOf(sums, await keysInUse(db, sums, now), now);
    const inserts = chunks(pieces, MAX_INSERTED).map((rows) => db.insert(waitingSums).values(rows));
    await db.batch([remember, ...inserts]);
    return pieces.some(({ part }) => part === AT_ONCE);
  });
}

/**
 * Writes what waits in one part, or some of it.
 *
 * @returns How many pieces it was; 0: none is left.
 * @throws DatabaseError
 */
export function mergeWaiting(d1: D1Database, part: string): Promise<number> {
  return onPrimary(d1, async (db) => {
    const ofPart = eq(waitingSums.part, part);
    const { id, sums } = waitingSums;
    const waiting = await db.select({ id, sums }).from(waitingSums).where(ofPart).limit(MAX_PIECES);
    let total: Sum[] = [];
    let count = 0;
    for (const piece of waiting) {
      const more = addUp([...total, ...(JSON.parse(piece.sums) as Sum[])]);
      if (count > 0 && more.length > MAX_ROWS) break;
      total = more;
      count += 1;
    }
    if (count === 0) return 0;
    const taken = sql`${ofPart} AND ${isOneOf(
      id,
      waiting.slice(0, count).map((piece) => piece.id),
    )}`;
    // Another run may have taken some of them meanwhile.
    const isWhole = sql`(SELECT count(*) FROM ${waitingSums} WHERE ${taken}) = ${count}`;
    const [, { meta }] = await db.batch([
      merge(db, total, isWhole),
      db.delete(waitingSums).where(sql`${taken} AND ${isWhole}`),
    ]);
    return meta.changes;
  });
}

/**
 * The parts that have waited for long enough.
 *
 * @throws DatabaseError
 */
export function dueParts(d1: D1Database, now: number): Promise<string[]> {
  return onPrimary(d1, async (db) => {
    const isDue = sql`min(${waitingSums.since}) <= ${now - WAIT_MS} OR ${waitingSums.part} = ${AT_ONCE}`;
    const parts = db
      .select({ part: waitingSums.part })
      .from(waitingSums)
      .groupBy(waitingSums.part)
      .having(isDue);
    return (await parts).map(({ part }) => part);
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

/**
 * What waits, and where: a use of a key that was idle is written at once; all else waits with the sums of keys whose
 * ids end alike, so that one statement adds up those of many batches.
 */
function piecesOf(sums: readonly Sum[], inUse: ReadonlySet<string>, since: number) {
  const parts = new Map<string, Sum[]>();
  const length = sums.length < MAX_ROWS * 8 ? 1 : 2;
  for (const sum of sums) {
    const [keyId, , , , , lastUsedAt] = sum;
    const part = lastUsedAt === null || inUse.has(keyId) ? keyId.slice(-length) : AT_ONCE;
    const others = parts.get(part);
    if (others === undefined) parts.set(part, [sum]);
    else others.push(sum);
  }
  return [...parts].flatMap(([part, all]) =>
    chunks(all, MAX_ROWS).map((piece) => ({
      part,
      id: crypto.randomUUID(),
      since,
      sums: JSON.stringify(piece),
    })),
  );
}

const REASONS = sql.join(
  DENIALS.map(
    (reason, i) =>
      sql`coalesce(value ->> ${sql.raw(String(FIRST_DENIAL + i))}, 0) AS ${sql.identifier(reason)}`,
  ),
  sql`, `,
);

/** Adds sums to the counts, where `isGranted`. Those of no key of their company are left out. */
function merge(db: Database, sums: readonly Sum[], isGranted: SQL = sql`true`) {
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

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) =>
    list.slice(i * size, (i + 1) * size),
  );
}
