import { DAY_SECONDS } from "./lib/config.ts";
import { trimUsage } from "./usage/store.ts";
import { trimChanges } from "./verify/store.ts";

const DAY_MS = DAY_SECONDS * 1000;
/** An isolate that has been idle for longer starts afresh. */
const CHANGES_DAYS = 1;
const USAGE_DAYS = 400;
/** A queue delivers nothing older than 14 days. */
const REPORTS_DAYS = 15;

/** Drops what is kept no longer. Keys and their audit log stay for good. */
export async function dropOld(d1: D1Database, now: number): Promise<void> {
  await trimChanges(d1, now - CHANGES_DAYS * DAY_MS);
  const firstDay = new Date(now - USAGE_DAYS * DAY_MS).toISOString().slice(0, 10);
  await trimUsage(d1, firstDay, now - REPORTS_DAYS * DAY_MS);
}
