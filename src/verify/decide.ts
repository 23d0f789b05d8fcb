import type { Refusal, VerifiedKey } from "./contract.ts";

/** What a verdict depends on. */
export interface KeyRecord {
  id: string;
  companyId: string;
  scopes: readonly string[];
  /** Milliseconds since the epoch; `null`: never. */
  expiresAt: number | null;
  /** Milliseconds since the epoch; `null`: not revoked. */
  revokedAt: number | null;
  /** Milliseconds since the epoch; `null`: not suspended. */
  suspendedAt: number | null;
  /** The key as verdicts show it, made with the first of them. */
  verified?: VerifiedKey;
}

export const UNKNOWN: Refusal = {
  valid: false,
  error: "UNAUTHORIZED",
  message: "Invalid or missing API key",
};
export const UNAVAILABLE: Refusal = {
  valid: false,
  error: "UNAVAILABLE",
  message: "The API key cannot be checked now",
};
export const LIMITED: Refusal = { valid: false, error: "RATE_LIMITED", message: "Too many requests" };

/** The refusal of a genuine key, or `null` where it is good: revoked, suspended, expired, scopes, in that order. */
export function decide(record: KeyRecord, scopes: readonly string[], now: number): Refusal | null {
  if (record.revokedAt !== null)
    return { valid: false, error: "KEY_REVOKED", message: "The API key has been revoked" };
  if (record.suspendedAt !== null)
    return { valid: false, error: "KEY_SUSPENDED", message: "The API key is suspended" };
  if (record.expiresAt !== null && now >= record.expiresAt) {
    return { valid: false, error: "TOKEN_EXPIRED", message: "The API key has expired" };
  }
  const missing = scopes.filter((scope) => !record.scopes.includes(scope));
  if (missing.length > 0)
    return { valid: false, error: "FORBIDDEN", message: `Missing scope: ${missing.join(" ")}` };
  return null;
}

/** Whether a genuine key was refused for good. */
export function isDead(refusal: Refusal | null): boolean {
  return refusal?.error === "KEY_REVOKED" || refusal?.error === "TOKEN_EXPIRED";
}
