import type { AddressList } from "../lib/address.ts";
import type { Refusal, VerifiedKey, VerifyOptions } from "./contract.ts";

/** What the verdicts on all keys of a company depend on. */
export interface CompanyRecord {
  /** Milliseconds since the epoch; `null`: not suspended. */
  suspendedAt: number | null;
  /** Where its keys may be used from, besides what they say themselves; `null`: anywhere. */
  allowedIps: AddressList | null;
  /** The limit of all its keys together; `null`: none. */
  rateTier: string | null;
}

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
  /** Where it may be used from; `null`: anywhere. */
  allowedIps: AddressList | null;
  /** Written by the company; `null`: none. */
  metadata: Readonly<Record<string, string>> | null;
  /** What is set for its company; `null`: nothing. */
  company: CompanyRecord | null;
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

/** Of a good key. */
export const ELSEWHERE: Refusal = {
  valid: false,
  error: "FORBIDDEN",
  message: "The API key may not be used from this address",
};

/**
 * The refusal of a genuine key, or `null` where it is good: revoked, suspended, expired, address, scopes, in that order. A
 * revoked key stays just that, whatever becomes of its company, so that of a company's change the others alone are told.
 */
export function decide(
  record: KeyRecord,
  { scopes, clientIp }: Pick<VerifyOptions, "scopes" | "clientIp">,
  now: number,
): Refusal | null {
  if (record.revokedAt !== null)
    return { valid: false, error: "KEY_REVOKED", message: "The API key has been revoked" };
  if (record.suspendedAt !== null)
    return { valid: false, error: "KEY_SUSPENDED", message: "The API key is suspended" };
  const { company } = record;
  if (company !== null && company.suspendedAt !== null)
    return { valid: false, error: "KEY_SUSPENDED", message: "The company of the API key is suspended" };
  if (record.expiresAt !== null && now >= record.expiresAt) {
    return { valid: false, error: "TOKEN_EXPIRED", message: "The API key has expired" };
  }
  if (record.allowedIps !== null && !record.allowedIps.has(clientIp ?? "")) return ELSEWHERE;
  if (company !== null && company.allowedIps !== null && !company.allowedIps.has(clientIp ?? ""))
    return ELSEWHERE;
  const missing = scopes?.filter((scope) => !record.scopes.includes(scope)) ?? [];
  if (missing.length > 0)
    return { valid: false, error: "FORBIDDEN", message: `Missing scope: ${missing.join(" ")}` };
  return null;
}

/** Whether a genuine key was refused for good. */
export function isDead(refusal: Refusal | null): boolean {
  return refusal?.error === "KEY_REVOKED" || refusal?.error === "TOKEN_EXPIRED";
}

/** Bytes of a record without metadata and addresses, which count as one of the capacity. */
const RECORD_BYTES = 225;
/** Of an entry of the metadata, besides its characters. */
const ENTRY_BYTES = 64;
/** Of an address or a block. */
const BLOCK_BYTES = 180;

/** What a record takes of the memory that keys may have: 1 for one that is nothing but a key. */
export function weightOf({ metadata, allowedIps, company }: KeyRecord): number {
  let bytes = ((allowedIps?.size ?? 0) + (company?.allowedIps?.size ?? 0)) * BLOCK_BYTES;
  for (const name in metadata) bytes += ENTRY_BYTES + 2 * (name.length + (metadata[name] ?? "").length);
  return 1 + Math.ceil(bytes / RECORD_BYTES);
}
