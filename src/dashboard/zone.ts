import { DAY_MS } from "../lib/time.ts";

/**
 * When a day begins, in milliseconds since the epoch.
 *
 * @param day - `YYYY-MM-DD`.
 * @param zone - Name of the IANA's database.
 */
export function startOf(day: string, zone: string): number {
  const inUtc = Date.parse(day);
  // What the zone differs by may change between the two: the second guess knows by how much.
  const guess = inUtc - offsetAt(inUtc, zone);
  return inUtc - offsetAt(guess, zone);
}

/** The last second of a day, as `startOf` has its first. */
export function endOf(day: string, zone: string): number {
  return startOf(new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10), zone) - 1_000;
}

/** The day of a moment: `YYYY-MM-DD`. */
export function dayIn(milliseconds: number, zone: string): string {
  return new Date(milliseconds + offsetAt(milliseconds, zone)).toISOString().slice(0, 10);
}

/** By how much the clocks of a zone are ahead of UTC, in milliseconds. */
function offsetAt(milliseconds: number, timeZone: string): number {
  const shown = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" }).format(milliseconds);
  // Hours, minutes and, long ago, seconds, such as `-03:30`; UTC may have none of them.
  const offset = shown.replace(/^.*GMT/, "");
  const parts = `${offset.slice(1)}:0:0`.split(":").slice(0, 3);
  const ahead = parts.reduce((sum, part) => sum * 60 + Number(part), 0) * 1_000;
  return offset.startsWith("-") ? -ahead : ahead;
}
