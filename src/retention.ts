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
import { dropDays, dropReports } from "./usage/store.ts";
import { dropTotals } from "./usage/totals.ts";
import { dropChanges } from "./verify/store.ts";

/** An isolate that has been idle for longer starts afresh. */
const CHANGES_DAYS = 1;
const USAGE_DAYS = 400;
/** Days after which no report of a day is still on its way. */
const SETTLED_DAYS = 2;

/** Rows of one transaction: some 20 ms, for which everybody else waits. */
const PIECE_ROWS = 500;
/** Each dropped key is a change that every isolate takes in: a few at a time. */
const PIECE_KEYS = 100;

/** What is dropped, and how fast. D1 lets one run make 1,000 queries: what is left over waits for the next run. */
interface Job {
  what: string;
  /** Drops at most so many, and tells how many there were. */
  drop: (limit: number) => Promise<number>;
  limit: number;
  /** Pieces in one run. */
  pieces: number;
  /** Between two pieces it is everybody else's turn. */
  pauseMs: number;
}

/**
 * Drops what is kept no longer, in pieces of bounded size, so that nobody who uses a key waits for it. The audit log
 * stays for good. All databases have their turn at once. What fails is in the log, and keeps nothing else from being dropped.
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
    for (const job of jobs({ first, d1 }, (days) => now - days * DAY_MS, deadKeyDays)) {
      try {
        await run(job, all.length);
      } catch (fault) {
        report(job.what, fault);
      }
    }
    await noteRun(d1, now).catch((fault: unknown) => report("run", fault));
  };
  await Promise.all(all.map(dropIn));
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

/** @param databases - That have a share each of what one run may do. */
async function run({ drop, limit, pieces, pauseMs }: Job, databases: number): Promise<void> {
  for (let i = 0; i < Math.ceil(pieces / databases); i++) {
    if ((await drop(limit)) < limit) return;
    await scheduler.wait(pauseMs);
  }
}

function jobs(
  { first, d1 }: { first: D1Database; d1: D1Database },
  daysAgo: (days: number) => number,
  deadKeyDays: Settings<number>,
): Job[] {
  const rows = { limit: PIECE_ROWS, pauseMs: 20 };
  const settled = dayOf(daysAgo(SETTLED_DAYS));
  return [
    {
      ...rows,
      what: "changes",
      pieces: 100,
      drop: (limit) => dropChanges(d1, daysAgo(CHANGES_DAYS), limit),
    },
    {
      ...rows,
      what: "usage",
      pieces: 300,
      drop: (limit) => dropDays(d1, dayOf(daysAgo(USAGE_DAYS)), limit),
    },
    {
      ...rows,
      what: "totals",
      pieces: 100,
      drop: (limit) => dropTotals(d1, dayOf(daysAgo(USAGE_DAYS)), limit),
    },
    {
      ...rows,
      what: "reports",
      pieces: 100,
      drop: (limit) => dropReports(d1, settled, limit),
    },
    {
      ...rows,
      what: "answers",
      pieces: 100,
      drop: (limit) => dropAnswers(d1, daysAgo(0), limit),
    },
    {
      ...rows,
      what: "sessions",
      pieces: 100,
      drop: (limit) => dropSessions(d1, daysAgo(0), limit),
    },
    {
      ...rows,
      what: "uses",
      pieces: 100,
      drop: (limit) => dropUses(d1, daysAgo(0), limit),
    },
    {
      what: "keys",
      limit: PIECE_KEYS,
      pieces: 40,
      pauseMs: 2_000,
      drop: (limit) => dropDeadKeys({ first, d1 }, daysAgo(deadKeyDays()), limit),
    },
  ];
}
