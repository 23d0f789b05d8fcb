import { DAY_MS, dayOf } from "../lib/time.ts";
import type { DayUsage } from "./schema.ts";
import { usageOf } from "./store.ts";

const NONE = { expired: 0, revoked: 0, suspended: 0, scope: 0, address: 0, limit: 0 };

export const SHOWN_DAYS = 30;

/**
 * The use of each key on each of the last 30 days, oldest first, today last. Keys that the company does not
 * have are left out.
 *
 * @param now - Milliseconds since the epoch.
 * @throws DatabaseError
 */
export function recentUse(
  d1: D1Database,
  companyId: string,
  keyIds: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, DayUsage[]>> {
  return useOn(d1, companyId, keyIds, lastDays(dayOf(now), SHOWN_DAYS));
}

/** So many days, `YYYY-MM-DD`, of which `day` is the last. */
export function lastDays(day: string, count: number): string[] {
  const last = Date.parse(day);
  return Array.from({ length: count }, (_, i) => dayOf(last - (count - 1 - i) * DAY_MS));
}

/**
 * The use of each key on each of `days`, which follow each other. Keys that the company does not have are left out.
 *
 * @throws DatabaseError
 */
export async function useOn(
  d1: D1Database,
  companyId: string,
  keyIds: readonly string[],
  days: readonly string[],
): Promise<ReadonlyMap<string, DayUsage[]>> {
  const used = await usageOf(d1, companyId, keyIds, { since: days.at(0) ?? "", until: days.at(-1) ?? "" });
  return new Map(
    [...used].map(([keyId, usage]) => {
      const byDay = new Map(usage.map((of) => [of.day, of]));
      return [keyId, days.map((day) => byDay.get(day) ?? { day, allowed: 0, denied: 0, denials: NONE })];
    }),
  );
}
