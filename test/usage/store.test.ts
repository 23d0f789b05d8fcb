import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import worker from "../../src/index.ts";
import type { ApiKey } from "../../src/keys/schema.ts";
import { REPORT_ID_LENGTH, type UsageReport } from "../../src/usage/recorder.ts";
import type { DayUsage } from "../../src/usage/schema.ts";
import { dropDays, dropReports } from "../../src/usage/store.ts";
import { createKey, manage } from "../support/api.ts";
import { expectError } from "../support/expect.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const today = () => new Date().toISOString().slice(0, 10);
const report = (
  keyId: string,
  uses: Partial<UsageReport["keys"][number]> = {},
  day = today(),
): UsageReport => ({
  id: crypto.randomUUID().slice(-REPORT_ID_LENGTH),
  database: "00",
  day,
  keys: [
    {
      keyId,
      companyId: "acme",
      allowed: 1,
      denied: 0,
      denials: [0, 0, 0, 0, 0, 0],
      lastUsedAt: 1_000,
      ...uses,
    },
  ],
});
const usage = async (id: string, options = {}) => manage(`/settings/api-keys/${id}/usage`, options);
const lastDay = async (id: string) => (await (await usage(id)).json<DayUsage[]>()).at(-1);

async function deliver(...reports: UsageReport[]) {
  const messages = reports.map((report, i) => ({
    id: `m${i}`,
    timestamp: new Date(),
    attempts: 1,
    body: [report],
  }));
  const batch = createMessageBatch<UsageReport[]>("latchkey-usage", messages);
  const context = createExecutionContext();
  await worker.queue(batch, env);
  return getQueueResult(batch, context);
}

test("reports are added up by key and day", async () => {
  const { id } = await createKey();
  await deliver(report(id, { allowed: 2, denied: 1 }), report(id, { allowed: 3 }));
  expect(await lastDay(id)).toMatchObject({ day: today(), allowed: 5, denied: 1 });
  await deliver(report(id, { allowed: 4, denied: 2 }));
  expect(await lastDay(id)).toMatchObject({ day: today(), allowed: 9, denied: 3 });
});

test("denials are added up by reason", async () => {
  const { id } = await createKey();
  const none = { expired: 0, revoked: 0, suspended: 0, scope: 0, address: 0, limit: 0 };
  await deliver(report(id, { allowed: 1 }));
  expect(await lastDay(id)).toEqual({ day: today(), allowed: 1, denied: 0, denials: none });
  const denied = (denials: number[]) => report(id, { allowed: 0, denied: 21, denials, lastUsedAt: null });
  await deliver(denied([1, 2, 3, 4, 5, 6]), denied([6, 5, 4, 3, 2, 1]));
  await deliver(denied([0, 0, 0, 0, 0, 21]));
  expect(await lastDay(id)).toEqual({
    day: today(),
    allowed: 1,
    denied: 63,
    denials: { expired: 7, revoked: 7, suspended: 7, scope: 7, address: 7, limit: 28 },
  });
});

test("a report that is delivered twice counts once", async () => {
  const { id } = await createKey();
  const once = report(id, { allowed: 2 });
  await deliver(once, once);
  await deliver(once, report(id));
  expect(await lastDay(id)).toMatchObject({ allowed: 3 });
});

test("the time of the last use moves forward only, and not by refusals", async () => {
  const { id } = await createKey();
  const lastUsedAt = async () => (await (await manage(`/settings/api-keys/${id}`)).json<ApiKey>()).lastUsedAt;
  await deliver(report(id, { allowed: 0, denied: 1, lastUsedAt: null }));
  expect(await lastUsedAt()).toBeNull();
  await deliver(report(id, { lastUsedAt: 5_000 }));
  await deliver(report(id, { lastUsedAt: 4_000 }));
  expect(await lastUsedAt()).toBe("1970-01-01T00:00:05.000Z");
});

test("a day of refusals alone leaves the time of the last use where it was", async () => {
  const { id } = await createKey();
  const denied = { allowed: 0, denied: 1, lastUsedAt: null };
  await deliver(report(id, { lastUsedAt: 5_000 }, "2026-01-01"), report(id, denied, "2026-01-02"));
  const { lastUsedAt } = await (await manage(`/settings/api-keys/${id}`)).json<ApiKey>();
  expect(lastUsedAt).toBe("1970-01-01T00:00:05.000Z");
});

test("counting is no change that isolates must hear of", async () => {
  const { id } = await createKey();
  const changes = async () =>
    (await env.DB.prepare("SELECT count(*) AS n FROM key_changes").first<number>("n")) ?? 0;
  const before = await changes();
  await deliver(report(id));
  expect(await changes()).toBe(before);
});

test("the last 30 days are shown, oldest first, those without a use as zero", async () => {
  const { id } = await createKey();
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
  await deliver(report(id, { allowed: 4 }, ago(29)), report(id, { allowed: 9 }, ago(30)));
  const days = await (await usage(id)).json<DayUsage[]>();
  expect(days).toHaveLength(30);
  const denials = { expired: 0, revoked: 0, suspended: 0, scope: 0, address: 0, limit: 0 };
  expect(days[0]).toEqual({ day: ago(29), allowed: 4, denied: 0, denials });
  expect(days.slice(1)).toEqual(
    Array.from({ length: 29 }, (_, i) => ({ day: ago(28 - i), allowed: 0, denied: 0, denials })),
  );
});

test("another company's key has no usage: 404", async () => {
  const { id } = await createKey();
  await deliver(report(id));
  expect((await usage(id, { company: "globex" })).status).toBe(404);
  expect((await usage(crypto.randomUUID())).status).toBe(404);
});

test("a report that names another company than the key's, or no key, changes nothing", async () => {
  const { id } = await createKey();
  await deliver(report(id, { companyId: "globex", lastUsedAt: 9_000 }), report(crypto.randomUUID()));
  expect(await (await manage(`/settings/api-keys/${id}`)).json()).toMatchObject({ lastUsedAt: null });
  expect(await env.DB.prepare("SELECT count(*) AS n FROM usage_days").first("n")).toBe(0);
});

test("dropping days reads those that it drops, and no others", async () => {
  const drop = await statementsOf((db) => dropDays(db, "2026-01-01", 10));
  const OLDEST = "SEARCH usage_days USING COVERING INDEX usage_days_day (day<?)";
  const BY_ROWID = "SEARCH usage_days USING INTEGER PRIMARY KEY (rowid=?)";
  expect(await Promise.all(drop.map(planOf))).toEqual([
    [
      "MATERIALIZE last_uses",
      BY_ROWID,
      "LIST SUBQUERY 1",
      OLDEST,
      "USE TEMP B-TREE FOR GROUP BY",
      "SCAN last_uses",
      "SEARCH api_keys USING INDEX sqlite_autoindex_api_keys_1 (id=?)",
    ],
    [BY_ROWID, "LIST SUBQUERY 1", OLDEST],
  ]);
});

test("forgetting reports reads those that it forgets, and no others", async () => {
  const [drop = ""] = await statementsOf((db) => dropReports(db, "2026-01-01", 10));
  expect(await planOf(drop)).toEqual([
    "SEARCH usage_reports USING PRIMARY KEY (day=? AND id=?)",
    "LIST SUBQUERY 2",
    "SEARCH usage_reports USING PRIMARY KEY (day<?)",
  ]);
});

describe("a piece", () => {
  const insert = (keyId: string, day: string, lastUsedAt: number | null = null) =>
    env.DB.prepare(
      "INSERT INTO usage_days (key_id, company_id, day, allowed, denied, last_used_at) VALUES (?, 'acme', ?, 1, 0, ?)",
    ).bind(keyId, day, lastUsedAt);
  const days = async (where = "true") =>
    (await env.DB.prepare(`SELECT day FROM usage_days WHERE ${where} ORDER BY day`).all()).results.map(
      ({ day }) => day,
    );

  test("of days is the oldest ones, and says how many they were", async () => {
    await env.DB.batch(
      ["2025-01-03", "2025-01-01", "2025-01-02", "2025-01-04"].map((day) => insert("a", day)),
    );
    expect(await dropDays(env.DB, "2025-01-04", 2)).toBe(2);
    expect(await days()).toEqual(["2025-01-03", "2025-01-04"]);
    expect(await dropDays(env.DB, "2025-01-04", 2)).toBe(1);
    expect(await dropDays(env.DB, "2025-01-04", 2)).toBe(0);
    expect(await days()).toEqual(["2025-01-04"]);
  });

  test("of days carries the last use to the key, which never goes back", async () => {
    const { id } = await createKey();
    const lastUsedAt = () => env.DB.prepare("SELECT last_used_at FROM api_keys").first("last_used_at");
    await env.DB.batch([
      insert(id, "2025-01-01", 5_000),
      insert(id, "2025-01-02", 4_000),
      insert(id, "2025-01-03", null),
    ]);
    const seen = [];
    for (let i = 0; i < 3; i++) {
      await dropDays(env.DB, "2025-01-04", 1);
      seen.push(await lastUsedAt());
    }
    expect(seen).toEqual([5_000, 5_000, 5_000]);
  });

  test("of reports is of the days before, and says how many they were", async () => {
    const insert = env.DB.prepare("INSERT INTO usage_reports VALUES (?, ?)");
    const days = ["2025-01-01", "2025-01-01", "2025-01-02", "2025-01-03"];
    await env.DB.batch(days.map((day, i) => insert.bind(day, `${i}`)));
    expect(await dropReports(env.DB, "2025-01-03", 2)).toBe(2);
    expect(await dropReports(env.DB, "2025-01-03", 2)).toBe(1);
    expect(await dropReports(env.DB, "2025-01-03", 2)).toBe(0);
    expect(await env.DB.prepare("SELECT day FROM usage_reports").first("day")).toBe("2025-01-03");
  });
});

describe("the days that are asked for", () => {
  const DAY_MS = 86_400_000;
  const day = (back: number) => new Date(Date.now() - back * DAY_MS).toISOString().slice(0, 10);
  const daysOf = async (id: string, query: string) =>
    (await (await manage(`/settings/api-keys/${id}/usage?${query}`)).json<DayUsage[]>()).map((of) => of.day);

  test("are all there, the first and the last among them, with their counts", async () => {
    const { id } = await createKey();
    for (const back of [41, 40, 39, 38]) await deliver(report(id, { allowed: back }, day(back)));
    const answer = await manage(`/settings/api-keys/${id}/usage?from=${day(40)}&to=${day(39)}`);
    expect(await answer.json()).toMatchObject([
      { day: day(40), allowed: 40 },
      { day: day(39), allowed: 39 },
    ]);
  });

  test("go to today without to, and are 30 without from; a day alone is one", async () => {
    const { id } = await createKey();
    expect(await daysOf(id, `from=${day(2)}`)).toEqual([day(2), day(1), day(0)]);
    const before = await daysOf(id, `to=${day(5)}`);
    expect([before.length, before[0], before.at(-1)]).toEqual([30, day(34), day(5)]);
    expect(await daysOf(id, `from=${day(5)}&to=${day(5)}`)).toEqual([day(5)]);
    expect(await daysOf(id, "from=2024-02-28&to=2024-03-01")).toEqual([
      "2024-02-28",
      "2024-02-29",
      "2024-03-01",
    ]);
    expect(await daysOf(id, "from=2025-01-01&to=2026-02-04")).toHaveLength(400);
  });

  test.each([
    "from=yesterday",
    "from=2026-1-1",
    "from=2026-02-30",
    "to=",
    "from=2026-11-26T00:00:00Z",
    "from=2026-11-26&to=2026-11-25",
    "from=2025-01-01&to=2026-02-05",
    "from=0001-01-01",
    "from=2026-01-01&from=2026-01-01",
    "since=2026-01-01",
  ])("?%s is 400", async (query) => {
    const { id } = await createKey();
    await expectError(await manage(`/settings/api-keys/${id}/usage?${query}`), "BAD_REQUEST");
  });
});
