/**
 * Cloudflare's list prices of the Workers Paid plan, in US dollars, as copies of these pages said in August 2026; the pages
 * have the last word: https://developers.cloudflare.com/workers/platform/pricing/,
 * https://developers.cloudflare.com/d1/platform/pricing/, https://developers.cloudflare.com/queues/platform/pricing/,
 * https://developers.cloudflare.com/kv/platform/pricing/
 */
export const PRICES_OF = "August 2026";

/** What is counted, how much of it a month includes, and what a million more costs. */
export const PRICES = {
  /** Over HTTP. A call over a service binding is none: its caller was one. */
  requests: { included: 10_000_000, million: 0.3 },
  cpuMs: { included: 30_000_000, million: 0.02 },
  rowsRead: { included: 25_000_000_000, million: 0.001 },
  rowsWritten: { included: 50_000_000, million: 1 },
  queueOperations: { included: 1_000_000, million: 0.4 },
  kvReads: { included: 10_000_000, million: 0.5 },
  kvWrites: { included: 1_000_000, million: 5 },
};
/** What the plan costs by itself. */
export const PLAN = 5;

export type Meter = keyof typeof PRICES;

/** Of 365.25 days a year. */
export const MONTH_SECONDS = (365.25 * 24 * 3600) / 12;

/** What a month costs beyond the plan, for each meter, where so much of it is used in a second. */
export function monthly(perSecond: Partial<Record<Meter, number>>): Record<Meter, number> {
  const costs = Object.entries(PRICES).map(([meter, { included, million }]) => {
    const used = (perSecond[meter as Meter] ?? 0) * MONTH_SECONDS;
    return [meter, (Math.max(0, used - included) / 1e6) * million];
  });
  return Object.fromEntries(costs);
}

/** The same, all together. */
export function monthlyTotal(perSecond: Partial<Record<Meter, number>>): number {
  return Object.values(monthly(perSecond)).reduce((sum, cost) => sum + cost, 0);
}
