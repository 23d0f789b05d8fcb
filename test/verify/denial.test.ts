import { expect, test } from "vitest";
import type { Denial } from "../../src/usage/recorder.ts";
import type { Refusal } from "../../src/verify/contract.ts";
import { denialOf } from "../../src/verify/denial.ts";
import { createKey, manage } from "../support/api.ts";
import { isolate } from "../support/verifier.ts";

test("a refusal counts for its reason", async () => {
  const seen: Denial[] = [];
  const keyLimit = { isBlocked: () => false, count: () => {} };
  const { clock, verify, forget } = isolate({
    onVerdict: (_, refusal: Refusal | null) => refusal && seen.push(denialOf(refusal)),
    keyLimit: Object.assign(keyLimit) as never,
  });
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  const allowedIps = ["192.0.2.7"];
  const { id, rawKey } = await createKey({ scopes: ["jobs:read"], expiresAt, allowedIps });
  const ask = (options = {}) => verify(rawKey, { consistency: "strong", clientIp: "192.0.2.7", ...options });
  expect(await ask()).toMatchObject({ valid: true });
  await ask({ scopes: ["jobs:write"] });
  await ask({ clientIp: "192.0.2.8" });
  keyLimit.isBlocked = () => true;
  await ask();
  keyLimit.isBlocked = () => false;
  await manage(`/settings/api-keys/${id}/suspend`, { method: "POST" });
  await ask();
  await manage(`/settings/api-keys/${id}/resume`, { method: "POST" });
  clock.now += 120_000;
  await ask();
  await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
  forget([]);
  await ask();
  expect(seen).toEqual(["scope", "address", "limit", "suspended", "expired", "revoked"]);
});
