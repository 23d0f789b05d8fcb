import { and, count, desc, eq, gt, isNull, min, sql, sum } from "drizzle-orm";
import { type Database, onPrimary } from "../db/client.ts";
import { endOf } from "../db/columns.ts";
import {
  apiKeys,
  auditEvents,
  EVENTS_JOB,
  keyChanges,
  keyCounts,
  progress,
  RETENTION_JOB,
} from "../db/tables.ts";
import { waitingSums } from "../db/usage-tables.ts";
import { GENERATIONS } from "../keys/dead.ts";

/** Live keys of one generation are counted up to here: some 10 ms. */
export const MAX_COUNTED = 100_000;

/** What one database is like. Times are milliseconds since the epoch; `null`: there is none. */
export interface DatabaseState {
  sizeBytes: number;
  companies: number;
  /** That are not revoked. */
  keys: number;
  /** By generation, `MAX_COUNTED` at most; those without any are left out. */
  liveKeys: Map<string, number>;
  newestChangeAt: number | null;
  /** Sums of uses that are still to be written to the keys' days, and since when the first of them waits. */
  usage: { waiting: number; since: number | null };
  /** Events that are still to be handed to the queue. */
  untoldEvents: number;
  retentionAt: number | null;
  /** The last one that was applied by wrangler. */
  migration: string | null;
}

/** @throws DatabaseError */
export function stateOf(d1: D1Database, now: number): Promise<DatabaseState> {
  return onPrimary(d1, async (db) => {
    const [counted, generations, changes, usage, newest, jobs] = await db.batch([
      db
        .select({ companies: count(), keys: sql<number>`coalesce(${sum(keyCounts.keys)}, 0)` })
        .from(keyCounts),
      liveByGeneration(db, now),
      db.select({ at: keyChanges.changedAt }).from(keyChanges).orderBy(desc(keyChanges.seq)).limit(1),
      db.select({ waiting: count(), since: min(waitingSums.since) }).from(waitingSums),
      db.select({ seq: auditEvents.seq }).from(auditEvents).orderBy(desc(auditEvents.seq)).limit(1),
      db.select({ job: progress.job, done: progress.done }).from(progress),
    ]);
    const done = new Map(jobs.map((row) => [row.job, row.done]));
    const last = newest[0]?.seq ?? 0;
    return {
      sizeBytes: await sizeOf(db),
      ...{ companies: 0, keys: 0, ...counted[0] },
      liveKeys: new Map(
        generations.filter(({ keys }) => keys > 0).map(({ generation, keys }) => [generation, keys]),
      ),
      newestChangeAt: changes[0]?.at ?? null,
      usage: { waiting: 0, since: null, ...usage[0] },
      untoldEvents: last - Math.min(done.get(EVENTS_JOB) ?? 0, last),
      retentionAt: done.get(RETENTION_JOB) ?? null,
      migration: await lastMigration(db),
    };
  });
}

function liveByGeneration(db: Database, now: number) {
  const live = db
    .select({ one: sql`1` })
    .from(apiKeys)
    .where(
      and(eq(apiKeys.generation, sql`value`), isNull(apiKeys.revokedAt), gt(endOf(apiKeys.expiresAt), now)),
    )
    .limit(MAX_COUNTED);
  return db
    .select({ generation: sql<string>`value`, keys: sql<number>`(SELECT count(*) FROM ${live})` })
    .from(sql`json_each(${JSON.stringify(GENERATIONS)})`);
}

async function sizeOf(db: Database): Promise<number> {
  const { meta } = await db.run(sql`SELECT 1`);
  return meta.size_after;
}

/** Wrangler's own table: a database that was set up in another way has none. */
async function lastMigration(db: Database): Promise<string | null> {
  const has = await db.get(sql`SELECT 1 FROM sqlite_schema WHERE name = 'd1_migrations'`);
  if (has === undefined) return null;
  const row = await db.get<{ name: string }>(sql`SELECT name FROM d1_migrations ORDER BY id DESC LIMIT 1`);
  return row?.name ?? null;
}
