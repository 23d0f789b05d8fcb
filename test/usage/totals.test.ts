import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import worker from "../../src/index.ts";
import type { Busiest } from "../../src/operator/usage-schema.ts";
import { addUpDays, busiestOf, dropTotals, KEPT_KEYS } from "../../src/usage/totals.ts";
import { createKey, operate } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { expectError, logged } from "../support/expect.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const NOW = Date.parse("2026-05-17T12:00:00Z");
const TODAY = "2026-05-17";
const YESTERDAY = "2026-05-16";

function use(keyId: string, companyId: string, allowed: number, denied = 0, day = TODAY) {
  return env.DB.prepare(
    "INSERT INTO usage_days (key_id, company_id, day, allowed, denied) VALUES (?, ?, ?, ?, ?)",
  )
    .bind(keyId, companyId, day, allowed, denied)
    .run();
}

const rowsOf = async (table: string) => (await env.DB.prepare(`SELECT * FROM ${table}`).all()).results;

describe("uses of a day", () => {
  test("are added up by company, today and yesterday, and again replace what was", async () => {
    await use("k1", "acme", 5, 1);
    await use("k2", "acme", 2);
    await use("k3", "globex", 3, 4);
    await use("k1", "acme", 9, 0, YESTERDAY);
    await use("k1", "acme", 99, 0, "2026-05-15");
    await addUpDays(env.DB, NOW);
    const sums = [
      { day: YESTERDAY, company_id: "acme", allowed: 9, denied: 0 },
      { day: TODAY, company_id: "acme", allowed: 7, denied: 1 },
      { day: TODAY, company_id: "globex", allowed: 3, denied: 4 },
    ];
    expect(await rowsOf("company_days")).toEqual(sums);
    await env.DB.prepare("UPDATE usage_days SET allowed = 6 WHERE key_id = 'k1' AND day = ?")
      .bind(TODAY)
      .run();
    await addUpDays(env.DB, NOW + 1);
    expect((await rowsOf("company_days"))[1]).toMatchObject({ allowed: 8 });
  });

  test("of the busiest keys are kept, and of those that were refused most", async () => {
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
       INSERT INTO usage_days (key_id, company_id, day, allowed, denied) SELECT 'k' || i, 'acme', ?, i, 6000 - i FROM n`,
    )
      .bind(TODAY)
      .run();
    await addUpDays(env.DB, NOW);
    expect(await rowsOf("busy_keys")).toHaveLength(2 * KEPT_KEYS);
    const { keys, companies } = await busiestOf(env.DB, TODAY, 2);
    expect(keys.allowed.map(({ id }) => id)).toEqual(["k6000", "k5999"]);
    expect(keys.denied.map(({ id }) => id)).toEqual(["k1", "k2"]);
    expect(companies.allowed).toEqual([{ companyId: "acme", allowed: 18_003_000, denied: 17_997_000 }]);
    await addUpDays(env.DB, NOW);
    expect(await rowsOf("busy_keys")).toHaveLength(2 * KEPT_KEYS);
  });

  test("are read in pieces, each a range of the day's index", async () => {
    await use("k1", "acme", 1);
    const statements = await statementsOf((db) => addUpDays(db, NOW));
    const reads = statements.filter((sql) => /^select .* from "usage_days"/.test(sql));
    expect(await Promise.all(reads.map(planOf))).toEqual(
      Array(2).fill(["SEARCH usage_days USING INDEX usage_days_day (day=? AND rowid>?)"]),
    );
    for (const sql of reads) expect(sql).toMatch(/ limit \?$/);
  });

  test("of old days are dropped, so many at once as one may", async () => {
    for (const day of ["2026-01-01", "2026-01-02", "2026-01-03"]) {
      await env.DB.prepare("INSERT INTO company_days VALUES (?, 'acme', 1, 0)").bind(day).run();
      await env.DB.prepare("INSERT INTO busy_keys VALUES (?, 'k', 'acme', 1, 0)").bind(day).run();
    }
    expect(await dropTotals(env.DB, "2026-01-03", 1)).toBe(1);
    expect(await dropTotals(env.DB, "2026-01-03", 5)).toBe(1);
    expect(await dropTotals(env.DB, "2026-01-03", 5)).toBe(0);
    for (const table of ["company_days", "busy_keys"]) expect(await rowsOf(table)).toHaveLength(1);
  });
});

describe("GET /operator/usage", () => {
  const get = async (query = "") => (await operate(`/operator/usage${query}`)).json<Busiest>();

  test("tells who used the service most on a day, and which keys, also those that are no longer there", async () => {
    const { id, keyPrefix, label } = await createKey();
    await use(id, "acme", 5, 0);
    await use("gone", "globex", 1, 7);
    await addUpDays(env.DB, NOW);
    const acme = { companyId: "acme", allowed: 5, denied: 0 };
    const globex = { companyId: "globex", allowed: 1, denied: 7 };
    const gone = { id: "gone", keyPrefix: null, label: null, ...globex };
    expect(await get(`?day=${TODAY}`)).toEqual({
      day: TODAY,
      addedUpAt: "2026-05-17T12:00:00.000Z",
      companies: { allowed: [acme, globex], denied: [globex] },
      keys: { allowed: [{ id, keyPrefix, label, ...acme }, gone], denied: [gone] },
    });
    expect((await get(`?day=${TODAY}&limit=1`)).companies.allowed).toEqual([acme]);
    const nobody = { companies: { allowed: [], denied: [] }, keys: { allowed: [], denied: [] } };
    expect(await get(`?day=${YESTERDAY}`)).toMatchObject(nobody);
    expect(await get()).toMatchObject({ day: new Date().toISOString().slice(0, 10), ...nobody });
  });

  test.each(["day=today", "day=2026-13-01", "day=", "limit=0", "limit=101", "limit=x"])(
    "with ?%s is 400",
    async (query) => {
      await expectError(await operate(`/operator/usage?${query}`), "BAD_REQUEST");
    },
  );
});

test("the hourly cron adds up, and where that fails the rest of it runs all the same", async () => {
  const lines = logged();
  const run = (DB: D1Database) =>
    worker.scheduled({ scheduledTime: NOW, cron: "17 * * * *", noRetry() {} }, { ...env, DB });
  await use("k1", "acme", 5);
  await run(env.DB);
  expect(await rowsOf("company_days")).toHaveLength(1);
  const failing = hooked(env.DB, (sql) => {
    if (sql.some((text) => text.includes('from "usage_days"'))) throw new Error("no such table");
  });
  await env.DB.prepare("UPDATE progress SET done = 1 WHERE job = 'retention'").run();
  await run(failing);
  expect(lines.join()).toContain("usage_totals_failed");
  expect((await env.DB.prepare("SELECT done FROM progress WHERE job = 'retention'").first())?.done).toBe(NOW);
});
