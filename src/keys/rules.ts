import { ApiError, type ErrorDetail } from "../http/errors.ts";
import type { Caps } from "./conditions.ts";
import { expiryFault } from "./expiry.ts";
import type { StoredKey } from "./queries.ts";
import type { RuleSettings } from "./settings.ts";

/** A company may have so many dead keys for each live one, and at least so many in all. */
const STORED_PER_LIVE_KEY = 10;
const MIN_STORED_KEYS = 1_000;

export function capsOf({ MAX_LIVE_KEYS: live }: RuleSettings): Caps {
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
