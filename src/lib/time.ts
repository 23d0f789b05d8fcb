export const DAY_SECONDS = 86_400;
export const YEAR_SECONDS = 365 * DAY_SECONDS;
export const DAY_MS = DAY_SECONDS * 1000;
/** The last instant that RFC 3339 can write in UTC. */
export const LAST_INSTANT_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** The day, UTC, of a moment in milliseconds since the epoch: `YYYY-MM-DD`. */
export function dayOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

/** A moment in milliseconds since the epoch, or none, as RFC 3339 in UTC. */
export function timestamp(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
