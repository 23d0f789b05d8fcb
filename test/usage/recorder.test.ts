import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { DENIALS, type Denial, MAX_KEYS, UsageRecorder, type UsageReport } from "../../src/usage/recorder.ts";

const START = Date.UTC(2026, 10, 23, 12);

/** A recorder whose clock is set by the test, and whose waits end as the clock goes on. */
function recorder(send?: () => Promise<never>) {
  const clock = { now: START };
  const messages: UsageReport[][] = [];
  const works: Promise<unknown>[] = [];
  let waits: { until: number; end: () => void }[] = [];
  const keep = async (reports: UsageReport[]) => {
    messages.push(reports);
    return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
  };
  const usage = new UsageRecorder({
    queue: { send: send ?? keep },
    now: () => clock.now,
    wait: (milliseconds) => new Promise<void>((end) => waits.push({ until: clock.now + milliseconds, end })),
    background: (work) => works.push(work),
  });
  return {
    messages,
    works,
    record: (
      id: string,
      allowed = true,
      { companyId = "acme", database = "00", denial = "scope" as Denial } = {},
    ) => usage.record({ id, companyId }, allowed ? null : denial, clock.now, database),
    /** Lets so much time pass, second by second. */
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second++) {
        clock.now += 1_000;
        const over = waits.filter(({ until }) => until <= clock.now);
        waits = waits.filter(({ until }) => until > clock.now);
        for (const { end } of over) end();
        if (over.length > 0) await new Promise<void>((done) => setTimeout(done));
      }
    },
    /** What was under way is cut off, and the clock set to another time. */
    cutOff(seconds: number) {
      waits = [];
      clock.now += seconds * 1_000;
    },
  };
}

const bytes = (message: UsageReport[] | undefined) =>
  new TextEncoder().encode(JSON.stringify(message)).length;
const uses = (reports: readonly UsageReport[]) =>
  reports.flatMap(({ keys }) => keys).reduce((sum, key) => sum + key.allowed + key.denied, 0);

test("uses are handed on ten seconds after the last, in one report, with the time of the last accepted one", async () => {
  const { messages, record, pass } = recorder();
  record("a");
  await pass(9);
  record("a");
  record("a", false);
  record("b", false);
  await pass(9);
  expect(messages).toEqual([]);
  await pass(1);
  expect(messages.flat()).toEqual([
    {
      id: expect.stringMatching(/^[0-9A-Za-z]{10}$/),
      database: "00",
      day: "2026-11-23",
      keys: [
        {
          keyId: "a",
          companyId: "acme",
          allowed: 2,
          denied: 1,
          denials: [0, 0, 0, 1, 0, 0],
          lastUsedAt: START + 9_000,
        },
        {
          keyId: "b",
          companyId: "acme",
          allowed: 0,
          denied: 1,
          denials: [0, 0, 0, 1, 0, 0],
          lastUsedAt: null,
        },
      ],
    },
  ]);
});

test("a minute of uses is one report", async () => {
  const { messages, record, pass } = recorder();
  for (let second = 0; second < 60; second++) {
    record("a");
    await pass(1);
  }
  await pass(10);
  expect(messages.flat().map(({ keys }) => keys[0]?.allowed)).toEqual([60]);
});

test("keys in constant use are a report every minute and a half", async () => {
  const { messages, record, pass } = recorder();
  for (let second = 0; second < 300; second++) {
    record("a");
    await pass(1);
  }
  expect(messages.flat()).toHaveLength(3);
  for (const { keys } of messages.flat()) expect(keys[0]?.allowed).toBeLessThanOrEqual(96);
});

test("uses on both sides of midnight, UTC, are each of their own day", async () => {
  const { messages, record, pass, cutOff } = recorder();
  cutOff(12 * 3600 - 1);
  record("a");
  await pass(2);
  record("a", false);
  await pass(11);
  expect(messages.flat().map(({ day, keys }) => [day, keys[0]?.allowed, keys[0]?.denied])).toEqual([
    ["2026-11-23", 1, 0],
    ["2026-11-24", 0, 1],
  ]);
});

test("whatever is recorded, every use is in exactly one report, and each report fits a message", {
  timeout: 60_000,
}, async () => {
  const step = fc.oneof(
    {
      weight: 40,
      arbitrary: fc.record({
        key: fc.nat(1500),
        allowed: fc.boolean(),
        database: fc.constantFrom("00", "01", "02"),
      }),
    },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 20 }) },
    { weight: 1, arbitrary: fc.constantFrom("later" as const, "earlier" as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 5000, size: "max" }), async (steps) => {
      const { messages, record, pass, cutOff } = recorder();
      let made = 0;
      for (const step of steps) {
        if (typeof step === "number") await pass(step);
        else if (step === "later") cutOff(86_400);
        else if (step === "earlier") cutOff(-3_600);
        else {
          record(`${step.key}`, step.allowed, { database: step.database });
          made += 1;
        }
      }
      cutOff(10);
      record("last");
      await pass(15);
      expect(uses(messages.flat())).toBe(made + 1);
      for (const message of messages) expect(bytes(message)).toBeLessThan(128_000);
      expect(new Set(messages.flat().map(({ id }) => id)).size).toBe(messages.flat().length);
    }),
    { numRuns: 30 },
  );
});

test("keys of each database are reported apart, in one message", async () => {
  const { messages, record, pass } = recorder();
  for (const database of ["00", "01", "02"]) {
    record(`of ${database}`, true, { database });
    await pass(1);
  }
  record("of 00");
  await pass(10);
  expect(messages).toHaveLength(1);
  expect(messages.flat().map(({ database, keys }) => [database, keys.map(({ keyId }) => keyId)])).toEqual([
    ["00", ["of 00"]],
    ["01", ["of 01"]],
    ["02", ["of 02"]],
  ]);
  expect(new Set(messages.flat().map(({ id }) => id)).size).toBe(3);
});

test("a database whose keys are many is reported by itself, and the others go on being counted", async () => {
  const { messages, record, pass } = recorder();
  record("other", true, { database: "01" });
  for (let i = 0; i <= MAX_KEYS; i++) record(`${i}`);
  expect(messages.flat().map(({ database, keys }) => [database, keys.length])).toEqual([["00", MAX_KEYS]]);
  record("other", true, { database: "01" });
  await pass(10);
  expect(messages.slice(1).map((reports) => reports.map(({ keys }) => keys[0]?.allowed))).toEqual([[2, 1]]);
});

test("reports that one message does not hold go in as few as they fit", async () => {
  const { messages, record, pass } = recorder();
  for (const database of ["00", "01", "02", "03"])
    for (let i = 0; i < 300; i++) record(`${i}`.padStart(36, "0"), true, { database });
  await pass(10);
  expect(messages.map((reports) => reports.map(({ database }) => database))).toEqual([
    ["00", "01"],
    ["02", "03"],
  ]);
});

test("reports of very many databases go in messages that they fit", async () => {
  const { messages, record, pass } = recorder();
  const companyId = "c".repeat(1_400);
  for (let i = 0; i < 100; i++) record("a", true, { companyId, database: `${i}` });
  await pass(10);
  expect(uses(messages.flat())).toBe(100);
  for (const message of messages) expect(bytes(message)).toBeLessThan(128_000 - 100);
});

test.each([36, 200, 15_000])(
  "however long ids are, no use is lost: a company's of %d characters",
  async (length) => {
    for (const letter of ["a", "ß", '"', "\u0001", "😀"]) {
      const { messages, record, pass } = recorder();
      const companyId = letter.repeat(length / letter.length);
      for (let i = 0; i < 900; i++) record(`${i}`.padStart(36, "0"), true, { companyId });
      await pass(10);
      expect(uses(messages.flat())).toBe(900);
      for (const message of messages) expect(bytes(message)).toBeLessThan(128_000 - 100);
      // Messages cost money: they are filled.
      expect(bytes(messages[0])).toBeGreaterThan(length > 1_000 ? 30_000 : 60_000);
    }
  },
);

test("refusals of many keys for every reason fit a message", async () => {
  const { messages, record, pass } = recorder();
  for (let i = 0; i < MAX_KEYS; i++) {
    const id = `${i}`.padStart(36, "0");
    record(id);
    for (const denial of DENIALS) for (let count = 0; count < 10; count++) record(id, false, { denial });
  }
  await pass(10);
  expect(uses(messages.flat())).toBe(61 * MAX_KEYS);
  for (const message of messages) expect(bytes(message)).toBeLessThan(128_000 - 100);
});

test("a report with as many keys as one may have is sent at once", () => {
  const { messages, record } = recorder();
  for (let i = 0; i <= MAX_KEYS; i++) record(`${i}`);
  expect(messages.flat().map(({ keys }) => keys.length)).toEqual([MAX_KEYS]);
});

test("however many keys are used, one watch is begun in five seconds", async () => {
  const { works, record, pass } = recorder();
  for (let i = 0; i < 500; i++) record(`${i}`);
  expect(works).toHaveLength(1);
  await pass(5);
  for (let i = 0; i < 500; i++) record(`${i}`);
  expect(works).toHaveLength(2);
});

test.each([10, -3_600])(
  "a watch that was cut off with its request does not end the counting, the clock set by %d s",
  async (seconds) => {
    const { messages, record, pass, cutOff } = recorder();
    record("a");
    cutOff(seconds);
    record("a");
    await pass(10);
    expect(uses(messages.flat())).toBe(2);
  },
);

test("a queue that fails loses counts, tells how many, and disturbs nobody", async () => {
  const log = vi.spyOn(console, "error").mockReturnValue();
  onTestFinished(() => log.mockRestore());
  const { works, record, pass } = recorder(() => Promise.reject(new Error("no queue")));
  record("a");
  await pass(10);
  await Promise.all(works);
  expect(log.mock.calls.join()).toContain("usage_lost");
});
