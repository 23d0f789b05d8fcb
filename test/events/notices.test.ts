import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ShownEvent } from "../../src/audit/schema.ts";
import { noteExpiry } from "../../src/events/notices.ts";
import { createKey, manage } from "../support/api.ts";
import { told } from "../support/events.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const DAY_MS = 86_400_000;
const DAYS = [30, 7, 1];
const PATH = "/settings/api-keys";

const note = (days = DAYS) => noteExpiry(env.DB, Date.now(), days);
const pass = async (days: number, notices = DAYS) => {
  vi.setSystemTime(Date.now() + days * DAY_MS);
  await note(notices);
};
const keyFor = (days: number) => createKey({ expiresAt: new Date(Date.now() + days * DAY_MS).toISOString() });
/** What was noted of a key: days before its end, or that it came. */
const noted = async (id: string) => {
  const events = await (await manage(`/settings/events?key=${id}`)).json<ShownEvent[]>();
  const ofTime = events.filter(({ action }) => action === "expiring" || action === "expired");
  return ofTime.map(({ action, detail }) => detail?.days ?? action).reverse();
};

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  await note();
});

describe("a key", () => {
  test("is near its end 30, 7 and 1 days before it, once each, and then expired", async () => {
    const { id } = await keyFor(40);
    for (const [days, so] of [
      [9.5, []],
      [1, ["30"]],
      [22, ["30"]],
      [1, ["30", "7"]],
      [6, ["30", "7", "1"]],
      [1, ["30", "7", "1", "expired"]],
      [100, ["30", "7", "1", "expired"]],
    ] as const) {
      await pass(days);
      await note();
      expect(await noted(id)).toEqual(so);
    }
  });

  test("that was made for fewer days is not said to be near its end before that", async () => {
    const { id } = await keyFor(5);
    await pass(1);
    expect(await noted(id)).toEqual([]);
    await pass(3.5);
    expect(await noted(id)).toEqual(["1"]);
  });

  test("that another one replaces is not near its end, but it does expire", async () => {
    const { id } = await keyFor(8);
    await manage(`${PATH}/${id}/rotate`, { method: "POST", body: { overlapSeconds: 604_800 } });
    await pass(2);
    await pass(4.9);
    expect(await noted(id)).toEqual([]);
    await pass(1);
    expect(await noted(id)).toEqual(["expired"]);
  });

  test("that is revoked neither comes near its end nor to it", async () => {
    const { id } = await keyFor(8);
    await manage(`${PATH}/${id}`, { method: "DELETE" });
    await pass(2);
    await pass(7);
    expect(await noted(id)).toEqual([]);
  });

  test("that never expires is never noted", async () => {
    const { id } = await createKey();
    await pass(400);
    expect(await noted(id)).toEqual([]);
  });
});

test("a run that comes late notes only the notice that is due now", async () => {
  const { id } = await keyFor(40);
  await pass(34);
  expect(await noted(id)).toEqual(["7"]);
  await pass(10);
  expect(await noted(id)).toEqual(["7", "expired"]);
});

test("runs at once note each key once", async () => {
  const { id } = await keyFor(31);
  vi.setSystemTime(Date.now() + 2 * DAY_MS);
  await Promise.all([note(), note(), note()]);
  expect(await noted(id)).toEqual(["30"]);
});

test("what ended before the first run is not noted, nor is what a new setting would have noted", async () => {
  const { id } = await keyFor(10);
  await pass(5);
  await note([14, 6]);
  expect(await noted(id)).toEqual(["7"]);
});

test("without days there are no notices, but an end is an end", async () => {
  const { id } = await keyFor(2);
  await pass(1.5, []);
  await pass(1, []);
  expect(await noted(id)).toEqual(["expired"]);
});

test("more keys than one piece are all noted", async () => {
  const expiresAt = Date.now() + 8 * DAY_MS;
  await env.DB.prepare(
    `INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at, expires_at)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
     SELECT 'k' || i, 'acme', 'x', 'x', 'd' || i, '[]', 0, ? FROM n`,
  )
    .bind(expiresAt)
    .run();
  await pass(2);
  const { results } = await env.DB.prepare("SELECT DISTINCT id, key_id FROM audit_events").all();
  expect(results).toHaveLength(1100);
});

test("a notice is an event of the audit log that nobody did, and is told like any other", async () => {
  const { id, expiresAt } = await keyFor(8);
  await pass(1);
  const [event] = await (await manage(`/settings/events?key=${id}&action=expiring`)).json<ShownEvent[]>();
  expect(event).toMatchObject({ action: "expiring", actor: null, detail: { days: "7" } });
  expect(event?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect((await told()).at(-1)).toMatchObject({ id: event?.id, type: "api_key.expiring" });
  await pass(8);
  const events = await told();
  expect(events.map(({ type }) => type)).toEqual(["api_key.expired"]);
  expect(events[0]).toMatchObject({ timestamp: expiresAt, data: { key: { id, expiresAt } } });
});

test("notices read the keys whose end is due, by its index, and of each its own events", async () => {
  const statements = await statementsOf((db) => noteExpiry(db, Date.now(), [7]));
  const plans = await Promise.all(statements.filter((sql) => /^insert into "audit/i.test(sql)).map(planOf));
  const due = "SEARCH api_keys USING INDEX api_keys_expired (expires_at>? AND expires_at<?)";
  const noted = "SEARCH audit_events USING INDEX audit_events_key (company_id=? AND key_id=?)";
  const successor = "SEARCH successor USING INDEX api_keys_replaces (replaces_id=?)";
  expect(plans.map((plan) => plan.filter((step) => /^(SEARCH|SCAN)/.test(step)))).toEqual([
    [due, noted, successor],
    [due, noted],
  ]);
});
