import { DENIALS, type UsageReport } from "./recorder.ts";

/** Of one key on one day. A short array, as SQLite parses what it takes a member from anew for each. */
export type Sum = [
  keyId: string,
  companyId: string,
  day: string,
  allowed: number,
  denied: number,
  lastUsedAt: number | null,
  ...denials: number[],
];

/** Where a sum has the first of its denials. */
export const FIRST_DENIAL = 6;

/** Adds up reports: one sum for each key and day. */
export function sumUp(reports: readonly UsageReport[]): Sum[] {
  const sums = new Map<string, Sum>();
  for (const { day, keys } of reports) {
    for (const { keyId, companyId, allowed, denied, denials, lastUsedAt } of keys) {
      const name = JSON.stringify([keyId, companyId, day]);
      const sum = sums.get(name) ?? [keyId, companyId, day, 0, 0, null, ...DENIALS.map(() => 0)];
      sum[3] += allowed;
      sum[4] += denied;
      if (lastUsedAt !== null) sum[5] = Math.max(sum[5] ?? 0, lastUsedAt);
      denials?.forEach((count, i) => {
        sum[FIRST_DENIAL + i] = Number(sum[FIRST_DENIAL + i]) + count;
      });
      sums.set(name, sum);
    }
  }
  return [...sums.values()];
}
