import fc from "fast-check";
import { expect, test } from "vitest";
import { decide, type KeyRecord } from "../../src/verify/decide.ts";

const good: KeyRecord = {
  id: "1",
  companyId: "acme",
  scopes: ["jobs:read"],
  expiresAt: null,
  revokedAt: null,
  suspendedAt: null,
  metadata: null,
};

test("a key is good until it is revoked, suspended, expired, or asked for a scope it does not have", () => {
  expect(decide(good, [], 0)).toBeNull();
  expect(decide(good, ["jobs:read"], 0)).toBeNull();
  expect(decide({ ...good, expiresAt: 10 }, [], 9)).toBeNull();
  expect(decide({ ...good, expiresAt: 10 }, [], 10)?.error).toBe("TOKEN_EXPIRED");
  expect(decide({ ...good, revokedAt: 10 }, [], 9)?.error).toBe("KEY_REVOKED");
  expect(decide({ ...good, suspendedAt: 10 }, [], 9)?.error).toBe("KEY_SUSPENDED");
});

test("each refusal says that the key is not valid, and why", () => {
  const bad = [{ revokedAt: 1 }, { suspendedAt: 1 }, { expiresAt: 1 }, { scopes: [] }];
  for (const change of bad) {
    expect(decide({ ...good, ...change }, ["jobs:read"], 2)).toEqual({
      valid: false,
      error: expect.any(String),
      message: expect.any(String),
    });
  }
});

test("every scope asked for must be there, compared whole", () => {
  for (const scope of ["jobs", "jobs:", "jobs:readx", "JOBS:READ", "", "jobs:read jobs:write"]) {
    expect(decide(good, ["jobs:read", scope], 0)?.error).toBe("FORBIDDEN");
  }
});

test("revoked goes before suspended, suspended before expired, expired before a missing scope", () => {
  const times = fc.option(fc.nat(100), { nil: null });
  fc.assert(
    fc.property(fc.tuple(times, times, times), fc.boolean(), fc.nat(100), (of, missing, now) => {
      const [revokedAt, suspendedAt, expiresAt] = of;
      const record = { ...good, revokedAt, suspendedAt, expiresAt };
      const error = decide(record, missing ? ["x"] : [], now)?.error;
      if (revokedAt !== null) expect(error).toBe("KEY_REVOKED");
      else if (suspendedAt !== null) expect(error).toBe("KEY_SUSPENDED");
      else if (expiresAt !== null && now >= expiresAt) expect(error).toBe("TOKEN_EXPIRED");
      else expect(error).toBe(missing ? "FORBIDDEN" : undefined);
    }),
  );
});
