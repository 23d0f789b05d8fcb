import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import worker from "../../src/index.ts";
import type { ApiKey } from "../../src/keys/schema.ts";
import { createKey, manage } from "../support/api.ts";

const DAY_MS = 86_400_000;

test("the cron drops changes that are older than a day, but the newest of them", async () => {
  const now = Date.now();
  await env.DB.prepare("DELETE FROM key_changes").run();
  const insert = env.DB.prepare("INSERT INTO key_changes (digest, changed_at) VALUES (?, ?)");
  await env.DB.batch([
    insert.bind("a", now - DAY_MS - 2),
    insert.bind("b", now - DAY_MS - 1),
    insert.bind("c", now - DAY_MS),
    insert.bind("d", now),
  ]);
  await worker.scheduled(createScheduledController({ scheduledTime: new Date(now) }), env);
  const { results } = await env.DB.prepare("SELECT digest FROM key_changes ORDER BY seq").all();
  expect(results.map((row) => row.digest)).toEqual(["b", "c", "d"]);
});

test("the cron drops counts that are older than 400 days, but not the time of the last use", async () => {
  const now = Date.now();
  const day = (ago: number) => new Date(now - ago * DAY_MS).toISOString().slice(0, 10);
  const [old, both] = [await createKey(), await createKey()];
  const insert = env.DB.prepare(
    "INSERT INTO usage_days (key_id, company_id, day, allowed, denied, last_used_at) VALUES (?, 'acme', ?, 1, 0, ?)",
  );
  await env.DB.batch([
    insert.bind(old.id, day(402), 1_000),
    insert.bind(old.id, day(401), 2_000),
    insert.bind(both.id, day(401), 2_000),
    insert.bind(both.id, day(400), 3_000),
  ]);
  await worker.scheduled(createScheduledController({ scheduledTime: new Date(now) }), env);
  const { results } = await env.DB.prepare("SELECT key_id AS id, day FROM usage_days").all();
  expect(results).toEqual([{ id: both.id, day: day(400) }]);
  const lastUsedAt = async (id: string) =>
    (await (await manage(`/settings/api-keys/${id}`)).json<ApiKey>()).lastUsedAt;
  expect(await lastUsedAt(old.id)).toBe("1970-01-01T00:00:02.000Z");
  expect(await lastUsedAt(both.id)).toBe("1970-01-01T00:00:03.000Z");
});

test("the cron drops what a day remembers of reports once all of them were delivered", async () => {
  const now = Date.now();
  const day = (ago: number) => new Date(now - ago * DAY_MS).toISOString().slice(0, 10);
  const insert = env.DB.prepare(
    "INSERT INTO usage_days (key_id, company_id, day, allowed, denied, reports) VALUES ('a', 'acme', ?, 1, 0, 'one two')",
  );
  await env.DB.batch([0, 1, 2].map((ago) => insert.bind(day(ago))));
  await worker.scheduled(createScheduledController({ scheduledTime: new Date(now) }), env);
  const { results } = await env.DB.prepare("SELECT day, reports FROM usage_days ORDER BY day DESC").all();
  expect(results).toEqual([
    { day: day(0), reports: "one two" },
    { day: day(1), reports: "one two" },
    { day: day(2), reports: "" },
  ]);
});
