import fc from "fast-check";
import { expect, test } from "vitest";
import { addressList } from "../../src/lib/address.ts";
import { decide, ELSEWHERE, weightOf } from "../../src/verify/decide.ts";
import { RECORD } from "../support/record.ts";

test("a key is good until it is revoked, suspended, expired, or asked for a scope it does not have", () => {
  expect(decide(RECORD, {}, 0)).toBeNull();
  expect(decide(RECORD, { scopes: ["jobs:read"] }, 0)).toBeNull();
  expect(decide({ ...RECORD, expiresAt: 10 }, {}, 9)).toBeNull();
  expect(decide({ ...RECORD, expiresAt: 10 }, {}, 10)?.error).toBe("TOKEN_EXPIRED");
  expect(decide({ ...RECORD, revokedAt: 10 }, {}, 9)?.error).toBe("KEY_REVOKED");
  expect(decide({ ...RECORD, suspendedAt: 10 }, {}, 9)?.error).toBe("KEY_SUSPENDED");
});

test("each refusal says that the key is not valid, and why", () => {
  const company = { suspendedAt: 1, allowedIps: null, rateTier: null };
  const bad = [
    { revokedAt: 1 },
    { suspendedAt: 1 },
    { company },
    { expiresAt: 1 },
    { allowedIps: addressList([]) },
    { scopes: [] },
  ];
  for (const change of bad) {
    expect(decide({ ...RECORD, ...change }, { scopes: ["jobs:read"] }, 2)).toEqual({
      valid: false,
      error: expect.any(String),
      message: expect.any(String),
    });
  }
});

test("every scope asked for must be there, compared whole", () => {
  for (const scope of ["jobs", "jobs:", "jobs:readx", "JOBS:READ", "", "jobs:read jobs:write"]) {
    expect(decide(RECORD, { scopes: ["jobs:read", scope] }, 0)?.error).toBe("FORBIDDEN");
  }
});

test("revoked goes before suspended, suspended before expired, expired before the address, that before a missing scope", () => {
  const times = fc.option(fc.nat(100), { nil: null });
  const some = fc.record({ revokedAt: times, suspendedAt: times, expiresAt: times });
  fc.assert(
    fc.property(some, fc.boolean(), fc.boolean(), fc.nat(100), (of, missing, elsewhere, now) => {
      const allowedIps = elsewhere ? addressList(["192.0.2.1"]) : null;
      const refusal = decide({ ...RECORD, ...of, allowedIps }, { scopes: missing ? ["x"] : [] }, now);
      if (of.revokedAt !== null) expect(refusal?.error).toBe("KEY_REVOKED");
      else if (of.suspendedAt !== null) expect(refusal?.error).toBe("KEY_SUSPENDED");
      else if (of.expiresAt !== null && now >= of.expiresAt) expect(refusal?.error).toBe("TOKEN_EXPIRED");
      else if (elsewhere) expect(refusal).toBe(ELSEWHERE);
      else expect(refusal?.error).toBe(missing ? "FORBIDDEN" : undefined);
    }),
  );
});

test("a record that is nothing but a key weighs 1; addresses, also those of its company, add to it", () => {
  const allowedIps = addressList(["192.0.2.1", "192.0.2.2"]);
  const company = { suspendedAt: null, allowedIps, rateTier: null };
  expect(weightOf(RECORD)).toBe(1);
  expect(weightOf({ ...RECORD, allowedIps })).toBe(3);
  expect(weightOf({ ...RECORD, company })).toBe(3);
  expect(weightOf({ ...RECORD, allowedIps, company })).toBe(5);
});
