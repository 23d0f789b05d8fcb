import type { Company } from "../companies/policy.ts";
import { ApiError, type ErrorDetail } from "../http/errors.ts";
import type { Caps } from "./conditions.ts";
import { expiryFault } from "./expiry.ts";
import type { StoredKey } from "./queries.ts";
import type { Rotation } from "./rotation.ts";
import type { Scope } from "./schema.ts";
import type { RuleSettings } from "./settings.ts";
import { isLive } from "./shown.ts";

/** What one company may. */
export interface CompanyRules extends RuleSettings {
  /** From where its keys may be used, whatever they say themselves; `null`: from anywhere. */
  companyIps: readonly string[] | null;
  /** `null`: it is not suspended. */
  suspension: { reason: string | null } | null;
}

/** The settings, but for what is set for the company. */
export function rulesOf(settings: RuleSettings, company: Company): CompanyRules {
  const { scopes, suspendedAt, suspendedReason: reason } = company;
  const mayHave = ([scope]: [string, string]) => scopes === null || scopes.includes(scope);
  return {
    SCOPES: new Map([...settings.SCOPES].filter(mayHave)),
    MAX_KEY_LIFETIME_DAYS: company.maxKeyLifetimeDays ?? settings.MAX_KEY_LIFETIME_DAYS,
    MAX_LIVE_KEYS: company.maxLiveKeys ?? settings.MAX_LIVE_KEYS,
    companyIps: company.allowedIps,
    suspension: suspendedAt === null ? null : { reason },
  };
}

/** The scopes that keys may have, as they are shown. */
export function catalogueOf({ SCOPES }: { SCOPES: ReadonlyMap<string, string> }): Scope[] {
  return [...SCOPES].map(([scope, description]) => ({ scope, description }));
}

/** @throws ApiError `FORBIDDEN` where the company is suspended: it makes no keys. */
export function refuseSuspended({ suspension }: Pick<CompanyRules, "suspension">): void {
  if (suspension !== null) throw new ApiError("FORBIDDEN", { message: "The company is suspended" });
}

/** @throws ApiError `NOT_FOUND` where there is no such key. */
export function found<T extends StoredKey>(row: T | null): T {
  if (row === null) throw new ApiError("NOT_FOUND", { message: "No such API key" });
  return row;
}

/** @throws ApiError `CONFLICT` where the key is revoked. */
export function unrevoked<T extends StoredKey>(row: T): T {
  if (row.revokedAt !== null) throw new ApiError("CONFLICT", { message: "The API key has been revoked" });
  return row;
}

/** A company may have so many dead keys for each live one, and at least so many in all. */
const STORED_PER_LIVE_KEY = 10;
const MIN_STORED_KEYS = 1_000;

export function capsOf({ MAX_LIVE_KEYS: live }: Pick<RuleSettings, "MAX_LIVE_KEYS">): Caps {
  return { live, stored: Math.max(STORED_PER_LIVE_KEY * live, MIN_STORED_KEYS) };
}

/** The refusal of a key for which the company has no room. */
export function atCap(full: keyof Caps, rules: RuleSettings): ApiError {
  const cap = capsOf(rules)[full];
  return new ApiError("CONFLICT", {
    message:
      full === "live"
        ? `The company has ${cap} live keys already: revoke one first`
        : `The company has ${cap} keys already, dead ones counted: they are dropped some time after their end`,
  });
}

/** The refusal of a rotation that made no successor, or found one. */
export function notRotated(
  old: StoredKey,
  { successor, full }: Pick<Rotation, "successor" | "full">,
  rules: RuleSettings,
  now: number,
): ApiError {
  if (successor !== null) return new ApiError("CONFLICT", { message: "The API key was rotated already" });
  const live = isLive(old, now);
  if (live && full !== null) return atCap(full, rules);
  const isSuspended = live && old.suspendedAt !== null;
  return new ApiError("CONFLICT", {
    message: isSuspended ? "The API key is suspended: resume it first" : "The API key is revoked or expired",
  });
}

/** The refusal of an Idempotency-Key that came with another body before. */
export function otherBody(): ApiError {
  const message = "was used with another body within the last 24 hours";
  return new ApiError("VALIDATION_ERROR", { details: [{ field: "Idempotency-Key", message }] });
}

/** The refusal of a request that comes again, where what seals its raw key is gone. */
export function noLongerShown({ id }: StoredKey): ApiError {
  return new ApiError("CONFLICT", {
    message: `The API key ${id} was made, and can no longer be shown: revoke it, and use another Idempotency-Key`,
  });
}

/**
 * Holds the successor of a key to the rules of today, by which the old one need not have been made.
 *
 * @param expiresAt - When the successor ends, in milliseconds since the epoch; `null`: never.
 * @throws ApiError `VALIDATION_ERROR`
 */
export function checkSuccessor(
  { scopes }: StoredKey,
  expiresAt: number | null,
  { SCOPES, MAX_KEY_LIFETIME_DAYS }: RuleSettings,
  now: number,
): void {
  const details: ErrorDetail[] = [];
  const retired = scopes.filter((scope) => !SCOPES.has(scope));
  if (retired.length > 0) {
    const message = `are no longer in the catalogue: ${retired.join(" ")}. Create another key`;
    details.push({ field: "scopes", message });
  }
  const fault = expiryFault(expiresAt, MAX_KEY_LIFETIME_DAYS, now);
  if (fault !== null) details.push({ field: "expiresAt", message: fault });
  if (details.length > 0) throw new ApiError("VALIDATION_ERROR", { details });
}
