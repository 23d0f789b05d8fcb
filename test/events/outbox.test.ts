import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { tellEvents } from "../../src/events/outbox.ts";
import { appWith, type CreatedKey, call, createKey, manage } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { keptQueue, SECRET, told } from "../support/events.ts";
import { logged } from "../support/expect.ts";
import { reporter } from "../support/report.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const PATH = "/settings/api-keys";
const HOUR_MS = 3_600_000;
const actor = { issuer: env.OAUTH_ISSUER, subject: "ada" };

const ids = async () =>
  (await env.DB.prepare("SELECT id FROM audit_events ORDER BY seq").all()).results.map(({ id }) => id);
/** Events of keys that are no longer kept. */
const insertEvents = (count: number, at = Date.now()) =>
  env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO audit_events (id, company_id, key_id, action, at) SELECT ? || i, 'acme', 'k' || i, 'create', ? FROM n`,
  )
    .bind(count, crypto.randomUUID(), at)
    .run();

describe("what happens to a key is told with its own event:", () => {
  test("creation, rename, rotation and revocation, in their order", async () => {
    const expiresAt = new Date(Date.now() + HOUR_MS).toISOString();
    const { id, keyPrefix } = await createKey({ expiresAt });
    await manage(`${PATH}/${id}`, { method: "PATCH", body: { label: "Jobs page" } });
    const rotation = await manage(`${PATH}/${id}/rotate`, { method: "POST", body: { overlapSeconds: 60 } });
    const next = await rotation.json<CreatedKey>();
    await manage(`${PATH}/${id}`, { method: "DELETE" });
    const events = await told();
    expect(events.map(({ id }) => id)).toEqual(await ids());
    expect(events.map(({ type, data }) => [type, data.key?.id, data.detail])).toEqual([
      ["api_key.created", id, null],
      ["api_key.renamed", id, { label: "Jobs page", previousLabel: "Careers page" }],
      ["api_key.rotated", id, { replacedBy: next.id }],
      ["api_key.created", next.id, { replaces: id }],
      ["api_key.revoked", id, null],
    ]);
    expect(events[3]).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: "api_key.created",
      timestamp: next.createdAt,
      data: {
        companyId: "acme",
        key: { id: next.id, label: "Jobs page", keyPrefix: next.keyPrefix, expiresAt: next.expiresAt },
        actor,
        detail: { replaces: id },
      },
    });
    expect(events[0]?.data.key?.keyPrefix).toBe(keyPrefix);
  });

  test("suspension, and its end", async () => {
    const { id } = await createKey();
    await manage(`${PATH}/${id}/suspend`, { method: "POST" });
    await manage(`${PATH}/${id}/resume`, { method: "POST" });
    const types = (await told()).map(({ type }) => type);
    expect(types).toEqual(["api_key.created", "api_key.suspended", "api_key.resumed"]);
  });

  test("a leak, with where it was found", async () => {
    const { rawKey } = await createKey();
    const url = "https://found.example/a";
    await (await reporter()).report([{ token: rawKey, type: "latchkey_api_key", url, source: "commit" }]);
    const event = (await told()).at(-1);
    expect(event).toMatchObject({
      type: "api_key.revoked",
      data: { actor: { subject: expect.any(String) }, detail: { reason: "leaked", url, source: "commit" } },
    });
  });

  test("a revocation by the key's holder has no actor", async () => {
    const { rawKey } = await createKey();
    await call("/public/v1/key", { method: "DELETE", headers: { "X-API-Key": rawKey } });
    expect((await told()).at(-1)).toMatchObject({ type: "api_key.revoked", data: { actor: null } });
  });

  test("of a key that is no longer kept, without its label", async () => {
    const { id } = await createKey();
    await env.DB.prepare("DELETE FROM api_keys").run();
    const key = { id, label: null, keyPrefix: null, expiresAt: null };
    expect(await told()).toMatchObject([{ data: { key } }]);
  });
});

describe("a change by the API", () => {
  const settings = (queue: object) => ({
    WEBHOOK_URL: "https://hooks.example/latchkey",
    WEBHOOK_SECRETS: SECRET,
    EVENT_QUEUE: queue,
  });

  test("is told behind the answer, without waiting for the cron", async () => {
    const { queue, told } = keptQueue();
    const target = appWith(settings(queue));
    const { id } = await createKey({}, { target });
    await vi.waitFor(() => expect(told).toMatchObject([{ type: "api_key.created" }]));
    await manage(`${PATH}/${id}`, { method: "DELETE", target });
    await vi.waitFor(() =>
      expect(told.map(({ type }) => type)).toEqual(["api_key.created", "api_key.revoked"]),
    );
  });

  test("is answered though the queue fails, and the log says so", async () => {
    const lines = logged();
    const { queue } = keptQueue(() => {
      throw new Error("the queue is gone");
    });
    await createKey({}, { target: appWith(settings(queue)) });
    await vi.waitFor(() =>
      expect(lines.join()).toMatch(/"events_failed","what":"outbox".*the queue is gone/),
    );
  });

  test("that is refused costs the outbox nothing", async () => {
    const { queue } = keptQueue();
    const target = appWith(settings(queue));
    expect((await call(PATH, { method: "POST" }, target)).status).toBe(401);
    expect((await manage(PATH, { method: "POST", body: {}, target })).status).toBe(422);
    await manage(PATH, { target });
    expect(await env.DB.prepare("SELECT count(*) AS n FROM progress").first("n")).toBe(0);
  });

  test("is told to nobody where nobody is named", async () => {
    const { queue, told } = keptQueue();
    await createKey({}, { target: appWith({ EVENT_QUEUE: queue }) });
    await env.DB.prepare("SELECT 1").run();
    expect(told).toEqual([]);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM progress").first("n")).toBe(0);
  });
});

test("no secret is ever told", async () => {
  const { rawKey } = await createKey();
  const { digest, generation } = (await env.DB.prepare("SELECT * FROM api_keys").first()) ?? {};
  const text = JSON.stringify(await told());
  for (const secret of [rawKey, rawKey.slice(-20), digest, ...Object.values(JSON.parse(env.KEY_PEPPERS))]) {
    expect(text).not.toContain(secret);
  }
  expect(text).not.toContain(`"generation":${JSON.stringify(generation)}`);
});

test("each event is told once, the next run goes on behind it, and none is left out of many", async () => {
  await insertEvents(60);
  const first = await told();
  expect(first.map(({ id }) => id)).toEqual(await ids());
  expect(await told()).toEqual([]);
  await insertEvents(2);
  expect(await told()).toHaveLength(2);
});

test("the first run tells of the last hour, not of years", async () => {
  await insertEvents(3, Date.now() - HOUR_MS - 60_000);
  await insertEvents(2, Date.now() - HOUR_MS + 60_000);
  expect(await told()).toHaveLength(2);
});

test("one run at a time tells, and one that has died is followed by another half a minute later", async () => {
  await insertEvents(3);
  let now = Date.now();
  const died = keptQueue(() => {
    throw new Error("the queue is gone");
  });
  const DB = hooked(env.DB, (sql) => {
    if (sql.some((text) => /^update "progress"/i.test(text)))
      throw new Error("D1_ERROR: the isolate has died");
  });
  await expect(tellEvents({ d1: DB, queue: died.queue, now: () => now })).rejects.toThrow();
  expect(await told(env.DB, () => now)).toEqual([]);
  now += 30_000;
  expect(await told(env.DB, () => now)).toHaveLength(3);
});

test("many runs at once tell each event once", async () => {
  await insertEvents(40);
  const runs = await Promise.all(Array.from({ length: 5 }, () => told()));
  expect(runs.flat().map(({ id }) => id)).toEqual(await ids());
});

test("whatever fails between the commit and the queue, every event is told, in order, under its own id", async () => {
  const step = fc.record({
    events: fc.integer({ min: 0, max: 30 }),
    /** The round trip to the database, or the call of the queue, that fails. */
    fails: fc.integer({ min: 0, max: 8 }),
    after: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const before = new Set(await ids());
      let now = Date.now();
      const all: string[] = [];
      for (const { events, fails, after } of steps) {
        await insertEvents(events);
        let trips = 0;
        const trip = () => {
          if (++trips === fails) throw new Error("cut off");
        };
        const { queue, told } = keptQueue(trip);
        const d1 = after ? hooked(env.DB, () => {}, trip) : hooked(env.DB, trip);
        await tellEvents({ d1, queue, now: () => now }).catch(() => {});
        all.push(...told.map(({ id }) => id));
        now += 30_000;
      }
      all.push(...(await told(env.DB, () => now)).map(({ id }) => id));
      const told1st = [...new Set(all)].filter((id) => !before.has(id));
      expect(told1st).toEqual((await ids()).filter((id) => !before.has(String(id))));
    }),
    { numRuns: 25 },
  );
}, 60_000);

test("events are read by the range of their primary key, each with its key", async () => {
  await insertEvents(1);
  const statements = await statementsOf((db) => told(db));
  const read = statements.filter((sql) => /^select/i.test(sql));
  expect(await planOf(read[0] ?? "")).toEqual([
    "SEARCH audit_events USING INTEGER PRIMARY KEY (rowid>?)",
    "SEARCH api_keys USING INDEX sqlite_autoindex_api_keys_1 (id=?) LEFT-JOIN",
  ]);
});
