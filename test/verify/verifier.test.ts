import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { createKey, manage } from "../support/api.ts";
import { BOUND_MS, isolate, OUTAGE_MS, RETRY_MS } from "../support/verifier.ts";

const revoke = (id: string) => manage(`/settings/api-keys/${id}`, { method: "DELETE" });
const error = async (verdict: Promise<{ valid: boolean; error?: string }>) => (await verdict).error;

describe("a verdict", () => {
  test("of a good key says whose it is, what it may, and as of when", async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const key = await createKey({ scopes: ["jobs:read", "jobs:write"], expiresAt });
    const { clock, verify } = isolate();
    expect(await verify(key.rawKey, { scopes: ["jobs:write"] })).toEqual({
      valid: true,
      key: { id: key.id, companyId: "acme", scopes: ["jobs:read", "jobs:write"], expiresAt, metadata: {} },
      checkedAt: new Date(clock.now).toISOString(),
      stale: false,
    });
  });

  test("of a key without a scope that is asked for names the scope", async () => {
    const { rawKey } = await createKey({ scopes: ["jobs:read"] });
    const verdict = await isolate().verify(rawKey, { scopes: ["jobs:read", "jobs:write"] });
    expect(verdict).toEqual({ valid: false, error: "FORBIDDEN", message: "Missing scope: jobs:write" });
  });

  test("of an expired key is TOKEN_EXPIRED from the very millisecond on, cached or not", async () => {
    const expiresAt = Date.now() + 60_000;
    const { rawKey } = await createKey({ expiresAt: new Date(expiresAt).toISOString() });
    const { clock, verify } = isolate();
    clock.now = expiresAt - 1;
    expect(await error(verify(rawKey))).toBeUndefined();
    clock.now = expiresAt;
    expect(await error(verify(rawKey))).toBe("TOKEN_EXPIRED");
    const cold = isolate();
    cold.clock.now = expiresAt;
    expect(await error(cold.verify(rawKey))).toBe("TOKEN_EXPIRED");
  });

  test("of a key both revoked and expired is KEY_REVOKED", async () => {
    const expiresAt = Date.now() + 60_000;
    const key = await createKey({ expiresAt: new Date(expiresAt).toISOString() });
    await revoke(key.id);
    const { clock, verify } = isolate();
    clock.now = expiresAt;
    expect(await error(verify(key.rawKey, { scopes: ["jobs:write"] }))).toBe("KEY_REVOKED");
  });

  test("of a genuine key that the database does not have is UNAUTHORIZED, after the primary was asked", async () => {
    const keys = [await createKey(), await createKey()];
    await env.DB.prepare("DELETE FROM api_keys").run();
    const { queries, verify, feed } = isolate();
    for (const { rawKey } of keys) expect(await error(verify(rawKey))).toBe("UNAUTHORIZED");
    // The first comes with the changes, from the primary; of the second a replica says so, and then the primary.
    expect(queries).toHaveLength(3);
    expect(feed.size).toBe(0);
  });
});

describe("the database", () => {
  test("is not asked about forged and mistyped keys", async () => {
    const { rawKey } = await createKey();
    const { queries, verify } = isolate();
    const last = rawKey.endsWith("0") ? "1" : "0";
    for (const forged of [
      "",
      "x",
      `${rawKey}0`,
      rawKey.slice(0, -1) + last,
      `lk_live_${"0".repeat(50)}`,
      ` ${rawKey}`,
    ]) {
      expect(await error(verify(forged))).toBe("UNAUTHORIZED");
    }
    expect(queries).toEqual([]);
  });

  test("is asked once for a key, in one statement, and not again while the key is hot", async () => {
    const { rawKey } = await createKey();
    const { clock, queries, verify, settle } = isolate();
    for (let i = 0; i < 100; i++) {
      expect((await verify(rawKey)).valid).toBe(true);
      clock.now += 1;
    }
    await settle();
    expect(queries).toHaveLength(1);
  });

  test("is asked at most once in half a bound, in the background, however many keys are hot", async () => {
    const keys = await Promise.all(Array.from({ length: 10 }, () => createKey()));
    const { clock, queries, verify, settle } = isolate();
    for (const { rawKey } of keys) await verify(rawKey);
    queries.length = 0;
    for (let elapsed = 0; elapsed < 4 * BOUND_MS; elapsed += BOUND_MS / 20) {
      clock.now += BOUND_MS / 20;
      for (const { rawKey } of keys) expect((await verify(rawKey)).valid).toBe(true);
      const before = queries.length;
      await settle();
      expect(queries.length - before).toBeLessThanOrEqual(1);
    }
    expect(queries.length).toBeLessThanOrEqual(8);
    expect(queries.length).toBeGreaterThanOrEqual(4);
  });

  test("is asked about every key at most once, with unknown keys never taking a place in the cache", async () => {
    const keys = await Promise.all(Array.from({ length: 5 }, () => createKey()));
    const { feed, verify } = isolate({ capacity: 3 });
    for (const { rawKey } of keys) expect((await verify(rawKey)).valid).toBe(true);
    expect(feed.size).toBe(3);
  });
});

describe("a revocation", () => {
  test("is known to an isolate that holds the key within the bound, by asking in the background", async () => {
    const key = await createKey();
    const { clock, queries, verify, settle } = isolate();
    await verify(key.rawKey);
    await revoke(key.id);
    clock.now += BOUND_MS / 2;
    expect((await verify(key.rawKey)).valid).toBe(true);
    await settle();
    expect(queries).toHaveLength(2);
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test("is known to an idle isolate at its next use, once the bound has passed", async () => {
    const key = await createKey();
    const { clock, queries, verify } = isolate();
    await verify(key.rawKey);
    await revoke(key.id);
    clock.now += BOUND_MS;
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
    expect(queries).toHaveLength(2);
  });

  test("is known at once to whoever asks for strong consistency, and from then on to all", async () => {
    const [key, other] = [await createKey(), await createKey()];
    const { queries, verify } = isolate();
    await verify(key.rawKey);
    await verify(other.rawKey);
    await revoke(key.id);
    expect(await error(verify(key.rawKey, { consistency: "strong" }))).toBe("KEY_REVOKED");
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
    queries.length = 0;
    await verify(other.rawKey, { consistency: "strong" });
    expect(await verify(other.rawKey)).toMatchObject({ valid: true });
    expect(queries).toHaveLength(1);
  });

  test.each([
    ["expired", "UPDATE api_keys SET expires_at = 1", "TOKEN_EXPIRED"],
    ["deleted", "DELETE FROM api_keys", "UNAUTHORIZED"],
  ])(
    "or another end of a key, here %s by hand, is known to all once the primary has told it",
    async (_, change, code) => {
      const { rawKey } = await createKey();
      const { verify } = isolate();
      await verify(rawKey);
      await env.DB.prepare(change).run();
      expect((await verify(rawKey)).valid).toBe(true);
      expect(await error(verify(rawKey, { consistency: "strong" }))).toBe(code);
      expect(await error(verify(rawKey))).toBe(code);
    },
  );

  test("made by an isolate is known to it at once, without a read", async () => {
    const key = await createKey();
    const { forget, queries, verify } = isolate();
    await verify(key.rawKey);
    const digest = await env.DB.prepare("SELECT digest FROM api_keys").first<string>("digest");
    await revoke(key.id);
    forget([digest ?? ""]);
    expect(queries).toHaveLength(1);
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
    queries.length = 0;
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
    expect(queries).toEqual([]);
  });

  test("made by hand in SQL is known as well, and so is its undoing", async () => {
    const key = await createKey();
    const { clock, verify } = isolate();
    await verify(key.rawKey);
    await env.DB.prepare("UPDATE api_keys SET revoked_at = 1 WHERE id = ?").bind(key.id).run();
    clock.now += BOUND_MS;
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
    await env.DB.prepare("UPDATE api_keys SET revoked_at = NULL WHERE id = ?").bind(key.id).run();
    clock.now += BOUND_MS;
    expect((await verify(key.rawKey)).valid).toBe(true);
  });

  test("that comes while an older read is under way is not undone by that read", async () => {
    const key = await createKey();
    const gate = Promise.withResolvers<void>();
    let reads = 0;
    const { clock, verify, feed } = isolate({
      speed: 1,
      hook: async () => {
        if (++reads === 2) await gate.promise;
      },
    });
    await verify((await createKey()).rawKey);
    const slow = verify(key.rawKey);
    await revoke(key.id);
    clock.now += BOUND_MS;
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
    gate.resolve();
    await slow;
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
    expect(feed.size).toBe(2);
  });

  test("reaches an isolate whose cursor was trimmed away: it starts afresh", async () => {
    const key = await createKey();
    const other = await createKey();
    const { clock, verify } = isolate();
    await verify(key.rawKey);
    await revoke(other.id);
    await revoke(key.id);
    await env.DB.prepare("DELETE FROM key_changes WHERE seq < (SELECT max(seq) FROM key_changes)").run();
    clock.now += BOUND_MS;
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test.each([1, 998, 999, 1_000, 1_001, 1_002, 2_500])(
    "reaches an isolate that is %d other changes behind, whatever key it is asked about",
    async (count) => {
      const [key, other] = [await createKey(), await createKey()];
      const { clock, verify } = isolate();
      await verify(key.rawKey);
      await verify(other.rawKey);
      await env.DB.prepare(
        "INSERT INTO key_changes (digest) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT 'x' FROM n",
      )
        .bind(count)
        .run();
      await revoke(key.id);
      clock.now += BOUND_MS;
      expect((await verify(other.rawKey)).valid).toBe(true);
      expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
    },
  );
});

describe("while the database cannot be reached", () => {
  function breakable() {
    const state = { broken: false };
    const parts = isolate({
      hook: () => {
        if (state.broken) throw new Error("D1_ERROR: Network connection lost.");
      },
    });
    return { ...parts, state };
  }

  test("a held key is accepted up to the limit of outages, marked stale once the bound has passed", async () => {
    const { rawKey } = await createKey();
    const { clock, state, verify } = breakable();
    const start = clock.now;
    await verify(rawKey);
    state.broken = true;
    clock.now = start + BOUND_MS - 1;
    expect(await verify(rawKey)).toMatchObject({ valid: true, stale: false });
    clock.now = start + BOUND_MS;
    expect(await verify(rawKey)).toMatchObject({
      valid: true,
      stale: true,
      checkedAt: new Date(start).toISOString(),
    });
    clock.now = start + OUTAGE_MS - 1;
    expect(await verify(rawKey)).toMatchObject({ valid: true, stale: true });
    clock.now = start + OUTAGE_MS;
    expect(await error(verify(rawKey))).toBe("UNAVAILABLE");
  });

  test("a key that is not held is UNAVAILABLE, never UNAUTHORIZED", async () => {
    const { rawKey } = await createKey();
    const { state, verify } = breakable();
    state.broken = true;
    expect(await error(verify(rawKey))).toBe("UNAVAILABLE");
    expect(await error(verify(rawKey, { consistency: "strong" }))).toBe("UNAVAILABLE");
  });

  test("callers of held keys do not wait for it once it is known to fail", async () => {
    const { rawKey } = await createKey();
    const { clock, state, queries, verify, settle } = breakable();
    await verify(rawKey);
    state.broken = true;
    clock.now += BOUND_MS;
    await verify(rawKey);
    queries.length = 0;
    expect(await verify(rawKey)).toMatchObject({ valid: true, stale: true });
    expect(queries).toEqual([]);
    clock.now += RETRY_MS;
    expect(await verify(rawKey)).toMatchObject({ valid: true, stale: true });
    await settle();
    expect(queries).toHaveLength(1);
  });

  test("a failure of long ago excuses nothing: it is asked again before the answer", async () => {
    const key = await createKey();
    const { clock, state, verify } = breakable();
    await verify(key.rawKey);
    state.broken = true;
    clock.now += BOUND_MS;
    expect(await verify(key.rawKey)).toMatchObject({ valid: true, stale: true });
    await revoke(key.id);
    state.broken = false;
    clock.now += 2 * RETRY_MS;
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test("a failed read is repeated soon, so that one alone does not break the bound", async () => {
    const key = await createKey();
    const { clock, state, verify, settle } = breakable();
    await verify(key.rawKey);
    await revoke(key.id);
    state.broken = true;
    clock.now += BOUND_MS / 2;
    await verify(key.rawKey);
    await settle();
    state.broken = false;
    clock.now += RETRY_MS;
    expect(await verify(key.rawKey)).toMatchObject({ valid: true, stale: false });
    await settle();
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test("an answer that comes after its deadline is of use all the same", async () => {
    const key = await createKey();
    const late = Promise.withResolvers<void>();
    let slow = false;
    const { clock, verify, settle } = isolate({ hook: () => (slow ? late.promise : undefined) });
    await verify(key.rawKey);
    await revoke(key.id);
    slow = true;
    clock.now += BOUND_MS;
    expect(await verify(key.rawKey)).toMatchObject({ valid: true, stale: true });
    late.resolve();
    await settle();
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test("a read that takes longer than its deadline has failed", async () => {
    const { rawKey } = await createKey();
    const { verify } = isolate({ hook: () => new Promise(() => {}) });
    expect(await error(verify(rawKey))).toBe("UNAVAILABLE");
  });

  test("revocations made meanwhile hold within the bound after its return", async () => {
    const key = await createKey();
    const { clock, state, verify, settle } = breakable();
    await verify(key.rawKey);
    state.broken = true;
    clock.now += BOUND_MS;
    await verify(key.rawKey);
    await revoke(key.id);
    state.broken = false;
    clock.now += RETRY_MS;
    await verify(key.rawKey);
    await settle();
    expect(await error(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test("a key that was forgotten while a read failed is not accepted", async () => {
    const key = await createKey();
    const gate = Promise.withResolvers<void>();
    let reads = 0;
    const { clock, verify, settle } = isolate({
      speed: 1,
      hook: async () => {
        if (++reads === 2) await gate.promise;
      },
    });
    await verify(key.rawKey);
    clock.now += BOUND_MS;
    const slow = verify(key.rawKey);
    await revoke(key.id);
    expect(await error(verify(key.rawKey, {}))).toBe("KEY_REVOKED");
    gate.reject(new Error("lost"));
    expect(await error(slow)).toBe("KEY_REVOKED");
    await settle();
  });
});
