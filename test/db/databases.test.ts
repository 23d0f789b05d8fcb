import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { DatabaseError } from "../../src/db/client.ts";
import { databasesOf } from "../../src/db/databases.ts";
import { SettingsError } from "../../src/lib/settings.ts";
import { createKey } from "../support/api.ts";
import { setCompany } from "../support/companies.ts";
import { hooked } from "../support/d1.ts";
import { threeDatabases } from "../support/database.ts";

/** The databases of a deployment with three of them, and how often they were asked. */
async function three(settings: Record<string, unknown> = {}) {
  const state = { trips: 0 };
  const bindings = Object.entries(await threeDatabases()).map(([name, d1]) => [
    name,
    hooked(d1, () => void state.trips++),
  ]);
  const of = () => databasesOf({ PLACE_NEW_COMPANIES: "", ...Object.fromEntries(bindings), ...settings })();
  return { ...of(), another: of, state };
}
const placements = async (d1 = env.DB) => (await d1.prepare("SELECT * FROM placements").all()).results;

describe("the databases", () => {
  test("are found by the names of their bindings, DB first", () => {
    const { all, first, named } = databasesOf({ DB_Za: env.DB, DB_02: env.DB, DB: env.DB, DB_1: "", X: 1 })();
    expect(all.map(({ name }) => name)).toEqual(["00", "02", "Za"]);
    expect(first).toBe(env.DB);
    expect(named("02")).toBe(env.DB);
    expect(named("01")).toBeUndefined();
  });

  test.each([
    ["DB", { DB_01: env.DB }],
    ["DB_01", { DB: env.DB, DB_01: "x" }],
    ["DB_00", { DB: env.DB, DB_00: env.DB }],
  ])("are refused where %s is wrong", (name, bindings) => {
    expect(() => databasesOf(bindings)()).toThrow(SettingsError);
    expect(() => databasesOf(bindings)()).toThrow(name);
  });
});

test("with one database nothing is asked, nor noted", async () => {
  let trips = 0;
  const { of, place } = databasesOf({ DB: hooked(env.DB, () => void trips++) })();
  expect((await of("acme")).name).toBe("00");
  expect((await place("acme")).name).toBe("00");
  expect(trips).toBe(0);
});

describe("a company", () => {
  test("comes to live in the last database", async () => {
    const { place, of, another } = await three();
    expect((await place("acme")).name).toBe("02");
    expect((await of("acme")).name).toBe("02");
    expect((await another().of("acme")).name).toBe("02");
    expect(await placements()).toEqual([{ company_id: "acme", database: "02" }]);
    expect(await placements(env.TEST_DB_02)).toEqual([]);
  });

  test.each(["00", "01"])(
    "comes to live in the database that PLACE_NEW_COMPANIES names: %s",
    async (name) => {
      const { place } = await three({ PLACE_NEW_COMPANIES: name });
      expect((await place("acme")).name).toBe(name);
    },
  );

  test.each(["03", "DB_01", "1"])("is not placed where PLACE_NEW_COMPANIES is %s", async (name) => {
    const { place } = await three({ PLACE_NEW_COMPANIES: name });
    await expect(place("acme")).rejects.toThrow("PLACE_NEW_COMPANIES: ");
  });

  test("is placed once, however many isolates of different settings do it at once", async () => {
    const { another } = await three();
    const settings = ["", "00", "01", "02", "01"];
    const others = settings.map((PLACE_NEW_COMPANIES) =>
      databasesOf({ ...env, DB_01: env.TEST_DB_01, DB_02: env.TEST_DB_02, PLACE_NEW_COMPANIES })(),
    );
    const placed = await Promise.all(others.map(({ place }) => place("acme")));
    expect(new Set(placed.map(({ name }) => name)).size).toBe(1);
    expect((await another().of("acme")).name).toBe(placed[0]?.name);
    expect(await placements()).toHaveLength(1);
  });

  test("that lives nowhere yet is looked for in DB, and asked for again", async () => {
    const { of, another } = await three();
    expect((await of("acme")).name).toBe("00");
    await another().place("acme");
    expect((await of("acme")).name).toBe("02");
  });

  test("is remembered once it lives somewhere", async () => {
    const { place, of, state } = await three();
    await place("acme");
    expect(state.trips).toBe(1);
    await of("acme");
    await place("acme");
    expect(state.trips).toBe(1);
  });

  test.each<[string, () => Promise<unknown>]>([
    ["had keys", () => createKey()],
    ["had a policy", () => setCompany({ maxLiveKeys: 1 })],
    [
      "had a key that is no longer kept",
      async () => {
        await createKey();
        await env.DB.exec("DELETE FROM api_keys");
      },
    ],
  ])("that %s when there was one database stays in DB", async (_, live) => {
    await live();
    const { of, another, state } = await three();
    expect((await of("acme")).name).toBe("00");
    expect((await another().place("acme")).name).toBe("00");
    state.trips = 0;
    expect((await of("acme")).name).toBe("00");
    expect(state.trips).toBe(0);
  });

  test("whose database is not bound cannot be reached", async () => {
    const { place } = await three();
    await place("acme");
    const fewer = databasesOf({ ...env, DB_01: env.TEST_DB_01 })();
    await expect(fewer.of("acme")).rejects.toThrow(DatabaseError);
    await expect(fewer.place("acme")).rejects.toThrow(DatabaseError);
  });

  test("never moves", async () => {
    const { place } = await three();
    await place("acme");
    await expect(env.DB.exec("UPDATE placements SET database = '01'")).rejects.toThrow("never moves");
    await expect(env.DB.exec("DELETE FROM placements")).rejects.toThrow("never moves");
  });
});
