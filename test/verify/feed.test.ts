import { expect, test } from "vitest";
import { Feed } from "../../src/verify/feed.ts";
import { NO_KEY } from "../../src/verify/snapshot.ts";
import { RECORD } from "../support/record.ts";

const LIMITS = { boundMs: 5_000, outageMs: 9_000, retryMs: 1_000, waitMs: 2_000, capacity: 10 };
const NOW = 1_000_000;

const change = (seq: number) => ({ seq, digest: `other-${seq}`, changedAt: NOW - 60_000 });

/** A feed that knows the changes from `first` to `last`. */
function feedFrom(first: number, last: number): Feed {
  const feed = new Feed(LIMITS);
  const [begin, end] = [change(first), change(last)];
  feed.absorb(feed.ask(NOW), { changes: [begin], head: first, record: null }, NO_KEY, NOW);
  feed.absorb(feed.ask(NOW), { changes: [begin, end], head: last, record: null }, NO_KEY, NOW);
  return feed;
}

test("of replicas that lag, one that lags more will do as well, while no change of the key is known", () => {
  const feed = feedFrom(5, 8);
  for (const head of [7, 6]) {
    const question = feed.askNearest(NOW) ?? expect.fail("nothing is known");
    const snapshot = { changes: [change(head)], head, record: RECORD };
    expect(feed.absorbNearest(question, snapshot, "key", NOW).isCurrent).toBe(true);
  }
});

test("a read of the primary that found nothing new leaves the replicas as good as they were", () => {
  const feed = feedFrom(5, 8);
  feed.absorb(feed.ask(NOW), { changes: [change(8)], head: 8, record: RECORD }, "key", NOW);
  const question = feed.askNearest(NOW) ?? expect.fail("nothing is known");
  const snapshot = { changes: [change(7)], head: 7, record: RECORD };
  expect(feed.absorbNearest(question, snapshot, "key", NOW).isCurrent).toBe(true);
});
