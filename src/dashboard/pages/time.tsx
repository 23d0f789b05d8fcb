const UNITS = [
  { unit: "year", seconds: 365 * 86_400 },
  { unit: "month", seconds: 30 * 86_400 },
  { unit: "day", seconds: 86_400 },
  { unit: "hour", seconds: 3_600 },
  { unit: "minute", seconds: 60 },
  { unit: "second", seconds: 1 },
] as const;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "medium", timeZone: "UTC" });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });

/** `3 minutes ago`, `in 2 days`; whole units, rounded towards now. */
function relativeTime(iso: string, now: number): string {
  const seconds = Math.trunc((Date.parse(iso) - now) / 1000);
  const fits = UNITS.find((one) => Math.abs(seconds) >= one.seconds);
  return fits === undefined ? "just now" : relative.format(Math.trunc(seconds / fits.seconds), fits.unit);
}

/** A moment as people say it; the exact one in UTC on hover. */
export function Time({ at, now, as = "relative" }: { at: string; now: number; as?: "relative" | "day" }) {
  const date = new Date(at);
  return (
    <time datetime={at} title={`${exact.format(date)} UTC`}>
      {as === "day" ? day.format(date) : relativeTime(at, now)}
    </time>
  );
}
