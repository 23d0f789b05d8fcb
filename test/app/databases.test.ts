import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { ShownEvent } from "../../src/audit/schema.ts";
import type { KeyEvent } from "../../src/events/contract.ts";
import worker from "../../src/index.ts";
import type { ApiKey } from "../../src/keys/schema.ts";
import { appWith, type CreatedKey, call, createKey, manage, type Target } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { threeDatabases } from "../support/database.ts";
import { expectError, logged } from "../support/expect.ts";
import { reporter } from "../support/report.ts";

const PATH = "/settings/api-keys";
const LOST = "D1_ERROR: Network connection lost.";

let bindings: Awaited<ReturnType<typeof threeDatabases>>;
let target: Target;
/** Of a company in `DB_01`, and of one in `DB_02`. */
let first: CreatedKey;
let second: CreatedKey;

beforeEach(async () => {
  bindings = await threeDatabases();
  target = appWith({ ...bindings });
  const earlier = appWith({ ...bindings, PLACE_NEW_COMPANIES: "01" });
  first = await createKey({}, { company: "acme", target: earlier });
  second = await createKey({}, { company: "globex", target });
});

const databaseIn = ({ rawKey }: CreatedKey) => rawKey.slice(-9, -7);
const verify = (rawKey: string, of = target) =>
  call("/public/v1/key", { headers: { "X-API-Key": rawKey } }, of);
/** How many rows each database has. */
const rowsOf = (table: string) =>
  Promise.all(
    Object.values(bindings).map((d1) => d1.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>("n")),
  );

test("a new key names the database of its company, where alone it is, with its event", async () => {
  expect([first, second].map(databaseIn)).toEqual(["01", "02"]);
  expect(await rowsOf("api_keys")).toEqual([0, 1, 1]);
  expect(await rowsOf("audit_events")).toEqual([0, 1, 1]);
  for (const key of [first, second]) {
    const answer = await verify(key.rawKey);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ id: key.id });
  }
});

test("a company that was placed before makes its keys where it lives, whatever PLACE_NEW_COMPANIES says since", async () => {
  const more = await createKey({ label: "Another" }, { company: "acme", target });
  const rotated = await manage(`${PATH}/${first.id}/rotate`, {
    method: "POST",
    body: { overlapSeconds: 60 },
    target,
  });
  expect([more, await rotated.json<CreatedKey>()].map(databaseIn)).toEqual(["01", "01"]);
  expect(await rowsOf("api_keys")).toEqual([0, 3, 1]);
});

test("a company manages its keys where it lives, and sees nothing of another", async () => {
  const of = { company: "globex", target };
  const path = `${PATH}/${second.id}`;
  expect((await (await manage(PATH, of)).json<ApiKey[]>()).map(({ id }) => id)).toEqual([second.id]);
  expect((await manage(path, { ...of, method: "PATCH", body: { label: "Jobs" } })).status).toBe(200);
  expect((await manage(`${path}/suspend`, { ...of, method: "POST" })).status).toBe(200);
  await expectError(await verify(second.rawKey), "KEY_SUSPENDED");
  expect((await manage(`${path}/resume`, { ...of, method: "POST" })).status).toBe(200);
  expect((await manage(`${path}/usage`, of)).status).toBe(200);
  expect((await manage(path, { ...of, method: "DELETE" })).status).toBe(204);
  await expectError(await verify(second.rawKey), "KEY_REVOKED");
  const events = await (await manage("/settings/events", of)).json<ShownEvent[]>();
  expect(events.map(({ action }) => action)).toEqual(["revoke", "resume", "suspend", "rename", "create"]);
  await expectError(await manage(path, { company: "acme", target }), "NOT_FOUND");
  expect((await verify(first.rawKey)).status).toBe(200);
});

test("two first keys of one company, made at once by isolates of different settings, are in one database", async () => {
  const targets = ["00", "01", "02"].map((name) => appWith({ ...bindings, PLACE_NEW_COMPANIES: name }));
  const keys = await Promise.all(
    [...targets, ...targets].map((target) => createKey({}, { company: "initech", target })),
  );
  expect(new Set(keys.map(databaseIn)).size).toBe(1);
  const listed = await (await manage(PATH, { company: "initech", target })).json<ApiKey[]>();
  expect(listed).toHaveLength(keys.length);
});

test("a repeated request with an Idempotency-Key is known again where its company lives", async () => {
  const create = () =>
    createKey({}, { company: "hooli", target, headers: { "Idempotency-Key": "first-key-of-hooli" } });
  const made = await create();
  expect(await create()).toEqual(made);
  expect(await rowsOf("sealed_answers")).toEqual([0, 0, 1]);
});

test("a holder revokes its key in its own database", async () => {
  const headers = { "X-API-Key": first.rawKey };
  expect((await call("/public/v1/key", { method: "DELETE", headers }, target)).status).toBe(204);
  await expectError(await verify(first.rawKey, appWith({ ...bindings })), "KEY_REVOKED");
});

test("a key whose database is not bound is refused without I/O, and told of in the log", async () => {
  const lines = logged();
  let trips = 0;
  const fewer = appWith({ DB: hooked(env.DB, () => void trips++), DB_01: bindings.DB_01 });
  for (let i = 0; i < 12; i++) await expectError(await verify(second.rawKey, fewer), "UNAUTHORIZED");
  expect(trips).toBe(0);
  const told = lines
    .map((line) => JSON.parse(line))
    .filter(({ event }: { event: string }) => event === "database_missing");
  expect(told).toMatchObject([
    { database: "02", keys: 1 },
    { database: "02", keys: 10 },
  ]);
});

describe("a leak report over several databases", () => {
  const found = () =>
    [first, second].map(({ rawKey }) => ({
      token: rawKey,
      type: "latchkey_api_key",
      url: "https://x.example",
    }));

  test("revokes each key in its own", async () => {
    const { report, target } = await reporter({ ...bindings });
    expect((await report(found())).status).toBe(200);
    for (const key of [first, second]) await expectError(await verify(key.rawKey, target), "KEY_REVOKED");
  });

  test("revokes the keys of the others where one fails, and asks to come again", async () => {
    logged();
    const DB_01 = hooked(bindings.DB_01, () => Promise.reject(new Error(LOST)));
    const { report } = await reporter({ ...bindings, DB_01 });
    await expectError(await report(found()), "UNAVAILABLE");
    await expectError(await verify(second.rawKey), "KEY_REVOKED");
  });
});

test("the cron tells of what happened in each database, and drops what is old in each", async () => {
  const sent: KeyEvent[] = [];
  const EVENT_QUEUE = {
    sendBatch: async (batch: Iterable<{ body: KeyEvent }>) =>
      void sent.push(...[...batch].map(({ body }) => body)),
  };
  const EVENTS = { receive: async () => {} };
  await bindings.DB_01.prepare("UPDATE api_keys SET revoked_at = 1").run();
  await bindings.DB_02.prepare("UPDATE api_keys SET revoked_at = 1").run();
  const controller = createScheduledController({ scheduledTime: new Date() });
  await worker.scheduled(controller, { ...env, ...bindings, EVENT_QUEUE, EVENTS } as unknown as Env);
  expect(sent.map(({ type, data }) => [type, data.companyId]).toSorted()).toEqual([
    ["api_key.created", "acme"],
    ["api_key.created", "globex"],
  ]);
  expect(await rowsOf("api_keys")).toEqual([0, 0, 0]);
});

test("the cron goes on in the other databases where one fails, and the log names it", async () => {
  const lines = logged();
  await bindings.DB_02.prepare("UPDATE api_keys SET revoked_at = 1").run();
  const DB_01 = hooked(bindings.DB_01, () => Promise.reject(new Error(LOST)));
  const controller = createScheduledController({ scheduledTime: new Date() });
  await worker.scheduled(controller, { ...env, ...bindings, DB_01 } as unknown as Env);
  expect(await rowsOf("api_keys")).toEqual([0, 1, 0]);
  const failed = lines.map((line) => JSON.parse(line)).filter(({ database }) => database !== undefined);
  expect(new Set(failed.map(({ database }: { database: string }) => database))).toEqual(new Set(["01"]));
});

test("/health/ready is 503 where any database fails", async () => {
  logged();
  expect((await call("/health/ready", {}, target)).status).toBe(200);
  const DB_02 = hooked(bindings.DB_02, () => Promise.reject(new Error(LOST)));
  await expectError(await call("/health/ready", {}, appWith({ ...bindings, DB_02 })), "UNAVAILABLE");
});
