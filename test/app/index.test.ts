import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import worker from "../../src/index.ts";
import type { ApiKey } from "../../src/keys/schema.ts";
import { createKey, manage } from "../support/api.ts";
import { logged } from "../support/expect.ts";

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

/** Runs the cron with these settings. */
const cron = (overrides: Record<string, unknown> = {}) =>
  worker.scheduled(createScheduledController({ scheduledTime: new Date() }), { ...env, ...overrides });

test("the cron drops keys that are dead for DEAD_KEY_DAYS, 400 by default", async () => {
  const keys = await Promise.all([1, 2, 399, 401].map(async (days) => ({ days, ...(await createKey()) })));
  for (const { id, days } of keys) {
    await env.DB.prepare("UPDATE api_keys SET revoked_at = ? WHERE id = ?")
      .bind(Date.now() - days * DAY_MS - 1_000, id)
      .run();
  }
  const left = async () => {
    const { results } = await env.DB.prepare("SELECT id FROM api_keys").all();
    return keys.filter(({ id }) => results.some((row) => row.id === id)).map(({ days }) => days);
  };
  await cron();
  expect(await left()).toEqual([1, 2, 399]);
  await cron({ DEAD_KEY_DAYS: 2 });
  expect(await left()).toEqual([1]);
});

test("with a wrong DEAD_KEY_DAYS no key is dropped, the log says why, and all else is dropped", async () => {
  await createKey();
  await env.DB.prepare("UPDATE api_keys SET revoked_at = 1").run();
  await env.DB.prepare("UPDATE key_changes SET changed_at = 1").run();
  const lines = logged();
  await cron({ DEAD_KEY_DAYS: 0 });
  expect(await env.DB.prepare("SELECT count(*) AS n FROM api_keys").first("n")).toBe(1);
  expect(await env.DB.prepare("SELECT count(*) AS n FROM key_changes").first("n")).toBe(1);
  expect(lines).toEqual([expect.stringMatching(/"retention_failed","what":"keys".*DEAD_KEY_DAYS: must be/)]);
});

test("what cannot be dropped keeps nothing else from being dropped", async () => {
  await env.DB.prepare("DROP TABLE usage_days").run();
  await env.DB.prepare(
    "INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at, revoked_at) VALUES ('k', 'acme', 'x', 'x', 'd', '[]', 0, 1)",
  ).run();
  const lines = logged();
  await cron();
  expect(await env.DB.prepare("SELECT count(*) AS n FROM api_keys").first("n")).toBe(0);
  expect(lines.filter((line) => line.includes("retention_failed"))).toHaveLength(1);
});

test("the cron drops all that is old, however many pieces that takes", async () => {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
     INSERT INTO usage_days (key_id, company_id, day, allowed, denied) SELECT 'k' || i, 'acme', '2020-01-01', 1, 0 FROM n`,
  ).run();
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
     INSERT INTO key_changes (digest, changed_at) SELECT 'd', i FROM n`,
  ).run();
  await cron();
  expect(await env.DB.prepare("SELECT count(*) AS n FROM usage_days").first("n")).toBe(0);
  expect(await env.DB.prepare("SELECT count(*) AS n FROM key_changes").first("n")).toBe(1);
});

test("the cron drops what requests with an Idempotency-Key made once it is over", async () => {
  const headers = { "Idempotency-Key": "x" };
  await createKey({}, { headers });
  const count = () => env.DB.prepare("SELECT count(*) AS n FROM sealed_answers").first("n");
  const at = (scheduledTime: number) =>
    worker.scheduled(createScheduledController({ scheduledTime: new Date(scheduledTime) }), env);
  await at(Date.now());
  expect(await count()).toBe(1);
  await at(Date.now() + DAY_MS);
  expect(await count()).toBe(0);
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

test("the cron forgets which reports were counted once all of their day are delivered", async () => {
  const now = Date.now();
  const day = (ago: number) => new Date(now - ago * DAY_MS).toISOString().slice(0, 10);
  const insert = env.DB.prepare("INSERT INTO usage_reports (day, id) VALUES (?, 'one')");
  await env.DB.batch([0, 1, 2, 3].map((ago) => insert.bind(day(ago))));
  await worker.scheduled(createScheduledController({ scheduledTime: new Date(now) }), env);
  const { results } = await env.DB.prepare("SELECT day FROM usage_reports ORDER BY day DESC").all();
  expect(results.map((row) => row.day)).toEqual([day(0), day(1), day(2)]);
});

test("each minute the cron writes the counts that have waited for ten minutes", async () => {
  const { id } = await createKey();
  const sums = JSON.stringify([[id, "acme", "2026-11-26", 2, 0, 1_000]]);
  const minute = async (scheduledTime: number) => {
    await worker.scheduled(
      createScheduledController({ scheduledTime: new Date(scheduledTime), cron: "* * * * *" }),
      env,
    );
    return env.DB.prepare("SELECT sum(allowed) AS n FROM usage_days").first("n");
  };
  await env.DB.prepare("INSERT INTO waiting_sums VALUES ('a', 'one', 0, ?)").bind(sums).run();
  expect(await minute(599_999)).toBeNull();
  expect(await minute(600_000)).toBe(2);
});
