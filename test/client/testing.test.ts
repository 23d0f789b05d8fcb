import { exports } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { protect } from "../../src/client/protect.ts";
import { type FakeKey, fakeVerifier } from "../../src/client/testing.ts";
import type { VerifyErrorCode, VerifyOptions } from "../../src/verify/contract.ts";
import { createKey, manage } from "../support/api.ts";

const KEY: FakeKey = { rawKey: "good", companyId: "initech", scopes: ["jobs:read"] };

describe("the fake verifier", () => {
  test("accepts the keys that it was given, with defaults for what they leave out", async () => {
    const fake = fakeVerifier({ keys: [KEY, { rawKey: "bare" }] });
    expect(await fake.verify("good", { scopes: ["jobs:read"] })).toEqual({
      valid: true,
      key: {
        id: expect.any(String),
        companyId: "initech",
        scopes: ["jobs:read"],
        expiresAt: null,
        metadata: {},
      },
      checkedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      stale: false,
    });
    expect(await fake.verify("bare")).toMatchObject({ valid: true, key: { companyId: "acme", scopes: [] } });
  });

  test.each([
    "UNAUTHORIZED",
    "TOKEN_EXPIRED",
    "KEY_REVOKED",
    "KEY_SUSPENDED",
    "FORBIDDEN",
    "RATE_LIMITED",
    "UNAVAILABLE",
  ] satisfies VerifyErrorCode[])("refuses with %s where it is told to", async (error) => {
    const fake = fakeVerifier({ keys: [{ ...KEY, error }] });
    expect(await fake.verify("good")).toEqual({ valid: false, error, message: expect.stringMatching(/./) });
  });

  test("gives a stale verdict where it is told to", async () => {
    const fake = fakeVerifier({ keys: [{ ...KEY, stale: true }] });
    expect(await fake.verify("good")).toMatchObject({ valid: true, stale: true });
  });

  test("refuses a key after its expiry, by the clock of the test", async () => {
    const fake = fakeVerifier({ keys: [{ ...KEY, expiresAt: "2026-01-01T00:00:00Z" }] });
    vi.useFakeTimers({ now: Date.parse("2025-12-31T23:59:59Z") });
    try {
      expect(await fake.verify("good")).toMatchObject({ valid: true });
      vi.advanceTimersByTime(1_000);
      expect(await fake.verify("good")).toMatchObject({ error: "TOKEN_EXPIRED" });
    } finally {
      vi.useRealTimers();
    }
  });

  test("lets a test change a key: one that was good is revoked", async () => {
    const fake = fakeVerifier();
    expect(await fake.verify("good")).toMatchObject({ error: "UNAUTHORIZED" });
    fake.set(KEY);
    expect(await fake.verify("good")).toMatchObject({ valid: true });
    fake.set({ ...KEY, error: "KEY_REVOKED" });
    expect(await fake.verify("good")).toMatchObject({ error: "KEY_REVOKED" });
  });

  test("records every question", async () => {
    const fake = fakeVerifier({ keys: [KEY] });
    const request = new Request("https://api.example", {
      headers: { "X-API-Key": "other", "CF-Connecting-IP": "192.0.2.1" },
    });
    await protect(request, fake, { scopes: ["jobs:read"] });
    await fake.verify("good");
    expect(fake.calls).toEqual([
      { rawKey: "other", options: { scopes: ["jobs:read"], clientIp: "192.0.2.1" } },
      { rawKey: "good", options: {} },
    ]);
  });
});

describe("the fake verifier answers word for word as the real one:", () => {
  const WRONG = { scope: ["jobs:read"] } as VerifyOptions;

  test("for good, unknown and revoked keys, missing scopes and wrong options", async () => {
    const good = await createKey({ scopes: ["jobs:read"] });
    const revoked = await createKey();
    await manage(`/settings/api-keys/${revoked.id}`, { method: "DELETE" });
    const suspended = await createKey();
    await manage(`/settings/api-keys/${suspended.id}/suspend`, { method: "POST" });
    const fake = fakeVerifier({
      keys: [
        { rawKey: good.rawKey, id: good.id, scopes: ["jobs:read"] },
        { rawKey: revoked.rawKey, error: "KEY_REVOKED" },
        { rawKey: suspended.rawKey, error: "KEY_SUSPENDED" },
      ],
    });
    const questions: [string, VerifyOptions?][] = [
      [good.rawKey],
      [good.rawKey, { scopes: ["jobs:read"], consistency: "strong", clientIp: "192.0.2.1" }],
      [good.rawKey, { scopes: ["jobs:read", "jobs:write"] }],
      [good.rawKey, WRONG],
      [revoked.rawKey],
      [suspended.rawKey],
      ["unknown"],
      [""],
    ];
    for (const question of questions) {
      const { checkedAt: _, ...real } = {
        checkedAt: "",
        ...(await exports.ApiKeyVerifier.verify(...question)),
      };
      expect(await fake.verify(...question), JSON.stringify(question)).toMatchObject(real);
    }
  });
});
