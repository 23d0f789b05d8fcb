import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import worker from "../src/index.ts";
import { threeDatabases } from "./support/database.ts";

const DAY_MS = 86_400_000;
/** Of one kind, and in one of three databases: what comes in an hour where five a second do. */
const MANY = 17_500;
/** More than one run drops of one database. */
const TOO_MANY = 36_000;

const rowsOf = (d1: D1Database) =>
  d1
    .prepare(
      "SELECT (SELECT count(*) FROM key_changes) AS changes, (SELECT count(*) FROM usage_days) AS days",
    )
    .first();

/** Old changes, and an old day of use. */
const fill = (d1: D1Database, changes: number) =>
  d1.batch(
    [
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${changes})
       INSERT INTO key_changes (digest, changed_at) SELECT 'x', 1 FROM n`,
      "INSERT INTO usage_days (key_id, company_id, day, allowed, denied) VALUES ('x', 'x', '2020-01-01', 1, 0)",
    ].map((sql) => d1.prepare(sql)),
  );

test("what comes in an hour is dropped in a minute, whatever else there is to drop here and in other databases", async () => {
  vi.spyOn(scheduler, "wait").mockResolvedValue();
  const bindings = await threeDatabases();
  const { DB, DB_01, DB_02 } = bindings;
  await fill(DB, MANY);
  await fill(DB_01, TOO_MANY);
  const run = () =>
    worker.scheduled(
      createScheduledController({ scheduledTime: new Date(20_000 * DAY_MS), cron: "* * * * *" }),
      { ...env, ...bindings },
    );
  await run();
  expect(await rowsOf(DB)).toEqual({ changes: 1, days: 0 });
  const { changes, days } = (await rowsOf(DB_01)) ?? {};
  expect(days).toBe(0);
  expect(changes).toBeLessThan(TOO_MANY);
  expect(changes).toBeGreaterThan(1);
  await run();
  expect(await rowsOf(DB_01)).toEqual({ changes: 1, days: 0 });
  expect(await rowsOf(DB_02)).toEqual({ changes: 1, days: 0 });
});
