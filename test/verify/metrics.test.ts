import { expect, test, vi } from "vitest";
import { LIMITED, UNKNOWN } from "../../src/verify/decide.ts";
import { COLUMNS, Metrics } from "../../src/verify/metrics.ts";
import { createKey } from "../support/api.ts";
import { logged } from "../support/expect.ts";
import { isolate } from "../support/verifier.ts";

const START = Date.UTC(2026, 10, 23, 12);
/** Data points that a Worker may write while it answers one request. */
const MAX_POINTS = 25;

/** Metrics whose clock is set by the test, and whose waits end as the clock goes on. */
function metrics(write?: () => never) {
  const clock = { now: START };
  const points: AnalyticsEngineDataPoint[] = [];
  let waits: { until: number; end: () => void }[] = [];
  const counted = new Metrics({
    dataset: { writeDataPoint: write ?? ((point) => void points.push(point ?? {})) },
    now: () => clock.now,
    wait: (milliseconds) => new Promise<void>((end) => waits.push({ until: clock.now + milliseconds, end })),
    background: () => {},
  });
  return {
    counted,
    clock,
    points,
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second++) {
        clock.now += 1_000;
        const over = waits.filter(({ until }) => until <= clock.now);
        waits = waits.filter(({ until }) => until > clock.now);
        for (const { end } of over) end();
        await new Promise<void>((done) => setTimeout(done));
      }
    },
  };
}

/** The numbers of a data point that are not zero, by their names. */
function numbers({ doubles = [] }: AnalyticsEngineDataPoint): Record<string, number> {
  const named = COLUMNS.map((name, i): [string, number] => [name, doubles[i] ?? Number.NaN]);
  return Object.fromEntries(named.filter(([, value]) => value !== 0));
}

const byCompany = (points: readonly AnalyticsEngineDataPoint[]) =>
  Object.fromEntries(points.map((point) => [point.blobs?.[0], numbers(point)]));

test("verdicts are added up by company, with how old what was known had become, and written once nothing comes", async () => {
  const { counted, points, pass } = metrics();
  counted.verdict("acme", null, 1_000, START);
  counted.verdict("acme", null, 3_000, START);
  counted.verdict("acme", { valid: false, error: "FORBIDDEN", message: "" }, null, START);
  counted.verdict("", UNKNOWN, null, START);
  counted.read(12, START);
  counted.read(30, START);
  counted.read(null, START);
  await pass(9);
  expect(points).toEqual([]);
  await pass(1);
  expect(byCompany(points)).toEqual({
    acme: { VALID: 2, FORBIDDEN: 1, held: 2, age_ms: 4_000, age_max_ms: 3_000 },
    "": { UNAUTHORIZED: 1, reads: 2, read_ms: 42, read_max_ms: 30, reads_failed: 1 },
  });
  await pass(60);
  expect(points).toHaveLength(2);
});

test("constant use is a data point a company every minute and a half, not one a request", async () => {
  const { counted, clock, points, pass } = metrics();
  for (let second = 0; second < 300; second++) {
    for (let i = 0; i < 10; i++) counted.verdict("acme", null, 0, clock.now);
    await pass(1);
  }
  expect(points.filter(({ blobs }) => blobs?.[0] === "acme")).toHaveLength(3);
});

test("use that ends as it is written is written once", async () => {
  const { counted, clock, points, pass } = metrics();
  for (let second = 0; second < 90; second++) {
    counted.verdict("acme", null, null, clock.now);
    await pass(1);
  }
  await pass(60);
  expect(points.map(numbers)).toEqual([{ VALID: 90 }, {}]);
});

test("however many companies there are, one request writes what the platform allows, and nothing is lost", async () => {
  const { counted, points, pass } = metrics();
  for (let i = 0; i < 3_000; i++) counted.verdict(`company-${i}`, null, i, START);
  for (let i = 500; i < 520; i++) counted.verdict(`company-${i}`, LIMITED, null, START);
  await pass(10);
  expect(points).toHaveLength(MAX_POINTS);
  const companies = byCompany(points);
  for (let i = 500; i < 520; i++)
    expect(companies[`company-${i}`]).toMatchObject({ VALID: 1, RATE_LIMITED: 1 });
  expect(points.map(numbers).reduce((sum, { VALID = 0 }) => sum + VALID, 0)).toBe(3_000);
  expect(companies[""]).toMatchObject({ age_max_ms: 2_999 });
});

test("an index has at most 96 bytes, whatever a company is called", async () => {
  const { counted, points, pass } = metrics();
  for (const letter of ["a", "ß", "漢", "😀"]) counted.verdict(letter.repeat(500), null, null, START);
  await pass(10);
  for (const { indexes } of points) {
    expect(new TextEncoder().encode(`${indexes?.[0]}`).length).toBeLessThanOrEqual(96);
  }
});

test("where the clock is set back what is known has no age, and a read took no time", async () => {
  const { counted, points, pass } = metrics();
  counted.verdict("acme", null, -5_000, START);
  counted.verdict("acme", null, 1_000, START);
  counted.read(-30, START);
  await pass(10);
  expect(byCompany(points)).toEqual({
    acme: { VALID: 2, held: 2, age_ms: 1_000, age_max_ms: 1_000 },
    "": { reads: 1 },
  });
});

test("of companies beyond those that are counted each by itself, the sums are kept, and the oldest age", async () => {
  const { counted, points, pass } = metrics();
  for (let i = 0; i < 1_000; i++) counted.verdict(`company-${i}`, null, 1, START);
  for (const age of [7, 3]) counted.verdict("one more", null, age, START);
  counted.read(null, START);
  await pass(10);
  const rest = byCompany(points)[""];
  const own = points.length - 1;
  expect(rest).toEqual({
    VALID: 1_002 - own,
    held: 1_002 - own,
    age_ms: 1_010 - own,
    age_max_ms: 7,
    reads_failed: 1,
  });
});

test("a dataset that fails loses what was counted, and disturbs nobody", async () => {
  const lines = logged();
  const { counted, pass } = metrics(() => {
    throw new Error("no dataset");
  });
  counted.verdict("acme", null, null, START);
  await pass(10);
  expect(lines.join()).toContain("metrics_lost");
});

test("the verifier tells of each verdict whether it cost a read, and of each read how long it took", async () => {
  const { rawKey } = await createKey();
  const onVerdict = vi.fn();
  const onUnnamed = vi.fn();
  const onRead = vi.fn();
  const { verify } = isolate({ onVerdict, onUnnamed, onRead });
  await verify(rawKey);
  await verify(rawKey, { scopes: ["jobs:write"] });
  await verify(rawKey, { consistency: "strong" });
  await verify("lk_live_forged");
  expect(onVerdict.mock.calls.map(([, refusal, , age]) => [refusal?.error ?? "VALID", age])).toEqual([
    ["VALID", null],
    ["FORBIDDEN", 0],
    ["VALID", null],
  ]);
  expect(onUnnamed.mock.calls.map(([refusal]) => refusal)).toEqual([UNKNOWN]);
  expect(onRead.mock.calls).toEqual([[0], [0]]);
});

test("the verifier tells of each read that fails, at the replica as well as at the primary", async () => {
  const [held, other] = [await createKey(), await createKey()];
  const faults: unknown[] = [];
  let isBroken = false;
  const { verify } = isolate({
    onRead: (_, fault) => isBroken && faults.push(fault),
    hook: () => {
      if (isBroken) throw new Error("no database");
    },
  });
  await verify(held.rawKey);
  isBroken = true;
  const fault = { cause: { message: "no database" } };
  await verify(other.rawKey);
  expect(faults).toMatchObject([fault, fault]);
  await verify(other.rawKey, { consistency: "strong" });
  expect(faults).toMatchObject([fault, fault, fault]);
});
