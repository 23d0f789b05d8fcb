import type { companies } from "../db/tables.ts";

/** What is set for a company. `null`: nothing, so that the settings hold. */
export type Company = typeof companies.$inferSelect;

/** What a company may, as far as it was set for it alone. */
export type Policy = Pick<
  Company,
  "maxLiveKeys" | "maxKeyLifetimeDays" | "scopes" | "allowedIps" | "rateTier"
>;

/** A company for which nothing was ever set. */
export function usualCompany(id: string): Company {
  return {
    id,
    suspendedAt: null,
    suspendedReason: null,
    allowedIps: null,
    maxLiveKeys: null,
    maxKeyLifetimeDays: null,
    scopes: null,
    rateTier: null,
  };
}

/** Where nothing is set, and it is not a setting that holds. */
const NONE: Record<string, string> = { allowedIps: "anywhere", rateTier: "none" };

/** A change of policy in the words of the audit log. */
export function policyDetail(policy: Partial<Policy>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(policy).map(([name, value]) => {
      return [name, value === null ? (NONE[name] ?? "default") : [value].flat().join(" ")];
    }),
  );
}
