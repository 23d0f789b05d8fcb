import type { VerifiedKey } from "../../src/verify/contract.ts";

/** What a verification says of a good key. */
export const ANSWER = {
  id: "6001d30f-4ca8-4278-ba11-8964895e31cf",
  companyId: "acme",
  scopes: ["jobs:read"],
  expiresAt: null,
  metadata: {},
} satisfies VerifiedKey;
