import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { consumeReports } from "../../src/usage/consumer.ts";
import { MAX_KEYS, REPORT_ID_LENGTH } from "../../src/usage/recorder.ts";
import { createKey } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { logged } from "../support/expect.ts";

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
  day: "2026-11-26",
  keys: [use(keyId)],
  ...more,
});

/** Delivers a batch: which messages are acknowledged, and which come again. */
async function deliver(bodies: unknown[], d1 = env.DB) {
  const messages = bodies.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch("latchkey-usage", messages);
  await consumeReports(d1, batch.messages);
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
  expect(await deliver([report(id), report(id)], down)).toEqual({ acked: [], again: ["m0", "m1"] });
  expect(trips).toBe(3);
});

test("a batch goes to the database in pieces of at most 1,000 uses", async () => {
  const { id } = await createKey();
  let trips = 0;
  const counting = hooked(env.DB, () => void trips++);
  const of = (count: number) =>
    report(id, { keys: Array.from({ length: count }, (_, i) => use(`${id}${i || ""}`)) });
  const bodies = [of(600), of(400), of(1_000), of(999), of(1)];
  expect((await deliver(bodies, counting)).again).toEqual([]);
  expect(trips).toBe(3);
  expect(await allowed()).toBe(5);
});

test("a report that is delivered twice counts once, also across pieces", async () => {
  const { id } = await createKey();
  const twice = report(id);
  const big = report(id, { keys: Array.from({ length: 1_000 }, (_, i) => use(`other${i}`)) });
  await deliver([twice, big, twice]);
  expect(await allowed()).toBe(1);
});
