import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { UsageRecorder, type UsageReport } from "../../src/usage/recorder.ts";

/** A recorder whose clock and waits are set by the test. */
function recorder(send?: () => Promise<never>) {
  const clock = { now: Date.UTC(2026, 10, 23, 12) };
  const sent: UsageReport[] = [];
  const waits: (() => void)[] = [];
  const works: Promise<unknown>[] = [];
  const keep = async (report: UsageReport) => {
    sent.push(report);
    return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
  };
  const usage = new UsageRecorder({
    queue: { send: send ?? keep },
    now: () => clock.now,
    wait: () => new Promise<void>((resolve) => waits.push(resolve)),
  });
  return {
    clock,
    sent,
    works,
    record: (id: string, allowed: boolean) =>
      usage.record({ id, companyId: "acme" }, allowed, clock.now, (work) => works.push(work)),
    async flush() {
      for (const go of waits.splice(0)) go();
      await Promise.all(works.splice(0));
    },
  };
}

test("uses of some seconds are one report, with the time of the last accepted one", async () => {
  const { clock, sent, record, flush } = recorder();
  record("a", true);
  clock.now += 1_000;
  record("a", true);
  record("a", false);
  record("b", false);
  await flush();
  const last = clock.now;
  expect(sent).toEqual([
    {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      day: "2026-11-23",
      keys: [
        { keyId: "a", companyId: "acme", allowed: 2, denied: 1, lastUsedAt: last },
        { keyId: "b", companyId: "acme", allowed: 0, denied: 1, lastUsedAt: null },
      ],
    },
  ]);
});

test("whatever is recorded, every use is in exactly one report, and each report fits a message", async () => {
  const step = fc.oneof(
    { weight: 40, arbitrary: fc.record({ key: fc.nat(1500), allowed: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constant("flush" as const) },
    { weight: 1, arbitrary: fc.constant("later" as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 5000, size: "max" }), async (steps) => {
      const { clock, sent, record, flush } = recorder();
      let uses = 0;
      for (const step of steps) {
        if (step === "flush") await flush();
        else if (step === "later") clock.now += 20_000;
        else {
          record(`${step.key}`, step.allowed);
          uses += 1;
        }
      }
      await flush();
      const counted = sent
        .flatMap(({ keys }) => keys)
        .reduce((sum, key) => sum + key.allowed + key.denied, 0);
      expect(counted).toBe(uses);
      for (const report of sent) expect(JSON.stringify(report).length).toBeLessThan(128_000);
      expect(new Set(sent.map(({ id }) => id)).size).toBe(sent.length);
    }),
    { numRuns: 30 },
  );
});

test("a report with as many keys as a message holds is sent at once", async () => {
  const { sent, works, record } = recorder();
  for (let i = 0; i < 1_001; i++) record(`${i}`, true);
  await works[1];
  expect(sent.map(({ keys }) => keys.length)).toEqual([1_000]);
});

test("one report is under way at a time, however many keys are used", () => {
  const { works, record } = recorder();
  for (let i = 0; i < 500; i++) record(`${i}`, true);
  expect(works).toHaveLength(1);
});

test("a flush that was cut off with its request does not end the counting", async () => {
  const { clock, sent, works, record, flush } = recorder();
  record("a", true);
  works.length = 0;
  clock.now += 10_000;
  record("a", true);
  expect(works).toHaveLength(1);
  await flush();
  expect(sent[0]?.keys[0]?.allowed).toBe(2);
});

test("a queue that fails loses counts, tells how many, and disturbs nobody", async () => {
  const log = vi.spyOn(console, "error").mockReturnValue();
  onTestFinished(() => log.mockRestore());
  const { works, record, flush } = recorder(() => Promise.reject(new Error("no queue")));
  record("a", true);
  await flush();
  expect(log.mock.calls.join()).toContain("usage_lost");
  expect(works).toEqual([]);
});
