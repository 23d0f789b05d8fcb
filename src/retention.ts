import { DAY_MS, dayOf } from "./lib/time.ts";
import { trimUsage } from "./usage/store.ts";
import { trimChanges } from "./verify/store.ts";

/** An isolate that has been idle for longer starts afresh. */
const CHANGES_DAYS = 1;
const USAGE_DAYS = 400;
/** Days after which no report of a day is still on its way. */
const SETTLED_DAYS = 2;

/** Drops what is kept no longer. Keys and their audit log stay for good. */
export async function dropOld(d1: D1Database, now: number): Promise<void> {
  const daysAgo = (days: number) => dayOf(now - days * DAY_MS);
  await trimChanges(d1, now - CHANGES_DAYS * DAY_MS);
  await trimUsage(d1, daysAgo(USAGE_DAYS), daysAgo(SETTLED_DAYS));
}
