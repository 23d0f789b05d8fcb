import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { Feed, READ_LIMIT } from "../../../src/verify/feed.ts";
import { Verifier } from "../../../src/verify/verifier.ts";
import { history, live } from "./run.ts";

const RUNS = 1_000;

test("whatever happens, no isolate breaks the promises of the feed", { timeout: 60_000 }, async () => {
  const silenced = vi.spyOn(console, "error").mockReturnValue();
  onTestFinished(() => silenced.mockRestore());
  let verdicts = 0;
  await fc.assert(
    fc.asyncProperty(history, async (events) => {
      const world = await live({ Feed, Verifier, READ_LIMIT }, events);
      verdicts += world.verdicts;
      if (world.fault) throw world.fault;
    }),
    { numRuns: RUNS },
  );
  expect(verdicts).toBeGreaterThan(10 * RUNS);
});
