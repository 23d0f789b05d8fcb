import { fakeVerifier } from "latchkey/testing";
import { expect, test } from "vitest";
import worker from "../src/index.ts";

const LATCHKEY = fakeVerifier({
  keys: [
    { rawKey: "good", companyId: "acme", scopes: ["jobs:read"] },
    { rawKey: "revoked", error: "KEY_REVOKED" },
  ],
});

test.each([
  ["good", 200],
  ["revoked", 401],
  ["unknown", 401],
])("a key that is %s is answered with %i", async (rawKey, status) => {
  const request = new Request("https://api.example/jobs", { headers: { "X-API-Key": rawKey } });
  expect((await worker.fetch(request, { LATCHKEY })).status).toBe(status);
});
