import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { createKey, manage } from "../support/api.ts";
import { changeElsewhere, digestOf } from "../support/database.ts";
import { logged } from "../support/expect.ts";
import { replicated } from "../support/replica.ts";
import { BOUND_MS, isolate, RETRY_MS, SPEED, WAIT_MS } from "../support/verifier.ts";

const run = (sql: string) => env.DB.prepare(sql).run();
const revoke = (id: string) => manage(`/settings/api-keys/${id}`, { method: "DELETE" });
const outcome = async (verdict: Promise<{ valid: boolean; error?: string }>) =>
  (await verdict).error ?? "valid";
const createKeys = (count: number) => Promise.all(Array.from({ length: count }, () => createKey()));

/**
 * An isolate whose reads start only after `state.delayMs`, of its own time, or fail. It is so busy that with each of
 * them `state.busyMs` pass.
 */
function slowed() {
  const state = { delayMs: 0, isBroken: false, failures: 0, busyMs: 0 };
  const parts = isolate({
    hook: async () => {
      parts.clock.now += state.busyMs;
      if (state.delayMs > 0) await scheduler.wait(state.delayMs / SPEED);
      if (state.isBroken || state.failures-- > 0) throw new Error("D1_ERROR: Network connection lost.");
    },
  });
  return { ...parts, state };
}

describe("a database that is slow is not dead", () => {
  test("an idle isolate waits for a late answer, and refuses what was revoked long ago", async () => {
    const key = await createKey();
    const { clock, state, verify } = slowed();
    await verify(key.rawKey);
    await revoke(key.id);
    clock.now += 275_000;
    state.delayMs = 0.6 * WAIT_MS;
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test("a late read is asked again, and the first answer counts", async () => {
    const key = await createKey();
    const { clock, queries, state, verify } = slowed();
    await verify(key.rawKey);
    await revoke(key.id);
    clock.now += BOUND_MS;
    state.delayMs = 100 * WAIT_MS;
    const verdict = verify(key.rawKey);
    await scheduler.wait(0);
    state.delayMs = 0;
    expect(await outcome(verdict)).toBe("KEY_REVOKED");
    expect(queries).toHaveLength(3);
  });

  test("one read that fails is asked again before anything older is used", async () => {
    const key = await createKey();
    const { clock, state, verify } = slowed();
    await verify(key.rawKey);
    await revoke(key.id);
    clock.now += BOUND_MS;
    state.failures = 1;
    logged();
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test("where none of two reads comes back what is held is used, and the callers after that do not wait", async () => {
    const { rawKey } = await createKey();
    const { clock, state, verify } = slowed();
    await verify(rawKey);
    clock.now += BOUND_MS;
    state.delayMs = 100 * WAIT_MS;
    logged();
    expect(await verify(rawKey)).toMatchObject({ valid: true, stale: true });
    const verdict = await Promise.race([verify(rawKey), scheduler.wait(20).then(() => "waited")]);
    expect(verdict).toMatchObject({ valid: true, stale: true });
  });

  test("where none of two reads comes back what is held is used, also by an isolate that is too busy to notice in time", async () => {
    const { rawKey } = await createKey();
    const { clock, state, verify } = slowed();
    await verify(rawKey);
    clock.now += BOUND_MS;
    Object.assign(state, { delayMs: 100 * WAIT_MS, busyMs: WAIT_MS });
    logged();
    expect(await verify(rawKey)).toMatchObject({ valid: true, stale: true });
  });

  test("an answer between two reads that do not come back ends the doubt, however busy the isolate", async () => {
    const { feed } = isolate();
    const now = Date.now();
    const first = feed.reads.begin(now);
    feed.reads.fail(first, now);
    const second = feed.reads.begin(now);
    feed.reads.answer();
    feed.reads.fail(second, now + WAIT_MS, true);
    expect(feed.reads.isFailing(now + WAIT_MS)).toBe(false);
  });

  test("however many callers come while nothing is known yet, reads do not pile up, and each has an answer", {
    timeout: 20_000,
  }, async () => {
    const { rawKey } = await createKey();
    const { clock, queries, state, verify } = slowed();
    await verify(rawKey);
    clock.now += BOUND_MS;
    state.delayMs = 100 * WAIT_MS;
    logged();
    const callers = 1_000;
    const verdicts = await Promise.all(Array.from({ length: callers }, () => verify(rawKey)));
    expect(verdicts.filter((verdict) => verdict.valid && verdict.stale)).toHaveLength(callers);
    expect(queries.length).toBeLessThan(callers / 5);
  });

  test("callers that leave the asking to others have their answer with them", {
    timeout: 20_000,
  }, async () => {
    const key = await createKey();
    const { clock, queries, state, verify } = slowed();
    await verify(key.rawKey);
    await revoke(key.id);
    clock.now += BOUND_MS;
    state.delayMs = 0.3 * WAIT_MS;
    const verdicts = await Promise.all(Array.from({ length: 200 }, () => outcome(verify(key.rawKey))));
    expect(new Set(verdicts)).toEqual(new Set(["KEY_REVOKED"]));
    expect(queries.length).toBeLessThan(150);
  });
});

describe("a clock that is set back", () => {
  test.each([1_000, BOUND_MS, 3_600_000])("by %d ms makes a hot isolate ask", async (step) => {
    const key = await createKey();
    const { clock, verify } = isolate();
    await verify(key.rawKey);
    clock.now += 500;
    await verify(key.rawKey);
    await revoke(key.id);
    clock.now -= step;
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test("while nobody looks does not make old knowledge look new", async () => {
    const key = await createKey();
    const { clock, passBound, settle, verify } = isolate();
    await verify(key.rawKey);
    await revoke(key.id);
    passBound();
    await scheduler.wait(0);
    clock.now += 100;
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
    await settle();
  });

  test("during a read does not make its answer look new", async () => {
    const key = await createKey();
    const { clock, state, verify } = slowed();
    state.delayMs = 0.2 * WAIT_MS;
    const verdict = verify(key.rawKey);
    await scheduler.wait(0);
    clock.now -= 3_600_000;
    expect(await outcome(verdict)).toBe("valid");
    await revoke(key.id);
    clock.now += BOUND_MS;
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
  });
});

describe("what the primary refused stays refused", () => {
  test("though an older read comes back after it", async () => {
    const key = await createKey();
    const gate = Promise.withResolvers<void>();
    let reads = 0;
    const { verify } = isolate({
      speed: 1,
      after: async () => void (++reads === 2 && (await gate.promise)),
    });
    await verify((await createKey()).rawKey);
    const slow = verify(key.rawKey);
    await scheduler.wait(10);
    await revoke(key.id);
    expect(await outcome(verify(key.rawKey, { consistency: "strong" }))).toBe("KEY_REVOKED");
    gate.resolve();
    expect(await outcome(slow)).toBe("KEY_REVOKED");
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test.each([
    ["revoked", "UPDATE api_keys SET revoked_at = 1", "KEY_REVOKED"],
    ["expired", "UPDATE api_keys SET expires_at = 1", "TOKEN_EXPIRED"],
    ["deleted", "DELETE FROM api_keys", "UNAUTHORIZED"],
    ["deprived of a scope", "UPDATE api_keys SET scopes = '[]'", "FORBIDDEN"],
  ])("though the replica lags: a key that was %s", async (_, sql, error) => {
    const { d1, follow } = await replicated();
    const { rawKey } = await createKey();
    await follow();
    const { clock, verify } = isolate({ d1 });
    const scopes = ["jobs:read"];
    await verify(rawKey);
    await run(sql);
    expect(await outcome(verify(rawKey, { scopes, consistency: "strong" }))).toBe(error);
    for (let i = 0; i < 4; i++) {
      expect(await outcome(verify(rawKey, { scopes }))).toBe(error);
      clock.now += BOUND_MS / 2;
    }
    await follow();
    expect(await outcome(verify(rawKey, { scopes }))).toBe(error);
  });

  test("until a newer state says otherwise", async () => {
    const { d1, follow } = await replicated();
    const { rawKey } = await createKey();
    await follow();
    const { clock, verify } = isolate({ d1 });
    await verify(rawKey);
    await run("UPDATE api_keys SET revoked_at = 1");
    await verify(rawKey, { consistency: "strong" });
    await run("UPDATE api_keys SET revoked_at = NULL");
    await follow();
    clock.now += BOUND_MS;
    expect(await outcome(verify(rawKey))).toBe("valid");
  });
});

describe("what an isolate changes", () => {
  test("it knows at once, also behind a replica that lags, and whatever was under way", async () => {
    const { d1, follow } = await replicated();
    const key = await createKey();
    await follow();
    const gate = Promise.withResolvers<void>();
    let reads = 0;
    const { clock, forget, verify } = isolate({
      d1,
      speed: 1,
      after: async () => void (++reads === 1 && (await gate.promise)),
    });
    const slow = verify(key.rawKey);
    await scheduler.wait(10);
    expect(await outcome(verify(key.rawKey))).toBe("valid");
    await revoke(key.id);
    forget([await digestOf(key.id)]);
    gate.resolve();
    expect(await outcome(slow)).toBe("KEY_REVOKED");
    for (let i = 0; i < 4; i++) {
      expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
      clock.now += BOUND_MS / 2;
    }
  });

  test("it knows at once, though it asked the primary just before", async () => {
    const key = await createKey();
    const gate = Promise.withResolvers<void>();
    let reads = 0;
    const { forget, verify } = isolate({
      speed: 1,
      after: async () => void (++reads === 2 && (await gate.promise)),
    });
    await verify(key.rawKey);
    const slow = verify(key.rawKey, { consistency: "strong" });
    await scheduler.wait(10);
    await revoke(key.id);
    forget([await digestOf(key.id)]);
    gate.resolve();
    await slow;
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test("it knows at once, however many keys it is", async () => {
    const { d1, follow } = await replicated();
    const key = await createKey();
    await follow();
    const { forget, verify } = isolate({ d1 });
    await verify(key.rawKey);
    await revoke(key.id);
    forget([await digestOf(key.id)]);
    forget(Array.from({ length: 20_000 }, (_, i) => `elsewhere${i}`));
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
  });
});

test("a key that a read does not find is not held any more", async () => {
  const { rawKey } = await createKey();
  const { clock, feed, verify } = isolate();
  await verify(rawKey);
  await run("DELETE FROM api_keys");
  await run("DELETE FROM key_changes WHERE digest <> ''");
  clock.now += BOUND_MS;
  expect(await outcome(verify(rawKey))).toBe("UNAUTHORIZED");
  expect(feed.size).toBe(0);
  expect(await outcome(verify(rawKey))).toBe("UNAUTHORIZED");
});

describe("many changes at once", () => {
  test("are gone through page by page: only what changed is forgotten", async () => {
    const keys = await createKeys(10);
    const [changed, ...others] = keys;
    const { clock, feed, queries, settle, verify } = isolate();
    for (const { rawKey } of keys) await verify(rawKey);
    await changeElsewhere(25_000);
    await revoke(changed?.id ?? "");
    clock.now += BOUND_MS / 2;
    await verify(others[0]?.rawKey ?? "");
    await settle();
    expect(feed.size).toBe(others.length);
    queries.length = 0;
    clock.now += BOUND_MS / 2 - 1;
    for (const { rawKey } of others)
      expect(await verify(rawKey)).toMatchObject({ valid: true, stale: false });
    expect(queries.length).toBeLessThanOrEqual(1);
    expect(await outcome(verify(changed?.rawKey ?? ""))).toBe("KEY_REVOKED");
  });

  test("are known by one read, so that a slow database does not hold up who asks for what is held", {
    timeout: 20_000,
  }, async () => {
    const { rawKey } = await createKey();
    const { clock, feed, queries, settle, verify } = isolate();
    await verify(rawKey);
    await changeElsewhere(9_000);
    queries.length = 0;
    clock.now += BOUND_MS / 2;
    await verify(rawKey);
    await settle();
    expect(queries).toHaveLength(1);
    expect(feed.syncedAt).toBe(clock.now);
  });

  test("are known to an idle isolate: each of its keys is answered by its own read, right from the first", async () => {
    const keys = await createKeys(5);
    const { clock, feed, settle, verify } = isolate();
    for (const { rawKey } of keys) await verify(rawKey);
    await changeElsewhere(2_500);
    for (const { id } of keys.slice(0, 2)) await revoke(id);
    clock.now += BOUND_MS;
    const verdicts = await Promise.all(keys.map(({ rawKey }) => outcome(verify(rawKey))));
    expect(verdicts).toEqual(["KEY_REVOKED", "KEY_REVOKED", "valid", "valid", "valid"]);
    await settle();
    expect(feed.syncedAt).toBe(clock.now);
    expect(feed.size).toBeGreaterThanOrEqual(3);
  });

  test("and a slow database leave no known key without an answer", { timeout: 20_000 }, async () => {
    const keys = await createKeys(20);
    const { clock, settle, state, verify } = slowed();
    for (const { rawKey } of keys) await verify(rawKey);
    await changeElsewhere(1_500);
    state.delayMs = 0.6 * WAIT_MS;
    clock.now += BOUND_MS;
    for (let round = 0; round < 3; round++) {
      const verdicts = await Promise.all(keys.map(({ rawKey }) => outcome(verify(rawKey))));
      expect(new Set(verdicts)).toEqual(new Set(["valid"]));
      clock.now += RETRY_MS;
    }
    await settle();
  });

  test("that come while reads are under way empty nothing", async () => {
    const keys = await createKeys(10);
    const { clock, feed, settle, state, verify } = slowed();
    for (const { rawKey } of keys) await verify(rawKey);
    clock.now += BOUND_MS;
    state.delayMs = 0.2 * WAIT_MS;
    const slow = keys.map(({ rawKey }) => verify(rawKey));
    await scheduler.wait(0);
    state.delayMs = 0;
    await changeElsewhere(1_500);
    expect(await outcome(verify(keys[0]?.rawKey ?? ""))).toBe("valid");
    await Promise.all(slow);
    await settle();
    expect(feed.size).toBe(10);
  });

  test("are not gone through by an isolate that was idle for longer than it uses what it holds", async () => {
    const key = await createKey();
    const { clock, feed, queries, settle, verify } = isolate();
    await verify(key.rawKey);
    await changeElsewhere(30_000);
    await revoke(key.id);
    clock.now += 3_600_000;
    queries.length = 0;
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
    await settle();
    expect(queries.length).toBeLessThanOrEqual(2);
    expect(feed.syncedAt).toBe(clock.now);
  });
});

describe("a database that is restored", () => {
  test("and whose numbers have passed those known before is noticed", async () => {
    const [key, other] = [await createKey(), await createKey()];
    const { clock, verify } = isolate();
    await changeElsewhere(10);
    await verify(key.rawKey);
    // Back to before the ten changes; then the key is revoked, and others change.
    await run("DELETE FROM key_changes WHERE digest <> ''");
    await run("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'key_changes'");
    await run("UPDATE api_keys SET revoked_at = 1");
    await changeElsewhere(20);
    clock.now += BOUND_MS;
    await verify(other.rawKey);
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
  });

  test("and whose numbers are still behind is noticed, and keys are held all the same", async () => {
    const key = await createKey();
    const { clock, feed, queries, verify } = isolate();
    await changeElsewhere(1_500);
    await verify(key.rawKey);
    await run("DELETE FROM key_changes WHERE digest <> ''");
    await run("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'key_changes'");
    await run("UPDATE api_keys SET revoked_at = 1");
    clock.now += BOUND_MS;
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
    expect(feed.size).toBe(1);
    queries.length = 0;
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
    expect(queries).toEqual([]);
  });

  test("is told of by a change without a digest, as the documents have it: every key is forgotten", async () => {
    const keys = await createKeys(3);
    const { clock, feed, settle, verify } = isolate();
    for (const { rawKey } of keys) await verify(rawKey);
    await run("DROP TRIGGER api_keys_updated");
    await run("UPDATE api_keys SET revoked_at = 1");
    await run("INSERT INTO key_changes (digest) VALUES ('')");
    clock.now += BOUND_MS / 2;
    await verify(keys[0]?.rawKey ?? "");
    await settle();
    expect(feed.size).toBe(0);
    for (const { rawKey } of keys) expect(await outcome(verify(rawKey))).toBe("KEY_REVOKED");
  });

  test("and whose feed is empty answers for each key, and nothing is held", async () => {
    const key = await createKey();
    const { clock, feed, verify } = isolate();
    await verify(key.rawKey);
    await run("DELETE FROM key_changes");
    clock.now += BOUND_MS;
    expect(await outcome(verify(key.rawKey))).toBe("valid");
    expect(feed.size).toBe(0);
    await revoke(key.id);
    expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
  });
});
