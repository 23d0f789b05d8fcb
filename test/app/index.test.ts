import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import worker from "../../src/index.ts";

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
