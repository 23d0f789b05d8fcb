import { DAY_MS, LAST_INSTANT_MS } from "../lib/time.ts";

/** A key that ends sooner is said to. */
export const SOON_MS = 7 * DAY_MS;

/**
 * What is wrong with the end of a new key, in the words of the API; `null`: nothing. Times are milliseconds since the
 * epoch.
 *
 * @param expiresAt - `null`: never.
 * @param maxLifetimeDays - 0: no maximum.
 */
export function expiryFault(expiresAt: number | null, maxLifetimeDays: number, now: number): string | null {
  if (expiresAt === null) return maxLifetimeDays === 0 ? null : "is required";
  if (expiresAt <= now) return "must be in the future";
  if (expiresAt > LAST_INSTANT_MS) return "must be before the year 10000";
  if (maxLifetimeDays !== 0 && expiresAt > now + maxLifetimeDays * DAY_MS)
    return `must be at most ${maxLifetimeDays} days from now`;
  return null;
}

/** The end of a key that lives from `now` on for as long as `old` was made to live. */
export function renewedExpiry(
  old: { createdAt: number; expiresAt: number | null },
  now: number,
): number | null {
  if (old.expiresAt === null) return null;
  return Math.min(now + (old.expiresAt - old.createdAt), LAST_INSTANT_MS);
}
