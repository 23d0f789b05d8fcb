import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { createIsolate } from "../../src/isolate.ts";
import { foreignDigests } from "../../src/keys/foreign.ts";
import { placeFinder } from "../../src/keys/places.ts";
import { withDeadline } from "../../src/lib/deadline.ts";
import type { VerifyOptions } from "../../src/verify/contract.ts";
import { LIMITED, UNAVAILABLE, UNKNOWN } from "../../src/verify/decide.ts";
import { ImportedKeys } from "../../src/verify/imported.ts";
import { type Hook, hooked } from "../support/d1.ts";
import { logged } from "../support/expect.ts";
import { foreignKey, importKey } from "../support/imports.ts";

const FLOOD = 100_000;
const AT_ONCE = 1_000;
const PEPPERS = new Map<string, string>(Object.entries(JSON.parse(env.KEY_PEPPERS)));

/** One isolate's knowledge, with a clock to set and a count of what reaches the database. */
function known(hook: Hook = () => {}) {
  const clock = { now: 1_000_000 };
  const state = { reads: 0 };
  const first = hooked(env.DB, async (sql) => {
    state.reads += 1;
    await hook(sql);
  });
  const keys = new ImportedKeys({
    isForeign: () => true,
    digestsOf: foreignDigests(PEPPERS),
    findPlace: placeFinder(first),
    now: () => clock.now,
    inTime: withDeadline,
    waitMs: 2_000,
  });
  const place = (key: string, options: { isAnew?: boolean; isBlocked?: boolean } = {}) =>
    keys.place(key, { consistency: options.isAnew ? "strong" : "bounded" }, () => options.isBlocked ?? false);
  return { keys, clock, state, place };
}

describe("where an imported key is", () => {
  test("is asked for once, and never again", async () => {
    const key = foreignKey();
    await importKey(key);
    const { place, state } = known();
    const found = await place(key);
    expect(found).toMatchObject({ database: "00" });
    expect(await place(key)).toEqual(found);
    expect(state.reads).toBe(1);
  });

  test("is told to whoever presents it, also to who has failed too often, once it is known", async () => {
    const key = foreignKey();
    await importKey(key);
    const { place } = known();
    expect(await place(key, { isBlocked: true })).toBe(LIMITED);
    await place(key);
    expect(await place(key, { isBlocked: true })).toMatchObject({ database: "00" });
  });

  test("is not known where the database fails, which takes nothing from others", async () => {
    let fails = true;
    const key = foreignKey();
    await importKey(key);
    const { place } = known(() => {
      if (fails) throw new Error("D1_ERROR: Network connection lost.");
    });
    for (let i = 0; i < 1_000; i++) expect(await place(key)).toBe(UNAVAILABLE);
    fails = false;
    expect(await place(key)).toMatchObject({ database: "00" });
  });

  test("is forgotten once the key is not there, and asked for again after 5 seconds", async () => {
    const key = foreignKey();
    await importKey(key);
    const { keys, place, state, clock } = known();
    const found = await place(key);
    await keys.forget(key);
    state.reads = 0;
    expect(await place(key)).toBe(UNKNOWN);
    expect(state.reads).toBe(0);
    clock.now += 5_000;
    expect(await place(key)).toEqual(found);
    expect(state.reads).toBe(1);
  });
});

describe("a text that is nobody's key", () => {
  test("is asked for again after 5 seconds, then after twice as long each time, at most 10 minutes", async () => {
    const { place, state, clock } = known();
    const key = foreignKey();
    expect(await place(key)).toBe(UNKNOWN);
    const { reads } = state;
    for (const seconds of [5, 10, 20, 40, 80, 160, 320, 600, 600]) {
      state.reads = 0;
      clock.now += seconds * 1_000 - 1;
      expect(await place(key)).toBe(UNKNOWN);
      expect(state.reads).toBe(0);
      clock.now += 1;
      expect(await place(key)).toBe(UNKNOWN);
      expect(state.reads).toBe(reads);
    }
  });

  test("is asked for at once where keys were imported here, or the primary is to tell", async () => {
    const { place, keys } = known();
    const key = foreignKey();
    expect(await place(key)).toBe(UNKNOWN);
    await importKey(key);
    expect(await place(key)).toBe(UNKNOWN);
    keys.forgetMissing();
    expect(await place(key)).toMatchObject({ database: "00" });
    const other = foreignKey();
    expect(await place(other)).toBe(UNKNOWN);
    await importKey(other);
    expect(await place(other, { isAnew: true })).toMatchObject({ database: "00" });
  });

  test("uses up what look-ups there are; one comes back each second, and those of keys that there are at once", async () => {
    const { place, clock } = known();
    const good = Array.from({ length: 20 }, foreignKey);
    for (const key of good) await importKey(key);
    for (let i = 0; i < 300; i++) expect(await place(foreignKey())).toBe(UNKNOWN);
    expect(await place(foreignKey())).toBe(LIMITED);
    expect(await place(good[0] ?? "")).toBe(LIMITED);
    clock.now += 1_000;
    for (const key of good) expect(await place(key)).toMatchObject({ database: "00" });
    expect(await place(foreignKey())).toBe(UNKNOWN);
    expect(await place(foreignKey())).toBe(LIMITED);
    clock.now -= 3_600_000;
    expect(await place(foreignKey())).toBe(LIMITED);
  });
});

describe("a flood of made-up keys that fit the pattern", () => {
  test("costs at most 1,000 reads, and keys that are held go on being accepted", async () => {
    logged();
    const [held, other] = [foreignKey(), foreignKey()];
    await importKey(held);
    await importKey(other);
    let reads = 0;
    const DB = hooked(env.DB, () => {
      reads += 1;
    });
    const { verifier } = createIsolate({ ...env, DB } as Env)();
    const verify = (key: string, options: VerifyOptions = {}) => verifier.verify(key, options);
    expect(await verify(held)).toMatchObject({ valid: true });
    const madeUp = () => Array.from({ length: AT_ONCE }, () => verify(foreignKey()));
    for (let i = 0; i < FLOOD; i += AT_ONCE) {
      const verdicts = await Promise.all(madeUp());
      for (const { valid } of verdicts) expect(valid).toBe(false);
      expect(await verify(held)).toMatchObject({ valid: true, stale: false });
    }
    expect(reads).toBeLessThanOrEqual(1_000);
    // What is not held can be tried again.
    const verdicts = await Promise.all([...madeUp(), verify(other)]);
    expect(verdicts.at(-1)).toMatchObject({ valid: false, error: "RATE_LIMITED" });
  });
});
