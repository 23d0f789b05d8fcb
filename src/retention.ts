import { dropUses } from "./dashboard/once.ts";
import { dropSessions } from "./dashboard/store.ts";
import { onPrimary } from "./db/client.ts";
import type { Databases, NamedDatabase } from "./db/databases.ts";
import { progress, RETENTION_JOB } from "./db/tables.ts";
import { dropAnswers } from "./keys/answers.ts";
import { dropDeadKeys } from "./keys/dead.ts";
import { describeFault } from "./lib/fault.ts";
import type { Settings } from "./lib/settings.ts";
import { DAY_MS, dayOf } from "./lib/time.ts";
import { dropDays, dropReports, settledDay } from "./usage/store.ts";
import { dropTotals } from "./usage/totals.ts";
import { dropChanges } from "./verify/store.ts";

/** An isolate that has been idle for longer starts afresh. */
const CHANGES_DAYS = 1;
const USAGE_DAYS = 400;

/** Rows of one transaction: some 20 ms, for which everybody else waits. */
const PIECE_ROWS = 500;
/** Each dropped key is a change that every isolate takes in: a few at a time. */
const PIECE_KEYS = 100;

/** Of one run, in all databases: D1 lets a run make 1,000 queries, some of which are for counts. What is left over waits for the next. */
const MAX_PIECES = 200;

/** What is dropped, and how fast. */
interface Job {
  what: string;
  /** Drops at most so many, and tells how many there were. */
  drop: (limit: number) => Promise<number>;
  limit: number;
  /** In one run. */
  pieces: number;
  /** After a piece it is everybody else's turn. */
  pauseMs: number;
}

/**
 * Drops what is kept no longer, in pieces of bounded size, so that nobody who uses a key waits for it. The audit log
 * stays for good. All databases have their turn at once, with a share each of what one run may do, and in each of them all
 * that is dropped: where there is too much of one thing, all else is dropped nevertheless. What fails is in the log, and
 * keeps nothing else from being dropped.
 *
 * @param now - Milliseconds since the epoch.
 * @param deadKeyDays - Days that a key is kept after its end.
 */
export async function dropOld(
  { all, first }: Pick<Databases, "all" | "first">,
  now: number,
  deadKeyDays: Settings<number>,
): Promise<void> {
  const dropIn = async ({ name: database, d1 }: NamedDatabase) => {
    const report = (what: string, fault: unknown) =>
      console.error(
        JSON.stringify({ event: "retention_failed", what, database, fault: describeFault(fault) }),
      );
    let left = MAX_PIECES / all.length;
    let unfinished = jobs({ first, d1 }, now, deadKeyDays);
    for (let round = 1; unfinished.length > 0 && left > 0; round++) {
      left -= unfinished.length;
      const more: Job[] = [];
      for (const job of unfinished) {
        const isFull = await dropPiece(job).catch((fault: unknown) => report(job.what, fault));
        if (isFull && round < job.pieces) more.push(job);
      }
      unfinished = more;
    }
    await noteRun(d1, now).catch((fault: unknown) => report("run", fault));
  };
  await Promise.all(all.map(dropIn));
}

/** @returns Whether there may be more. */
async function dropPiece({ drop, limit, pauseMs }: Job): Promise<boolean> {
  if ((await drop(limit)) < limit) return false;
  await scheduler.wait(pauseMs);
  return true;
}

/** Tells the operator that it has run. */
function noteRun(d1: D1Database, now: number): Promise<void> {
  return onPrimary(d1, async (db) => {
    const set = { done: now };
    await db
      .insert(progress)
      .values({ job: RETENTION_JOB, ...set })
      .onConflictDoUpdate({ target: progress.job, set });
  });
}

function jobs(
  { first, d1 }: { first: D1Database; d1: D1Database },
  now: number,
  deadKeyDays: Settings<number>,
): Job[] {
  const daysAgo = (days: number) => now - days * DAY_MS;
  const firstDay = dayOf(daysAgo(USAGE_DAYS));
  const drops: Record<string, Job["drop"]> = {
    changes: (limit) => dropChanges(d1, daysAgo(CHANGES_DAYS), limit),
    usage: (limit) => dropDays(d1, firstDay, limit),
    totals: (limit) => dropTotals(d1, firstDay, limit),
    reports: (limit) => dropReports(d1, settledDay(now), limit),
    answers: (limit) => dropAnswers(d1, now, limit),
    sessions: (limit) => dropSessions(d1, now, limit),
    uses: (limit) => dropUses(d1, now, limit),
  };
  const rows = { limit: PIECE_ROWS, pieces: MAX_PIECES, pauseMs: 20 };
  return [
    ...Object.entries(drops).map(([what, drop]) => ({ ...rows, what, drop })),
    {
      what: "keys",
      limit: PIECE_KEYS,
      pieces: 20,
      pauseMs: 2_000,
      drop: (limit) => dropDeadKeys({ first, d1 }, daysAgo(deadKeyDays()), limit),
    },
  ];
}
