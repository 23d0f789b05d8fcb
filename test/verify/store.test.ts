import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { Feed } from "../../src/verify/feed.ts";
import { feedStore } from "../../src/verify/store.ts";
import { createKey } from "../support/api.ts";
import { setCompany } from "../support/companies.ts";
import { changeElsewhere, digestOf } from "../support/database.ts";

test("a feed that somebody has emptied confirms no change", async () => {
  await env.DB.prepare("DELETE FROM key_changes").run();
  const snapshot = await feedStore(env.DB).readPrimary("a");
  expect(snapshot).toEqual({ changes: [], head: 0, record: null });
  const feed = new Feed({ boundMs: 5_000, outageMs: 9_000, retryMs: 1_000, waitMs: 2_000, capacity: 10 });
  feed.forget(["a"]);
  feed.absorbPrimary(feed.reads.take(), snapshot, "a", false);
  const change = { seq: 1, digest: "", changedAt: 1 };
  expect(feed.absorb(feed.ask(1), { changes: [change], head: 1, record: null }, "a", 1).isCurrent).toBe(
    false,
  );
});

test("a company for which nothing is set takes no room in the record of its key", async () => {
  const { id } = await createKey();
  const digest = await digestOf(id);
  const companyOf = async () => (await feedStore(env.DB).readPrimary(digest)).record?.company;
  await setCompany({ suspended: true });
  expect(await companyOf()).toMatchObject({ allowedIps: null, rateTier: null });
  await setCompany({ suspended: false });
  expect(await companyOf()).toBeNull();
});

test("who looks back from a change reads a thousand, that one among them, and what followed", async () => {
  await changeElsewhere(1_200);
  const { head } = await feedStore(env.DB).readPrimary("a");
  const { changes } = await feedStore(env.DB).readPast({ seq: head - 50, digest: "", changedAt: 0 });
  expect(changes.map(({ seq }) => seq)).toEqual(Array.from({ length: 1_050 }, (_, i) => head - 1_049 + i));
});
