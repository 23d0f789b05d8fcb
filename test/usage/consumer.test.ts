import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { databasesOf } from "../../src/db/databases.ts";
import { consumeReports, mergeDue } from "../../src/usage/consumer.ts";
import { MAX_KEYS, REPORT_ID_LENGTH } from "../../src/usage/recorder.ts";
import { appWith, createKey } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { only, threeDatabases } from "../support/database.ts";
import { logged } from "../support/expect.ts";

/** On the day of the reports: older ones are soon forgotten. */
const NOW = Date.parse("2026-11-26T12:00:00Z");
const LOST = "D1_ERROR: Network connection lost.";
const newId = () => crypto.randomUUID().slice(-REPORT_ID_LENGTH);
const use = (keyId: string, more: object = {}) => ({
  keyId,
  companyId: "acme",
  allowed: 1,
  denied: 0,
  lastUsedAt: 1_000,
  ...more,
});
const report = (keyId: string, more: object = {}) => ({
  id: newId(),
  database: "00",
  day: "2026-11-26",
  keys: [use(keyId)],
  ...more,
});

/** Delivers a batch of messages, each with one report: which are acknowledged, and which come again. */
const deliver = (reports: unknown[], databases = only(env.DB)) =>
  deliverMessages(
    reports.map((one) => [one]),
    databases,
  );

async function deliverMessages(bodies: unknown[], databases = only(env.DB)) {
  const messages = bodies.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch("latchkey-usage", messages);
  await consumeReports(databases, batch.messages, NOW);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  return { acked: explicitAcks, again: retryMessages.map(({ msgId }: { msgId: string }) => msgId) };
}
const allowed = () => env.DB.prepare("SELECT sum(allowed) AS n FROM usage_days").first<number>("n");

test("each message is acknowledged by itself", async () => {
  const { id } = await createKey();
  expect(await deliver([report(id), report(id)])).toEqual({ acked: ["m0", "m1"], again: [] });
  expect(await allowed()).toBe(2);
});

test.each<[string, unknown]>([
  ["null", null],
  ["a text", "x"],
  ["a list", [report("k")]],
  ["no id", report("k", { id: undefined })],
  ["an empty id", report("k", { id: "" })],
  ["an id with a space", report("k", { id: "0123 45678" })],
  ["no database", report("k", { database: undefined })],
  ["a database that is not bound", report("k", { database: "zz" })],
  ["no day", report("k", { day: undefined })],
  ["a day that is none", report("k", { day: "2026-11-31" })],
  ["a day that is a time", report("k", { day: 1 })],
  ["no keys", report("k", { keys: undefined })],
  ["keys that are no list", report("k", { keys: {} })],
  ["a key that is null", report("k", { keys: [null] })],
  ["a count that is a text", report("k", { keys: [use("k", { allowed: "1" })] })],
  ["a negative count", report("k", { keys: [use("k", { denied: -1 })] })],
  ["a count that is no whole number", report("k", { keys: [use("k", { allowed: 0.5 })] })],
  ["a count past what a number holds", report("k", { keys: [use("k", { allowed: 2 ** 53 })] })],
  ["a time that is a text", report("k", { keys: [use("k", { lastUsedAt: "now" })] })],
  ["a time that cannot be shown", report("k", { keys: [use("k", { lastUsedAt: 253_402_300_800_000 })] })],
  ["more keys than a report has", report("k", { keys: Array(MAX_KEYS + 1).fill(use("k")) })],
])("a message of %s comes again by itself, and those beside it count", async (_, odd) => {
  const { id } = await createKey();
  const lines = logged();
  expect(await deliver([report(id), odd, report(id)])).toEqual({ acked: ["m0", "m2"], again: ["m1"] });
  expect(await allowed()).toBe(2);
  expect(lines).toEqual([expect.stringContaining('"event":"usage_report_failed","message":"m1"')]);
});

test.each([null, "x", {}, report("k")])("a message that is no list comes again: %j", async (body) => {
  logged();
  expect(await deliverMessages([body])).toEqual({ acked: [], again: ["m0"] });
});

test("a message that the database refuses comes again by itself, and those beside it count", async () => {
  const { id } = await createKey();
  await env.DB.prepare(
    "CREATE TRIGGER broken BEFORE INSERT ON usage_days WHEN NEW.day = '2026-11-25' BEGIN SELECT RAISE(ABORT, 'broken'); END",
  ).run();
  logged();
  const bodies = [report(id), report(id, { day: "2026-11-25" }), report(id)];
  expect(await deliver(bodies)).toEqual({ acked: ["m0", "m2"], again: ["m1"] });
  expect(await allowed()).toBe(2);
});

test("while the database is down all come again, and it is not asked for each of them", async () => {
  const { id } = await createKey();
  let trips = 0;
  const down = hooked(env.DB, () => {
    trips++;
    throw new Error(LOST);
  });
  logged();
  expect(await deliver([report(id), report(id)], only(down))).toEqual({ acked: [], again: ["m0", "m1"] });
  expect(trips).toBe(3);
});

test("a batch of very many keys goes to the database in several transactions", async () => {
  const { id } = await createKey();
  const transactions: string[][] = [];
  const counting = hooked(env.DB, (sql) => void (sql.length > 1 && transactions.push(sql)));
  const of = (batch: number) =>
    report(id, {
      keys: Array.from({ length: 1_000 }, (_, i) =>
        use(i === 0 ? id : `${batch} ${i}`, { lastUsedAt: null }),
      ),
    });
  const bodies = Array.from({ length: 12 }, (_, i) => of(i));
  expect((await deliver(bodies, only(counting))).again).toEqual([]);
  expect(transactions.filter(([first]) => first?.includes("usage_reports"))).toHaveLength(2);
  const waiting = "SELECT count(*) AS n FROM waiting_sums, json_each(sums)";
  expect(await env.DB.prepare(waiting).first("n")).toBe(12 * 999 + 2);
});

test("what cannot be merged stays, and keeps nothing else from being merged", async () => {
  const keys = await Promise.all([createKey(), createKey()]);
  const idle = { lastUsedAt: null };
  const many = Array.from({ length: 501 }, (_, i) => use(`none${i}`, idle));
  await deliver(keys.map(({ id }) => report(id, { keys: [use(id, idle), ...many] })));
  await env.DB.prepare(
    `CREATE TRIGGER broken BEFORE INSERT ON usage_days WHEN NEW.key_id = '${keys[0]?.id}' BEGIN SELECT RAISE(ABORT, 'broken'); END`,
  ).run();
  const lines = logged();
  const later = NOW + 600_000;
  await mergeDue(only(env.DB), later);
  expect(lines).toEqual([expect.stringContaining('"event":"usage_merge_failed"')]);
  await env.DB.prepare("DROP TRIGGER broken").run();
  await mergeDue(only(env.DB), later);
  expect(await allowed()).toBe(2);
});

test("whoever adds to what waits also writes what has waited for long enough, so that it never becomes too much for the cron", async () => {
  const { id } = await createKey();
  const sums = JSON.stringify([[id, "acme", "2026-11-26", 2, 0, 1_000]]);
  const waits = env.DB.prepare("INSERT INTO waiting_sums VALUES ('x', 'one', ?, ?)");
  const many = Array.from({ length: 501 }, (_, i) => use(`none${i}`, { lastUsedAt: null }));
  await waits.bind(NOW - 590_000, sums).run();
  await deliver([report(id, { keys: many })]);
  expect(await allowed()).toBeNull();
  await env.DB.prepare("UPDATE waiting_sums SET since = since - 20000 WHERE part = 'x'").run();
  await deliver([report(id)]);
  expect(await allowed()).toBe(1);
  await deliver([report(id, { keys: many })]);
  expect(await allowed()).toBe(3);
});

test("a report that is delivered twice counts once, also across transactions", async () => {
  const { id } = await createKey();
  const twice = report(id);
  const others = Array.from({ length: 11 }, (_, batch) =>
    report(id, { keys: Array.from({ length: 1_000 }, (_, i) => use(`${batch} ${i}`)) }),
  );
  await deliver([twice, ...others, twice]);
  expect(await allowed()).toBe(1);
});

describe("over several databases", () => {
  const sums = async (...all: D1Database[]) =>
    Promise.all(all.map((d1) => d1.prepare("SELECT sum(allowed) AS n FROM usage_days").first<number>("n")));

  async function several(overrides: object = {}) {
    const bindings = await threeDatabases();
    const keys = await Promise.all(
      ["00", "01", "02"].map((name) =>
        createKey({}, { company: `in ${name}`, target: appWith({ ...bindings, PLACE_NEW_COMPANIES: name }) }),
      ),
    );
    const sent = keys.map(({ id }, i) => ({
      ...report(""),
      database: `0${i}`,
      keys: [use(id, { companyId: `in 0${i}` })],
    }));
    const databases = databasesOf({ ...bindings, ...overrides })();
    return { ...bindings, databases, sent };
  }

  test("each key is counted in its own", async () => {
    const { databases, sent, DB, DB_01, DB_02 } = await several();
    expect(await deliverMessages([sent], databases)).toEqual({ acked: ["m0"], again: [] });
    expect(await sums(DB, DB_01, DB_02)).toEqual([1, 1, 1]);
  });

  test("each report is remembered in its own, and nowhere else", async () => {
    const { databases, sent, DB, DB_01, DB_02 } = await several();
    await deliverMessages([sent, sent.slice(1)], databases);
    const remembered = [DB, DB_01, DB_02].map((d1) => d1.prepare("SELECT id FROM usage_reports").first("id"));
    expect(await Promise.all(remembered)).toEqual(sent.map(({ id }) => id));
    expect(await sums(DB, DB_01, DB_02)).toEqual([1, 1, 1]);
  });

  test("a message that one of them did not count comes again, and counts once in the others", async () => {
    logged();
    const state = { isLost: true };
    const DB_01 = hooked(env.TEST_DB_01, () => (state.isLost ? Promise.reject(new Error(LOST)) : undefined));
    const { databases, sent, DB, DB_02 } = await several({ DB_01 });
    expect(await deliverMessages([sent], databases)).toEqual({ acked: [], again: ["m0"] });
    expect(await sums(DB, env.TEST_DB_01, DB_02)).toEqual([1, null, 1]);
    state.isLost = false;
    expect(await deliverMessages([sent], databases)).toEqual({ acked: ["m0"], again: [] });
    expect(await sums(DB, env.TEST_DB_01, DB_02)).toEqual([1, 1, 1]);
  });

  test("a message with a report of a database that is not bound comes again, and what is of the others counts", async () => {
    const lines = logged();
    const { sent, DB } = await several();
    expect(await deliverMessages([sent], only(DB))).toEqual({ acked: [], again: ["m0"] });
    expect(await sums(DB)).toEqual([1]);
    expect(lines.join()).toContain("The database 01 is not bound");
  });
});
