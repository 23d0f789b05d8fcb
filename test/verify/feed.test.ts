import { expect, test } from "vitest";
import { Feed, READ_LIMIT } from "../../src/verify/feed.ts";
import { BOUND_MS, OUTAGE_MS, RETRY_MS } from "../support/verifier.ts";

const change = (seq: number) => ({ seq, digest: "elsewhere" });
const RECORD = { id: "k", companyId: "acme", scopes: [], expiresAt: null, revokedAt: null };

test("a read that is too old to begin with still tells up to when all changes are known", () => {
  const feed = new Feed({ boundMs: BOUND_MS, outageMs: OUTAGE_MS, retryMs: RETRY_MS, capacity: 10 });
  const [late, many, old] = [feed.ask(0), feed.ask(BOUND_MS), feed.ask(BOUND_MS)];
  const changes = Array.from({ length: READ_LIMIT }, (_, i) => change(i + 1));
  expect(feed.absorb(many, { changes, record: null }, "k")).toBe(false);
  expect(feed.absorb(old, { changes: [change(1)], record: null }, "k")).toBe(true);
  expect(feed.absorb(late, { changes: [change(READ_LIMIT + 1)], record: RECORD }, "k")).toBe(true);
  expect(feed.get("k")).toBe(RECORD);
  expect(feed.syncedAt).toBe(BOUND_MS);
  expect(feed.isStale(2 * BOUND_MS - 1)).toBe(false);
});
