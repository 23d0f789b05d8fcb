import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { appWith, createKey, manage, type Target } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { expectError, logged, stored } from "../support/expect.ts";
import { ask, routes } from "../support/routes.ts";

const LOST = "D1_ERROR: Network connection lost.";

/** The database, with another `batch`. */
function batching(
  batch: (run: D1Database["batch"], statements: D1PreparedStatement[]) => unknown,
  overrides: Record<string, unknown> = {},
): Target {
  const session = env.DB.withSession("first-primary");
  const DB = {
    withSession: () => ({
      prepare: (sql: string) => session.prepare(sql),
      batch: (statements: D1PreparedStatement[]) => batch((all) => session.batch(all), statements),
    }),
  };
  return appWith({ DB, ...overrides });
}

/** The database carries out the first batch, but its answer is lost. */
function losing(overrides: Record<string, unknown> = {}): Target {
  let losses = 1;
  return batching(async (run, statements) => {
    const results = await run(statements);
    if (losses-- > 0) throw new Error(LOST);
    return results;
  }, overrides);
}

/** Verification does not ask again: its caller waits. */
const retrying = routes.filter(({ needs }) => needs !== "key");
const mutating = routes.filter((route) => route.method !== "GET" && !route.isQuestion);

describe.each(routes)("$method $path", (route) => {
  test("with the database down is 503 with Retry-After, and nothing is half-written", async () => {
    const key = await createKey();
    const before = await stored();
    const lines = logged();
    const DB = hooked(env.DB, () => {
      throw new Error(LOST);
    });
    const answer = await ask(route, key, { target: appWith({ DB }) });
    await expectError(answer, "UNAVAILABLE");
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(await stored()).toEqual(before);
    expect(lines.join()).toContain(LOST);
  });
});

describe.each(retrying)("$method $path", (route) => {
  test("outlives a fault of the database that passes", async () => {
    const key = await createKey();
    let faults = 1;
    const DB = hooked(env.DB, () => {
      if (faults-- > 0) throw new Error(LOST);
    });
    expect((await ask(route, key, { target: appWith({ DB }) })).status).toBe(route.success);
  });
});

describe.each(mutating)("$method $path", (route) => {
  test("that fails half-way leaves nothing behind", async () => {
    const key = await createKey();
    const before = await stored();
    const lines = logged();
    const target = batching((run, statements) =>
      run([...statements, env.DB.prepare("INSERT INTO key_changes (digest) VALUES (NULL)")]),
    );
    await expectError(await ask(route, key, { target }), "INTERNAL_ERROR");
    expect(await stored()).toEqual(before);
    expect(lines.join()).toContain("NOT NULL constraint failed: key_changes.digest");
  });

  test("whose answer from the database is lost takes effect once", async () => {
    const key = await createKey();
    const rows = async () => {
      const { api_keys = [], audit_events = [] } = await stored();
      return { keys: api_keys.length, events: audit_events.length };
    };
    const before = await rows();
    const answer = await ask(route, key, { target: losing() });
    expect(answer.status).toBe(route.success);
    expect(await rows()).toEqual({
      keys: before.keys + (route.adds?.keys ?? 0),
      events: before.events + (route.adds?.events ?? 1),
    });
  });
});

test("a key whose creation was repeated is the key that was shown", async () => {
  const { rawKey: _, ...key } = await createKey({}, { target: losing() });
  expect(await (await manage("/settings/api-keys")).json()).toEqual([key]);
});

test("a creation at the cap whose answer was lost is no conflict", async () => {
  const key = await createKey({}, { target: losing({ MAX_LIVE_KEYS: 1 }) });
  expect(key.active).toBe(true);
});
