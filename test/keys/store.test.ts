import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { AuditEvent } from "../../src/audit/event.ts";
import { type KeyStore, keyStore } from "../../src/keys/store.ts";
import { dropChanges, feedStore } from "../../src/verify/store.ts";
import { manage } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { only } from "../support/database.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const event: AuditEvent = { id: "e", action: "create", actor: { issuer: "i", subject: "s" }, at: 1 };
const key = {
  id: "6f1ff3f4-0000-4000-8000-000000000000",
  companyId: "acme",
  label: "x",
  keyPrefix: "lk_live_aaaaa",
  digest: "d",
  generation: "b",
  scopes: ["jobs:read"],
  createdAt: 1,
  expiresAt: null,
  revokedAt: null,
  suspendedAt: null,
  allowedIps: null,
  createdByIssuer: null,
  createdBySubject: null,
  metadata: null,
  lastUsedAt: null,
  replacesId: null,
};
const CAPS = { live: 10, stored: 100 };
const answer = {
  companyId: "acme",
  id: "r",
  keyId: key.id,
  fingerprint: "f",
  sealed: "s",
  expiresAt: 2,
};
const cursor = { createdAt: 1, id: key.id };

const NEWEST = "SEARCH api_keys USING INDEX api_keys_newest (company_id=?)";
const NEXT_PAGE = "SEARCH api_keys USING INDEX api_keys_newest (company_id=? AND (created_at,id)<(?,?))";
const BY_ID = "SEARCH api_keys USING INDEX sqlite_autoindex_api_keys_1 (id=?)";
const BY_DIGEST = "SEARCH api_keys USING INDEX api_keys_digest (digest=?)";
const BY_PREDECESSOR = "SEARCH api_keys USING INDEX api_keys_replaces (replaces_id=?)";
const LIVE = "SEARCH api_keys USING INDEX api_keys_live (company_id=?)";
const BY_EVENT = "SEARCH audit_events USING COVERING INDEX audit_events_id_unique (id=?)";
const LAST_USE = [
  "CORRELATED SCALAR SUBQUERY 1",
  "SEARCH usage_days USING INDEX sqlite_autoindex_usage_days_1 (key_id=?)",
];
/** Of which there are 62 at most. */
const GENERATIONS = ["LIST SUBQUERY 2", "SCAN json_each VIRTUAL TABLE INDEX 1:", "CREATE BLOOM FILTER"];
const STORED = "SEARCH api_keys USING COVERING INDEX api_keys_newest (company_id=?)";
const CAP = [
  "CO-ROUTINE (subquery-3)",
  "SCAN CONSTANT ROW",
  "SCAN (subquery-3)",
  "SCALAR SUBQUERY 1",
  LIVE,
  "SCALAR SUBQUERY 2",
  STORED,
];
const KEY = [BY_ID, ...LAST_USE];
const RECORD = [BY_ID, "SCALAR SUBQUERY 1", BY_EVENT];
const MADE = ["SEARCH api_keys EXISTS USING INDEX sqlite_autoindex_api_keys_1 (id=?)"];
const ANSWER = "SEARCH sealed_answers USING INDEX sqlite_autoindex_sealed_answers_1 (company_id=? AND id=?)";
const ANSWERED = [ANSWER, BY_ID];

const calls: [string, (store: KeyStore) => Promise<unknown>, string[][]][] = [
  ["list", (store) => store.list("acme", { limit: 10 }, 1, ["b"]), [[NEWEST, ...LAST_USE]]],
  [
    "list of active keys",
    (store) => store.list("acme", { limit: 10, active: true }, 1, ["b"]),
    [[NEWEST, ...GENERATIONS, ...LAST_USE]],
  ],
  [
    "list of other keys",
    (store) => store.list("acme", { limit: 10, active: false }, 1, ["b"]),
    [[NEWEST, ...GENERATIONS, ...LAST_USE]],
  ],
  ["list by label", (store) => store.list("acme", { limit: 10, q: "x" }, 1, ["b"]), [[NEWEST, ...LAST_USE]]],
  ["first page", (store) => store.list("acme", { limit: 10 }, 1, ["b"]), [[NEWEST, ...LAST_USE]]],
  ["next page", (store) => store.list("acme", { limit: 10, cursor }, 1, ["b"]), [[NEXT_PAGE, ...LAST_USE]]],
  [
    "next page, filtered",
    (store) => store.list("acme", { limit: 10, cursor, active: true, q: "x" }, 1, ["b"]),
    [[NEXT_PAGE, ...GENERATIONS, ...LAST_USE]],
  ],
  ["find", (store) => store.find("acme", key.id), [KEY]],
  ["find by digest", (store) => store.findByDigest("acme", "d"), [[BY_DIGEST, ...LAST_USE]]],
  [
    "insert, with the counts of keys",
    (store) => store.insert(key, event, CAPS),
    [["SCAN CONSTANT ROW", "SCALAR SUBQUERY 1", LIVE, "SCALAR SUBQUERY 2", STORED], RECORD, KEY, CAP],
  ],
  [
    "insert with an answer",
    (store) => store.insert(key, event, CAPS, answer),
    [
      [
        "SCAN CONSTANT ROW",
        "SCALAR SUBQUERY 1",
        LIVE,
        "SCALAR SUBQUERY 2",
        STORED,
        "SCALAR SUBQUERY 3",
        ...ANSWERED,
      ],
      RECORD,
      KEY,
      CAP,
      MADE,
    ],
  ],
  ["recall", (store) => store.recall("acme", "r", 1), [[ANSWER, BY_ID, ...LAST_USE]]],
  [
    "update",
    (store) =>
      store.update("acme", key.id, {
        label: "y",
        metadata: { a: "b" },
        allowedIps: null,
        renamed: event,
        updated: event,
      }),
    [RECORD, RECORD, [BY_ID], KEY],
  ],
  [
    "rotate",
    (store) =>
      store.rotate("acme", key.id, {
        id: "successor",
        keyPrefix: "lk_live_x",
        digest: "e",
        generation: "b",
        createdByIssuer: null,
        createdBySubject: null,
        endsAt: 2,
        rotated: event,
        created: event,
        expiresAt: null,
        caps: CAPS,
      }),
    [
      [BY_ID, "SCALAR SUBQUERY 1", BY_PREDECESSOR, "SCALAR SUBQUERY 2", LIVE, "SCALAR SUBQUERY 3", STORED],
      [BY_ID, "SCALAR SUBQUERY 2", BY_EVENT, ...MADE],
      RECORD,
      [BY_ID, "SCALAR SUBQUERY 1", BY_ID],
      KEY,
      [BY_PREDECESSOR, ...LAST_USE],
      CAP,
    ],
  ],
  [
    "rotate with an answer",
    (store) =>
      store.rotate("acme", key.id, {
        id: "successor",
        keyPrefix: "lk_live_x",
        digest: "e",
        generation: "b",
        createdByIssuer: null,
        createdBySubject: null,
        endsAt: 2,
        rotated: event,
        created: event,
        expiresAt: null,
        caps: CAPS,
        answer,
      }),
    [
      [
        BY_ID,
        "SCALAR SUBQUERY 1",
        BY_PREDECESSOR,
        "SCALAR SUBQUERY 2",
        ...ANSWERED,
        "SCALAR SUBQUERY 3",
        LIVE,
        "SCALAR SUBQUERY 4",
        STORED,
      ],
      [BY_ID, "SCALAR SUBQUERY 2", BY_EVENT, ...MADE],
      RECORD,
      [BY_ID, "SCALAR SUBQUERY 1", BY_ID],
      KEY,
      [BY_PREDECESSOR, ...LAST_USE],
      CAP,
      MADE,
    ],
  ],
  ["revoke", (store) => store.revoke("acme", key.id, event), [RECORD, [BY_ID], KEY]],
];

describe.each(calls)("%s", (_, work, plans) => {
  test("reads single index ranges: no table is scanned and no page is sorted", async () => {
    const statements = await statementsOf((db) => work(keyStore(only(db))));
    expect(await Promise.all(statements.map(planOf))).toEqual(plans);
  });

  test("binds every statement to the company", async () => {
    for (const sql of await statementsOf((db) => work(keyStore(only(db))))) {
      expect(sql).toMatch(/ where .*"api_keys"\."company_id" = \?/is);
      expect(sql).not.toContain("acme");
    }
  });

  test("is one round trip", async () => {
    let trips = 0;
    await work(keyStore(only(hooked(env.DB, () => void trips++))));
    expect(trips).toBe(1);
  });
});

test("a list says its whole order, which is that of its cursor", async () => {
  const [sql] = await statementsOf((db) => keyStore(only(db)).list("acme", { limit: 10, cursor }, 1, ["b"]));
  expect(sql).toContain('order by "api_keys"."created_at" desc, "api_keys"."id" desc');
});

test("no statement of the store reads a digest, but that of the one key whose verdict it changes", async () => {
  for (const [name, work] of calls) {
    const read = (await statementsOf((db) => work(keyStore(only(db))))).filter(
      (sql) => !sql.startsWith("insert"),
    );
    const withDigest = read.filter((sql) => /digest/.test(sql.slice(0, sql.indexOf(" where "))));
    expect(withDigest).toHaveLength(/revoke|rotate|update/.test(name) ? 1 : 0);
    for (const sql of read) {
      expect(sql).not.toMatch(/select \*/i);
    }
  }
});

const OF_COMPANY = "SEARCH companies USING INDEX sqlite_autoindex_companies_1 (id=?) LEFT-JOIN";

test("the look-up of a key by its digest reads one index entry, one of its company, and the newest change", async () => {
  const [sql = ""] = await statementsOf((db) => feedStore(db).readPrimary("d"));
  expect((await planOf(sql)).filter((step) => /api_keys|companies|key_changes/.test(step))).toEqual([
    "SEARCH key_changes USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
    "SEARCH key_changes",
    `${BY_DIGEST} LEFT-JOIN`,
    OF_COMPANY,
    "SEARCH key_changes",
  ]);
});

const CHANGE = { seq: 1, digest: "a", changedAt: 1 };

test("a read of the change feed is a range of its primary key, one index entry, and one of the company", async () => {
  const range = "SEARCH key_changes USING INTEGER PRIMARY KEY (rowid>?)";
  const [sql = ""] = await statementsOf((db) => feedStore(db).read(CHANGE, "d"));
  const [first = ""] = await statementsOf((db) => feedStore(db).read(null, "d"));
  const newest = (query: number) => [`SCALAR SUBQUERY ${query}`, "SEARCH key_changes"];
  for (const statement of [sql, first])
    expect(await planOf(statement)).toEqual([
      range,
      ...newest(2),
      `${BY_DIGEST} LEFT-JOIN`,
      OF_COMPANY,
      ...newest(1),
    ]);
});

test("trimming the change feed reads as many changes as it may drop, by their primary key", async () => {
  const [sql = ""] = await statementsOf((db) => dropChanges(db, 1, 10));
  expect(await planOf(sql)).toEqual([
    "SEARCH key_changes USING INTEGER PRIMARY KEY (rowid<?)",
    "SCALAR SUBQUERY 2",
    "CO-ROUTINE oldest",
    "SCAN key_changes",
    "SEARCH oldest",
  ]);
});

test("a digest belongs to one key", async () => {
  const store = keyStore(only(env.DB));
  await store.insert(key, event, CAPS);
  const other = { ...key, id: "6f1ff3f4-0000-4000-8000-000000000001" };
  const insert = async () => {
    await store.insert(other, { ...event, id: "e2" }, CAPS);
  };
  await expect(insert()).rejects.toMatchObject({
    cause: { message: expect.stringContaining("UNIQUE constraint failed: api_keys.digest") },
  });
  expect(await store.list("acme", { limit: 10 }, 1, ["b"])).toHaveLength(1);
});

test.each(["created_at", "expires_at", "revoked_at", "suspended_at", "last_used_at"])(
  "%s by hand can be a time that can be shown, not a text or another number",
  async (column) => {
    await keyStore(only(env.DB)).insert(key, event, CAPS);
    const set = async (value: string) => {
      await env.DB.prepare(`UPDATE api_keys SET ${column} = ${value}`).run();
    };
    for (const value of ["'2999-01-01T00:00:00Z'", "1.5", "-1", "253402300800000", "x'00'"]) {
      await expect(set(value)).rejects.toThrow(/CHECK/);
    }
    await set("253402300799999");
    expect((await manage(`/settings/api-keys/${key.id}`)).status).toBe(200);
    if (column !== "created_at") await set("NULL");
  },
);

test.each(['"jobs:readonly"', "jobs:read", '{"jobs:read": true}', "null", "", '["jobs:read"'])(
  "scopes by hand can be a JSON array alone, not %s",
  async (scopes) => {
    await keyStore(only(env.DB)).insert(key, event, CAPS);
    const set = async () => {
      await env.DB.prepare("UPDATE api_keys SET scopes = ?").bind(scopes).run();
    };
    await expect(set()).rejects.toThrow(/CHECK|malformed JSON/);
  },
);
