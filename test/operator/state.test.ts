import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { searchEvents } from "../../src/audit/store.ts";
import { version } from "../../src/client/package.json";
import { stateOf } from "../../src/operator/state.ts";
import type { Status } from "../../src/operator/status.ts";
import { dropOld } from "../../src/retention.ts";
import { call, createKey, manage, operate } from "../support/api.ts";
import { only } from "../support/database.ts";
import { expectError } from "../support/expect.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const eventsOf = async (query = "") =>
  (await operate(`/operator/events${query}`)).json<Record<string, unknown>[]>();

describe("the log of all companies", () => {
  test("has the events of all of them, newest first, with their company and by whom", async () => {
    const acme = await createKey();
    const globex = await createKey({}, { company: "globex", claims: { sub: "bob" } });
    await operate("/operator/companies/acme", { method: "PATCH", body: { suspended: true } });
    expect(await eventsOf()).toMatchObject([
      {
        action: "suspend_company",
        companyId: "acme",
        keyId: null,
        isOperator: true,
        actor: { subject: "olga" },
      },
      {
        action: "create",
        companyId: "globex",
        keyId: globex.id,
        isOperator: false,
        actor: { subject: "bob" },
      },
      { action: "create", companyId: "acme", keyId: acme.id, isOperator: false, actor: { subject: "ada" } },
    ]);
    expect(await eventsOf("?company=globex")).toMatchObject([{ keyId: globex.id }]);
    expect(await eventsOf("?action=create")).toHaveLength(2);
    expect(await eventsOf(`?key=${acme.id}`)).toMatchObject([{ keyId: acme.id }]);
    expect(await eventsOf(`?key=${acme.id}&company=globex`)).toEqual([]);
    expect(await eventsOf(`?key=${crypto.randomUUID()}`)).toEqual([]);
  });

  test("has the events of a key that is no longer there by its company", async () => {
    const { id } = await createKey();
    await env.DB.prepare("DELETE FROM api_keys").run();
    expect(await eventsOf(`?key=${id}&company=acme`)).toHaveLength(1);
  });

  test.each(["", "&action=create", "&company=acme"])("comes in pages by Link: ?limit=2%s", async (query) => {
    for (let i = 0; i < 5; i++) await createKey();
    const seen: unknown[] = [];
    let next: string | undefined = `/operator/events?limit=2${query}`;
    while (next !== undefined) {
      const answer = await operate(next);
      seen.push(...(await answer.json<{ id: string }[]>()).map(({ id }) => id));
      next = /<(.+)>; rel="next"/.exec(answer.headers.get("Link") ?? "")?.[1];
    }
    expect(new Set(seen).size).toBe(5);
    expect(seen).toHaveLength(5);
  });

  test.each(["limit=0", "key=x", "action=x", "cursor=x", 'cursor=["x"]', "cursor=[1,2]"])(
    "with ?%s is 400",
    async (query) => {
      await expectError(await operate(`/operator/events?${query}`), "BAD_REQUEST");
    },
  );

  test.each<[string, object, string[]]>([
    ["all", { after: [9] }, ["SEARCH audit_events USING INTEGER PRIMARY KEY (rowid<?)"]],
    [
      "a company",
      { company: "acme" },
      ["SEARCH audit_events USING INDEX audit_events_newest (company_id=?)"],
    ],
    [
      "a key",
      { key: "k" },
      [
        "SEARCH audit_events USING INDEX audit_events_key (company_id=? AND key_id=?)",
        "SCALAR SUBQUERY 1",
        "SEARCH api_keys USING INDEX sqlite_autoindex_api_keys_1 (id=?)",
      ],
    ],
  ])("of %s reads a range of one index, in its order", async (_, wanted, plan) => {
    const [sql = ""] = await statementsOf((db) => searchEvents(db, { limit: 10, ...wanted }));
    expect(await planOf(sql)).toEqual(plan);
  });

  test("of one action reads a bounded number of events", async () => {
    const [page = "", end = ""] = await statementsOf((db) =>
      searchEvents(db, { limit: 10, action: "revoke" }),
    );
    expect(page).toMatch(/ in \(select .* limit \?\)/i);
    expect(end).toMatch(/ limit \? offset \?$/i);
  });
});

describe("the status", () => {
  const get = async () => (await operate("/operator/status")).json<Status>();

  test("tells of the database, of what waits and of what was done last", async () => {
    await createKey();
    const { id } = await createKey({}, { company: "globex" });
    await manage(`/settings/api-keys/${id}`, { method: "DELETE", company: "globex" });
    await env.DB.prepare("INSERT INTO waiting_sums VALUES ('a', 'x', 1000, '[]')").run();
    const status = await get();
    expect(status).toMatchObject({
      version,
      databases: [
        {
          id: "00",
          companies: 2,
          keys: 1,
          newestChangeAt: expect.any(String),
          waitingUses: 1,
          waitingUsesSince: "1970-01-01T00:00:01.000Z",
          retentionAt: null,
        },
      ],
      issuers: { companies: env.OAUTH_ISSUER, operator: env.OAUTH_ISSUER, areKeysHeld: true },
    });
    expect(status.databases[0]?.sizeBytes).toBeGreaterThan(10_000);
    await dropOld(only(env.DB), 5_000, () => 400);
    expect((await get()).databases[0]?.retentionAt).toBe("1970-01-01T00:00:05.000Z");
  });

  test("tells up to when this isolate knows all changes", async () => {
    const { rawKey } = await createKey();
    const before = Date.now();
    await call("/public/v1/key", { headers: { "X-API-Key": rawKey } });
    const { changesKnownAt } = (await get()).databases[0] ?? {};
    const at = Date.parse(changesKnownAt ?? "");
    expect(at).toBeGreaterThan(before - env.REVOCATION_SECONDS * 1000);
    expect(at).toBeLessThanOrEqual(Date.now());
  });

  test("tells which secrets have live keys, those that are not there among them", async () => {
    for (let i = 0; i < 5; i++) await createKey();
    const ids = (await env.DB.prepare("SELECT id FROM api_keys").all<{ id: string }>()).results;
    const set = (i: number, sql: string) =>
      env.DB.prepare(`UPDATE api_keys SET ${sql} WHERE id = ?`).bind(ids[i]?.id).run();
    await set(0, "generation = 'z'");
    await set(1, "generation = 'a', expires_at = 1");
    await set(2, "revoked_at = 1");
    await set(3, "expires_at = 253402300799999");
    expect((await get()).generations).toEqual([
      { generation: "a", liveKeys: 0, isKnown: true, isNewest: false },
      { generation: "b", liveKeys: 2, isKnown: true, isNewest: true },
      { generation: "z", liveKeys: 1, isKnown: false, isNewest: false },
    ]);
  });

  test("tells of events that nobody was told of yet", async () => {
    await createKey();
    await env.DB.prepare(
      "INSERT INTO progress (job, done) VALUES ('events', 0) ON CONFLICT DO UPDATE SET done = 0",
    ).run();
    expect((await stateOf(env.DB, Date.now())).untoldEvents).toBe(1);
    await env.DB.prepare("UPDATE progress SET done = 1e9 WHERE job = 'events'").run();
    expect((await stateOf(env.DB, Date.now())).untoldEvents).toBe(0);
  });

  test("of an empty database has no companies, keys, changes and waiting sums", async () => {
    await env.DB.prepare("DELETE FROM key_changes").run();
    expect(await stateOf(env.DB, Date.now())).toMatchObject({
      companies: 0,
      keys: 0,
      newestChangeAt: null,
      usage: { waiting: 0, since: null },
    });
  });

  test("names no migration where wrangler has begun none", async () => {
    await env.DB.prepare("CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT)").run();
    expect((await stateOf(env.DB, 1)).migration).toBeNull();
  });

  test("names the last migration where wrangler applied it", async () => {
    expect((await stateOf(env.DB, 1)).migration).toBeNull();
    await env.DB.batch([
      env.DB.prepare("CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT)"),
      env.DB.prepare("INSERT INTO d1_migrations VALUES (1, '0000_x.sql'), (2, '0001_y.sql')"),
    ]);
    expect((await stateOf(env.DB, 1)).migration).toBe("0001_y.sql");
  });

  test("counts live keys by ranges of the index of their generation, each to a limit", async () => {
    const statements = await statementsOf((db) => stateOf(db, 1));
    const sql = statements.find((sql) => sql.includes("json_each")) ?? "";
    expect(await planOf(sql)).toContain(
      "SEARCH api_keys USING INDEX api_keys_generation (generation=? AND <expr>>?)",
    );
    expect(sql).toMatch(/ limit \?\)/i);
  });
});
