import { eq, gte, inArray, min, type SQL, sql } from "drizzle-orm";
import { type Database, isOneOf, onPrimary } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys, usageDays, usageReports, waitingSums } from "../db/tables.ts";
import { DAY_MS, dayOf } from "../lib/time.ts";
import { ofEachReason } from "./denials.ts";
import { DENIALS, type UsageReport } from "./recorder.ts";
import { FIRST_DENIAL, type Sum, sumUp } from "./sums.ts";

/** Rows that one statement writes: some 20 ms, for which everybody else waits. */
const MAX_ROWS = 500;
/** Keys that one statement looks up. */
const MAX_LOOKED_UP = 2_000;
/** Rows of one `INSERT`, of four parameters each: D1 takes 100. */
const MAX_INSERTED = 25;
/** A use of a key that was idle for so long is written at once. */
const IDLE_MS = 30 * 60_000;
/** So long sums wait, so that each key's are written once. */
const WAIT_MS = 10 * 60_000;
/** Of sums that wait: those to be written at once, in pieces of `MAX_ROWS`. */
export const AT_ONCE = "";
/** Pieces of one part, but of `AT_ONCE`, that one statement adds up. */
const MAX_PIECES = 20;

/**
 * Counts reports, each once, however often it comes. What is more than one statement may write waits: see `dueParts`.
 *
 * @param now - Milliseconds since the epoch.
 * @returns Whether some of it waits to be written at once.
 * @throws DatabaseError
 */
export function countReports(d1: D1Database, reports: readonly UsageReport[], now: number): Promise<boolean> {
  return onPrimary(d1, async (db) => {
    const fresh = await unknown(db, reports);
    if (fresh.length === 0) return false;
    const ids = sql`SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify(fresh.map(({ day, id }) => [day, id]))})`;
    const remember = db.insert(usageReports).select(ids);
    const sums = sumUp(fresh);
    if (sums.length <= MAX_ROWS) {
      await db.batch([remember, merge(db, sql`json_each(${JSON.stringify(sums)})`)]);
      return false;
    }
    const waiting = piecesOf(sums, await keysInUse(db, sums, now), now);
    const inserts = chunks(waiting, MAX_INSERTED).map((rows) => db.insert(waitingSums).values(rows));
    await db.batch([remember, ...inserts]);
    return waiting.some(({ part }) => part === AT_ONCE);
  });
}

/**
 * Writes what waits in one part, or a piece of it.
 *
 * @returns How many pieces there were; 0: none is left.
 * @throws DatabaseError
 */
export function mergeWaiting(d1: D1Database, part: string): Promise<number> {
  return onPrimary(d1, async (db) => {
    const limit = part === AT_ONCE ? 1 : MAX_PIECES;
    const pieces = sql`${waitingSums.part} = ${part} AND ${waitingSums.id} IN (
      SELECT id FROM ${waitingSums} WHERE ${waitingSums.part} = ${part} ORDER BY id LIMIT ${limit})`;
    const [, { meta }] = await db.batch([
      merge(db, sql`${waitingSums} CROSS JOIN json_each(${waitingSums.sums}) WHERE ${pieces}`),
      db.delete(waitingSums).where(pieces),
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
    const since = min(waitingSums.since).mapWith(Number);
    const rows = await db
      .select({ part: waitingSums.part, since })
      .from(waitingSums)
      .groupBy(waitingSums.part);
    return rows
      .filter(({ part, since }) => part === AT_ONCE || since <= now - WAIT_MS)
      .map(({ part }) => part);
  });
}

const REASONS = sql.join(
  DENIALS.map(
    (reason, i) => sql`value ->> ${sql.raw(String(FIRST_DENIAL + i))} AS ${sql.identifier(reason)}`,
  ),
  sql`, `,
);

/** The reports that were not counted yet, each once. */
async function unknown(db: Database, reports: readonly UsageReport[]): Promise<UsageReport[]> {
  const byId = new Map(reports.map((report) => [`${report.day} ${report.id}`, report]));
  const known = await db
    .select()
    .from(usageReports)
    .where(
      sql`(${usageReports.day}, ${usageReports.id}) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify([...byId.values()].map(({ day, id }) => [day, id]))}))`,
    );
  for (const { day, id } of known) byId.delete(`${day} ${id}`);
  return [...byId.values()];
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
  for (const sum of sums) {
    const [keyId, , , , , lastUsedAt] = sum;
    const part = lastUsedAt === null || inUse.has(keyId) ? keyId.slice(-2) : AT_ONCE;
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

/** Adds sums, one an entry of `value`, to the counts: a row for each key and day. Those of no key of their company are left out. */
function merge(db: Database, source: SQL) {
  const uses = sql`(SELECT value ->> 0 AS key_id, value ->> 1 AS company_id, value ->> 2 AS day,
      value ->> 3 AS allowed, value ->> 4 AS denied, value ->> 5 AS last_used_at, ${REASONS}
    FROM ${source}) AS uses`;
  return db
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
        },
        sql`FROM ${uses}
          CROSS JOIN ${apiKeys} ON ${apiKeys.id} = uses.key_id AND ${apiKeys.companyId} = uses.company_id
          WHERE true GROUP BY uses.key_id, uses.day`,
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
