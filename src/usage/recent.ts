import { DAY_MS, dayOf } from "../lib/time.ts";
import type { DayUsage } from "./schema.ts";
import { usageOf } from "./store.ts";

const SHOWN_DAYS = 30;

/**
 * The use of each key on each of the last 30 days, oldest first, today last. Keys that the company does not
 * have are left out.
 *
 * @param now - Milliseconds since the epoch.
 * @throws DatabaseError
 */
export async function recentUse(
  d1: D1Database,
  companyId: string,
  keyIds: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, DayUsage[]>> {
  const days = Array.from({ length: SHOWN_DAYS }, (_, i) => dayOf(now - (SHOWN_DAYS - 1 - i) * DAY_MS));
  const used = await usageOf(d1, companyId, keyIds, days[0] ?? "");
  return new Map(
    [...used].map(([keyId, usage]) => {
      const byDay = new Map(usage.map((of) => [of.day, of]));
      return [keyId, days.map((day) => byDay.get(day) ?? { day, allowed: 0, denied: 0 })];
    }),
  );
}
