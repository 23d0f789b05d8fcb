import { and, eq, gt, isNull, lte, notExists, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import { type Database, onPrimary } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys, auditEvents, progress } from "../db/tables.ts";
import { DAY_MS } from "../lib/time.ts";

/** Events of one transaction, for which everybody else waits. */
const PIECE = 500;
const MAX_PIECES = 100;
const PAUSE_MS = 20;

/** A random UUID (RFC 9562 §5.4) for each row of a statement. */
const NEW_UUID = sql`lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
  || '-' || substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`;

/** What is noted in the audit log when keys come near their end, or to it. */
interface Notice {
  /** Under which it is known how far the last run got. */
  job: string;
  action: "expiring" | "expired";
  /** `null`: those at their end. */
  days: number | null;
  /** How long before their end keys are due, and for how long. */
  dueMs: number;
  untilMs: number;
}

/**
 * Notes in the audit log which keys are near their end, so many days before it, and which have come to it: each once, and
 * however late it is asked. A key that another one replaces is not said to be near its end, nor is one that was made for
 * fewer days. What happened before the first run is not noted.
 *
 * @param now - Milliseconds since the epoch.
 * @throws DatabaseError
 */
export async function noteExpiry(d1: D1Database, now: number, days: readonly number[]): Promise<void> {
  for (const notice of notices(days)) {
    const since = await startOf(d1, notice.job, now);
    for (let i = 0; i < MAX_PIECES; i++) {
      if ((await onPrimary(d1, (db) => note(db, notice, since, now))) === 0) break;
      await scheduler.wait(PAUSE_MS);
    }
  }
}

function notices(days: readonly number[]): Notice[] {
  const rising = [...new Set(days)].sort((a, b) => a - b);
  const expiring = rising.map((day, i): Notice => {
    const untilMs = (rising[i - 1] ?? 0) * DAY_MS;
    return { job: `expiring ${day}`, action: "expiring", days: day, dueMs: day * DAY_MS, untilMs };
  });
  return [...expiring, { job: "expired", action: "expired", days: null, dueMs: 0, untilMs: -Infinity }];
}

/** How far the last run got; of the first, now. */
function startOf(d1: D1Database, job: string, now: number): Promise<number> {
  return onPrimary(d1, async (db) => {
    const [, rows] = await db.batch([
      db.insert(progress).values({ job, done: now }).onConflictDoNothing(),
      db.select({ done: progress.done }).from(progress).where(eq(progress.job, job)),
    ]);
    return rows[0]?.done ?? now;
  });
}

/** @returns 0 once all are noted, and it is known how far that was. */
async function note(db: Database, notice: Notice, since: number, now: number): Promise<number> {
  const { job, action, days } = notice;
  const detail = days === null ? null : { days: String(days) };
  const values = selectInto(
    auditEvents,
    {
      seq: null,
      id: NEW_UUID,
      companyId: apiKeys.companyId,
      keyId: apiKeys.id,
      action,
      actorIssuer: null,
      actorSubject: null,
      isOperator: sql`false`,
      at: days === null ? apiKeys.expiresAt : now,
      detail,
    },
    sql`FROM ${apiKeys} WHERE ${isDue(db, notice, since, now)} ORDER BY ${apiKeys.expiresAt} LIMIT ${PIECE}`,
  );
  const noted = await db.insert(auditEvents).select(values).returning({ id: auditEvents.id });
  if (noted.length === PIECE) return noted.length;
  await db
    .update(progress)
    .set({ done: now })
    .where(and(eq(progress.job, job), lte(progress.done, now)));
  return 0;
}

function isDue(
  db: Database,
  { action, days, dueMs, untilMs }: Notice,
  since: number,
  now: number,
): SQL | undefined {
  const successor = alias(apiKeys, "successor");
  const isNoted = and(
    eq(auditEvents.companyId, apiKeys.companyId),
    eq(auditEvents.keyId, apiKeys.id),
    eq(auditEvents.action, action),
    days === null ? undefined : sql`${auditEvents.detail} ->> '$.days' = ${String(days)}`,
  );
  return and(
    gt(apiKeys.expiresAt, Math.max(since + dueMs, now + untilMs)),
    lte(apiKeys.expiresAt, now + dueMs),
    isNull(apiKeys.revokedAt),
    lte(apiKeys.createdAt, sql`${apiKeys.expiresAt} - ${dueMs}`),
    notExists(db.select({ id: auditEvents.id }).from(auditEvents).where(isNoted)),
    days === null
      ? undefined
      : notExists(
          db.select({ id: successor.id }).from(successor).where(eq(successor.replacesId, apiKeys.id)),
        ),
  );
}
