import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { Feed } from "../../src/verify/feed.ts";
import { feedStore } from "../../src/verify/store.ts";
import { createKey } from "../support/api.ts";
import { isolate } from "../support/verifier.ts";

test("the reads of one isolate share a session with the nearest database, so that none goes back behind an earlier one", async () => {
  const keys = [await createKey(), await createKey()];
  const sessions: unknown[] = [];
  const withSession: D1Database["withSession"] = (start) => {
    sessions.push(start);
    return env.DB.withSession(start);
  };
  const d1: D1Database = Object.assign(Object.create(env.DB), { withSession });
  const { queries, verify } = isolate({ d1 });
  for (const { rawKey } of keys) await verify(rawKey);
  expect(queries.length).toBeGreaterThanOrEqual(2);
  expect(sessions.filter((start) => start !== "first-primary")).toEqual(["first-unconstrained"]);
});

test("a feed that somebody has emptied confirms no change", async () => {
  await env.DB.prepare("DELETE FROM key_changes").run();
  const snapshot = await feedStore(env.DB).readPrimary("a");
  expect(snapshot).toEqual({ head: 0, record: null });
  const feed = new Feed({ boundMs: 5_000, outageMs: 9_000, retryMs: 1_000, waitMs: 2_000, capacity: 10 });
  feed.forget(["a"]);
  feed.absorbPrimary(feed.reads.take(), snapshot, "a", false);
  const change = { seq: 1, digest: "", changedAt: 1 };
  expect(feed.absorb(feed.ask(1), { changes: [change], head: 1, record: null }, "a", 1).isCurrent).toBe(
    false,
  );
});
