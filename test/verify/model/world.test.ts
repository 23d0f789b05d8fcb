import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { Feed } from "../../../src/verify/feed.ts";
import { sharedRecords } from "../../../src/verify/records.ts";
import { sharedFeed } from "../../../src/verify/shared.ts";
import { PAGE_SIZE } from "../../../src/verify/snapshot.ts";
import { feedStore } from "../../../src/verify/store.ts";
import { Verifier } from "../../../src/verify/verifier.ts";
import type { Sqlite } from "./database.ts";
import { histories, live } from "./run.ts";

const RUNS = 100;

/** D1's own SQLite. Replicas have tables of their own. */
const d1: Sqlite = {
  all: (sql, params) =>
    env.DB.prepare(sql)
      .bind(...params)
      .raw(),
};

test("whatever happens, no isolate breaks the promises of the feed", { timeout: 120_000 }, async () => {
  const silenced = vi.spyOn(console, "error").mockReturnValue();
  onTestFinished(() => silenced.mockRestore());
  let verdicts = 0;
  await fc.assert(
    fc.asyncProperty(histories(fc.constantFrom(1, 10, PAGE_SIZE, 2 * PAGE_SIZE + 1)), async (history) => {
      const world = await live({ Feed, Verifier, feedStore, sharedFeed, sharedRecords }, [d1], {
        ...history,
        lagMs: 0,
      });
      verdicts += world.verdicts;
      if (world.fault) throw world.fault;
    }),
    { numRuns: RUNS },
  );
  expect(verdicts).toBeGreaterThan(5 * RUNS);
});
