import { DAY_SECONDS } from "./lib/config.ts";
import { trimUsage } from "./usage/store.ts";
import { trimChanges } from "./verify/store.ts";

const DAY_MS = DAY_SECONDS * 1000;
/** An isolate that has been idle for longer starts afresh. */
const CHANGES_DAYS = 1;
const USAGE_DAYS = 400;
/** Days after which no report of a day is still on its way. */
const SETTLED_DAYS = 2;

/** Drops what is kept no longer. Keys and their audit log stay for good. */
export async function dropOld(d1: D1Database, now: number): Promise<void> {
  const daysAgo = (days: number) => new Date(now - days * DAY_MS).toISOString().slice(0, 10);
  await trimChanges(d1, now - CHANGES_DAYS * DAY_MS);
  await trimUsage(d1, daysAgo(USAGE_DAYS), daysAgo(SETTLED_DAYS));
}
