import type { UsageReport } from "./recorder.ts";

/** Of one key on one day. A short array, as SQLite parses what it takes a member from anew for each. */
export type Sum = [
  keyId: string,
  companyId: string,
  day: string,
  allowed: number,
  denied: number,
  /** Milliseconds since the epoch; `null`: it was never accepted. */
  lastUsedAt: number | null,
  /** In the order of `DENIALS`. Left out where there are none. */
  ...denials: number[],
];

/** Where a sum has the first of its denials. */
export const FIRST_DENIAL = 6;

/** What a report says of its keys. */
export function sumsOf({ day, keys }: UsageReport): Sum[] {
  return keys.map(({ keyId, companyId, allowed, denied, denials = [], lastUsedAt }) => [
    keyId,
    companyId,
    day,
    allowed,
    denied,
    lastUsedAt,
    ...denials,
  ]);
}

/** Adds up: what comes back has one sum for each key and day. */
export function addUp(sums: Iterable<Sum>): Sum[] {
  const byKey = new Map<string, Sum>();
  for (const sum of sums) {
    const [keyId, companyId, day, allowed, denied, lastUsedAt, ...denials] = sum;
    const name = JSON.stringify([keyId, companyId, day]);
    const known = byKey.get(name);
    if (known === undefined) {
      byKey.set(name, [...sum]);
      continue;
    }
    known[3] += allowed;
    known[4] += denied;
    if (lastUsedAt !== null) known[5] = Math.max(known[5] ?? 0, lastUsedAt);
    for (const [i, count] of denials.entries())
      known[FIRST_DENIAL + i] = Number(known[FIRST_DENIAL + i] ?? 0) + count;
  }
  return [...byKey.values()];
}
