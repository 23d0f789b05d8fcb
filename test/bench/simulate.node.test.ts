import { expect, test } from "vitest";
import { Clock } from "../../bench/simulate/clock.ts";
import { addUp, carried, loadOf, simulate } from "../../bench/simulate/everywhere.ts";
import { timeToLive, workersKv } from "../../bench/simulate/others.ts";
import { MONTH_SECONDS, monthly, monthlyTotal, PLAN } from "../../bench/simulate/prices.ts";
import { wholeLife } from "../../bench/simulate/span.ts";
import { Durations, Tally } from "../../bench/simulate/tally.ts";
import { usageOf } from "../../bench/simulate/usage.ts";
import { USUAL } from "../../bench/simulate/world.ts";

const perSecond = (aMonth: number) => aMonth / MONTH_SECONDS;
const SIZE = { requestsPerSecond: 200, isolates: 48, dataCentres: 12, keys: 200, databases: 1 };
const BRIEF = { ...USUAL, lifeSeconds: 120 };

test("a month costs what Cloudflare's own example says: $45.40 for 100 million requests of 7 ms", () => {
  const used = { requests: perSecond(100_000_000), cpuMs: perSecond(700_000_000) };
  expect(monthly(used).requests).toBeCloseTo(27, 6);
  expect(monthly(used).cpuMs).toBeCloseTo(13.4, 6);
  expect(PLAN + monthlyTotal(used)).toBeCloseTo(45.4, 6);
});

test("what a month includes costs nothing, and a million beyond it one price", () => {
  expect(monthlyTotal({ rowsWritten: perSecond(50_000_000), kvReads: perSecond(10_000_000) })).toBeCloseTo(
    0,
    6,
  );
  expect(monthlyTotal({ rowsWritten: perSecond(51_000_000) })).toBeCloseTo(1, 6);
  expect(monthlyTotal({ kvReads: perSecond(11_000_000) })).toBeCloseTo(0.5, 6);
  expect(monthlyTotal({ rowsRead: perSecond(26_000_000_000) })).toBeCloseTo(1, 6);
});

test("an answer counts within its own reach and every wider one", () => {
  const tally = new Tally(1);
  Object.assign(tally.answers, { isolate: 6, dataCentre: 1, region: 2, world: 1 });
  expect(tally.requests).toBe(10);
  expect(tally.shareWithin("isolate")).toBe(0.6);
  expect(tally.shareWithin("dataCentre")).toBe(0.7);
  expect(tally.shareWithin("region")).toBe(0.9);
  expect(tally.shareWithin("world")).toBe(1);
});

test("a region's sample stands for all its isolates, and its feed for all its data centres", () => {
  const tally = new Tally(1);
  tally.answers.isolate = 100;
  Object.assign(tally.reads[0] ?? {}, { look: 10, first: 20, again: 0, nearest: 40 });
  const place = { region: 0, dataCentres: 3, isolates: 2, standsFor: 5, requestsPerSecond: 1 };
  const figures = addUp([{ place, tally }], SIZE, 10);
  expect(figures).toMatchObject({ requests: 50, looks: 3, first: 10, nearest: [20, 0, 0, 0, 0, 0] });
  expect(loadOf(figures, 0)).toEqual({ primary: 13, replica: 20 });
  expect(loadOf(figures, 1)).toEqual({ primary: 33, replica: 0 });
  expect(carried(figures, 0)).toBe(2_500);
});

test("the quantile of durations counts each by its weight", () => {
  const durations = new Durations();
  durations.add(10, 98);
  durations.add(70, 2);
  expect([0, 0.98, 0.99, 1].map((q) => durations.quantile(q))).toEqual([10, 10, 70, 70]);
});

test("time passes to what is due, in its order, and what was taken back is not run", async () => {
  const clock = new Clock();
  const ran: number[] = [];
  for (const at of [30, 10, 20]) clock.after(at, () => ran.push(clock.now));
  clock.after(15, () => ran.push(Number.NaN))();
  void clock.wait(25).then(() => ran.push(clock.now));
  await clock.passTo(28, () => {});
  expect(ran).toEqual([10, 20, 25]);
  expect(clock.now).toBe(28);
});

test("no isolate accepts a key beyond the bound, and those of a data centre look at the feed about once a second", async () => {
  const { within, delays, looks, requests } = await simulate(SIZE, BRIEF, wholeLife(BRIEF));
  expect(requests).toBeGreaterThan(150);
  expect(within.isolate).toBeGreaterThan(0.5);
  expect(within.world).toBeCloseTo(1, 6);
  expect(delays.quantile(1)).toBeLessThanOrEqual(5_000);
  expect(looks / SIZE.dataCentres).toBeLessThan(1.2);
});

test("idle isolates look at what their data centre shares before they ask the primary, and keep the bound", async () => {
  const size = { ...SIZE, databases: 4 };
  const { first, within, delays } = await simulate(size, BRIEF, wholeLife(BRIEF));
  expect(within.dataCentre).toBeGreaterThan(within.isolate);
  expect(first).toBeLessThan(5);
  expect(delays.quantile(1)).toBeLessThanOrEqual(5_000);
});

test("isolates use the records that others of their data centre have read, and each looks back once in its life", async () => {
  const shared = await simulate(SIZE, BRIEF, wholeLife(BRIEF));
  const apart = await simulate(SIZE, { ...BRIEF, sharesRecords: false }, wholeLife(BRIEF));
  expect(shared.total.nearest).toBeLessThan(0.8 * apart.total.nearest);
  expect(shared.within.dataCentre - shared.within.isolate).toBeGreaterThan(
    2 * (apart.within.dataCentre - apart.within.isolate),
  );
  expect(shared.past).toBeCloseTo(SIZE.isolates / BRIEF.lifeSeconds, 1);
  expect(apart.past).toBe(0);
});

test("Workers KV and plain caching go on accepting for about as long as they cache", () => {
  const cached = timeToLive(SIZE, BRIEF, 5, wholeLife(BRIEF));
  expect(cached.delays.quantile(1)).toBeLessThanOrEqual(15_000 + 100);
  const kv = workersKv(SIZE, USUAL, 30);
  expect(kv.within.isolate).toBe(0);
  expect(kv.delays.quantile(1)).toBeLessThanOrEqual(30_000 + 1_000);
});

test("counting uses at 10,000 verifications a second writes about two rows for a hundred of them", () => {
  const size = { ...SIZE, keys: 20_000 };
  const [usage] = usageOf(size, { requests: 10_000, usage: { messages: 9, reports: 9, operations: 0 } });
  expect((usage?.rowsWritten ?? 0) / 10_000).toBeLessThan(0.02);
});

test.each([
  ["20,000 keys of one database", 100_000, 20_000, 1, 90],
  ["2,000,000 keys of one database", 100_000, 2_000_000, 1, 120],
  ["20,000 keys of 16 databases", 1_000_000, 20_000, 16, 900],
])(
  "counting the uses of %s keeps up, and writes each key four times in ten minutes at most",
  (_, ...told) => {
    const [requests, keys, databases, messages] = told;
    const usage = { messages, reports: (messages * databases) / 2, operations: 0 };
    for (const of of usageOf({ ...SIZE, keys, databases }, { requests, usage })) {
      expect(of.steps).toBeLessThan(of.allowedSteps);
      expect(of.dayRows * 600).toBeLessThan((4 * keys) / databases);
    }
  },
);
