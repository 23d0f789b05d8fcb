import type { KeyRecord } from "../../src/verify/decide.ts";

/** A key that is good for this scope. */
export const RECORD: KeyRecord = {
  id: "1",
  companyId: "acme",
  scopes: ["jobs:read"],
  expiresAt: null,
  revokedAt: null,
  suspendedAt: null,
  metadata: null,
  allowedIps: null,
  company: null,
};
