import { timestamp } from "../lib/time.ts";
import type { VerifiedKey } from "./contract.ts";
import type { KeyRecord } from "./decide.ts";

/** A good key, as verdicts show it. */
export function verifiedKey({ id, companyId, scopes, expiresAt, metadata }: KeyRecord): VerifiedKey {
  return { id, companyId, scopes, expiresAt: timestamp(expiresAt), metadata: metadata ?? {} };
}
