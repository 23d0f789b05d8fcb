import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { fold } from "../../src/keys/fold.ts";
import type { ApiKey } from "../../src/keys/schema.ts";
import { appWith, createKey, manage, ORIGIN } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { expectError, logged } from "../support/expect.ts";

const LIST = "/settings/api-keys";
const HOUR_MS = 3_600_000;

interface Row {
  id?: string;
  company?: string;
  label?: string;
  createdAt?: number;
  expiresAt?: number;
  revokedAt?: number;
}

/** Rows put into the database by hand, to choose their times and ids; the newest last. */
async function insertRows(rows: Row[]): Promise<void> {
  const statement = env.DB.prepare(`INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes,
    created_at, expires_at, revoked_at, label_folded) VALUES (?, ?, ?, ?, ?, '["jobs:read"]', ?, ?, ?, ?)`);
  await env.DB.batch(
    rows.map(({ id = crypto.randomUUID(), company = "acme", label = "x", ...row }, i) => {
      const { createdAt = Date.UTC(2026, 0, 1) + i, expiresAt = null, revokedAt = null } = row;
      return statement.bind(
        id,
        company,
        label,
        `lk_live_${id.slice(0, 5)}`,
        id,
        createdAt,
        expiresAt,
        revokedAt,
        fold(label),
      );
    }),
  );
}

async function list(query = "", company = "acme"): Promise<ApiKey[]> {
  const answer = await manage(LIST + query, { company });
  expect(answer.status).toBe(200);
  return answer.json();
}

const labels = async (query = "") => (await list(query)).map((key) => key.label);

/** The pages from `path` on, by their Link headers. */
async function pages(path: string): Promise<ApiKey[][]> {
  const found: ApiKey[][] = [];
  let next: string | undefined = path;
  while (next !== undefined) {
    const answer: Response = await manage(next);
    expect(answer.status).toBe(200);
    found.push(await answer.json());
    const link: string | null = answer.headers.get("Link");
    next = link === null ? undefined : /^<([^<>]+)>; rel="next"$/.exec(link)?.[1];
    if (link !== null) expect(next).toMatch(new RegExp(`^${ORIGIN}${LIST}\\?`));
  }
  return found;
}

test("the list of a company without keys is an empty array", async () => {
  expect(await list()).toEqual([]);
});

test("the list is a bare array of keys as GET shows them, newest first", async () => {
  const made = [await createKey({ label: "first" }), await createKey({ label: "second" })];
  const shown = await Promise.all(
    made.reverse().map(async ({ id }) => (await manage(`${LIST}/${id}`)).json<ApiKey>()),
  );
  expect(await list()).toEqual(
    shown.sort((a, b) => b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id)),
  );
});

test("a company sees its own keys only, also by another's cursor", async () => {
  await insertRows([{ label: "mine" }, { label: "theirs", company: "globex" }, { label: "mine too" }]);
  expect((await list("", "globex")).map((key) => key.label)).toEqual(["theirs"]);
  const link = (await manage(`${LIST}?limit=1`)).headers.get("Link") ?? "";
  const cursor = new URL(link.slice(1, link.indexOf(">"))).search;
  expect((await list(cursor, "globex")).map((key) => key.label)).toEqual(["theirs"]);
});

describe("paging", () => {
  test("without limit 1,000 keys come at once, and a Link where there are more", async () => {
    await insertRows(Array.from({ length: 1_000 }, (_, i) => ({ label: `key ${i}` })));
    const answer = await manage(LIST);
    expect(await answer.json()).toHaveLength(1_000);
    expect(answer.headers.has("Link")).toBe(false);
    await insertRows([{ label: "one more" }]);
    const found = await pages(LIST);
    expect(found.map((page) => page.length)).toEqual([1_000, 1]);
    expect(new Set(found.flat().map((key) => key.id)).size).toBe(1_001);
    expect(await list("?limit=1000")).toHaveLength(1_000);
  });

  test.each([1, 2, 3, 6, 7, 8, 100])(
    "pages of %i by Link are the whole list, each key once",
    async (limit) => {
      await insertRows(Array.from({ length: 7 }, (_, i) => ({ label: `key ${i}` })));
      const found = await pages(`${LIST}?limit=${limit}`);
      expect(found.flat()).toEqual(await list());
      expect(found.map((page) => page.length)).toEqual([
        ...Array(Math.ceil(7 / limit) - 1).fill(limit),
        7 - limit * (Math.ceil(7 / limit) - 1),
      ]);
    },
  );

  test("keys of one createdAt keep one order, and pages part them without loss", async () => {
    await insertRows(Array.from({ length: 20 }, () => ({ createdAt: Date.UTC(2026, 0, 1) })));
    const ids = (await list()).map((key) => key.id);
    expect(ids).toEqual(ids.toSorted().toReversed());
    expect((await pages(`${LIST}?limit=3`)).flat().map((key) => key.id)).toEqual(ids);
  });

  test("a key made meanwhile does not disturb the next page", async () => {
    await insertRows([{ label: "a" }, { label: "b" }, { label: "c" }]);
    const link = (await manage(`${LIST}?limit=2`)).headers.get("Link") ?? "";
    await createKey({ label: "new" });
    expect(await labels(new URL(link.slice(1, link.indexOf(">"))).search)).toEqual(["a"]);
  });

  test("the next page keeps the filters, odd characters included", async () => {
    await insertRows(Array.from({ length: 3 }, () => ({ label: `a&b>;"=é+ %` })));
    await insertRows([{ label: "other" }]);
    const query = new URLSearchParams({ q: '&b>;"=é+ %', active: "true", limit: "1" });
    expect((await pages(`${LIST}?${query}`)).map((page) => page.length)).toEqual([1, 1, 1]);
  });

  test.each([
    "limit=0",
    "limit=-1",
    "limit=1001",
    "limit=9999",
    "limit=10000",
    "limit=1.5",
    "limit=1e1",
    "limit=0x10",
    "limit=01",
    "limit=%2010",
    "limit=",
    "limit=ten",
    "limit=１０",
    "limit=1&limit=2",
    "cursor=",
    "cursor=x",
    "cursor=1",
    "cursor=-1.6f1ff3f4-0000-4000-8000-000000000000",
    "cursor=1e3.6f1ff3f4-0000-4000-8000-000000000000",
    "cursor=1.6f1ff3f4-0000-4000-8000-000000000000%00",
    "cursor=1.6f1ff3f4-0000-4000-8000-000000000000%0A",
    "cursor=99999999999999999.6f1ff3f4-0000-4000-8000-000000000000",
    "cursor=1.6f1ff3f4-0000-4000-8000-000000000000&cursor=x",
    "active=",
    "active=1",
    "active=TRUE",
    "active=yes",
    "active=true&active=false",
    "q=a&q=b",
    `q=${"x".repeat(101)}`,
  ])("the query %s is 400 and names the parameter", async (query) => {
    const { message } = await expectError(await manage(`${LIST}?${query}`), "BAD_REQUEST", LIST);
    expect(message).toMatch(new RegExp(`^${query.split("=")[0]}: must `));
  });

  test("a cursor of the far future or past is a place like any other", async () => {
    await insertRows([{ label: "x" }]);
    const id = "6f1ff3f4-0000-4000-8000-000000000000";
    expect(await labels(`?cursor=9999999999999999.${id}`)).toEqual(["x"]);
    expect(await labels(`?cursor=0.${id}`)).toEqual([]);
  });

  test.each([
    "__proto__=1",
    "constructor=1",
    "company_id=globex",
    "page=2",
    "offset=1",
    "sort=label",
    "=",
    "lim=3",
    "Limit=3",
    "limit[]=1",
  ])("the unknown parameter %s is 400", async (query) => {
    const { message } = await expectError(await manage(`${LIST}?${query}`), "BAD_REQUEST", LIST);
    expect(message).toBe(`Unknown query parameter: ${query.split("=")[0]}`);
  });

  test.each(["?", "?&", "?&limit=1&"])("%s names no parameter", async (query) => {
    await insertRows([{ label: "x" }]);
    expect(await labels(query)).toEqual(["x"]);
  });
});

describe("?active=", () => {
  const rows = [
    { label: "live" },
    { label: "expiring", expiresAt: Date.now() + HOUR_MS },
    { label: "expired", expiresAt: Date.now() - HOUR_MS },
    { label: "revoked", revokedAt: Date.now() - HOUR_MS },
    { label: "revoked and expired", revokedAt: Date.now() - HOUR_MS, expiresAt: Date.now() - HOUR_MS },
    { label: "revoked, expiring", revokedAt: Date.now() - HOUR_MS, expiresAt: Date.now() + HOUR_MS },
  ];

  test("true gives the keys that are active, false all others", async () => {
    await insertRows(rows);
    expect(await labels("?active=true")).toEqual(["expiring", "live"]);
    expect(await labels("?active=false")).toEqual([
      "revoked, expiring",
      "revoked and expired",
      "revoked",
      "expired",
    ]);
  });

  test("is what each key says of itself", async () => {
    await insertRows(rows);
    for (const active of [true, false]) {
      for (const key of await list(`?active=${active}`)) expect(key.active).toBe(active);
    }
  });

  test("and q and limit narrow down together", async () => {
    await insertRows(rows);
    expect(await labels("?active=false&q=EXPIR&limit=2")).toEqual([
      "revoked, expiring",
      "revoked and expired",
    ]);
  });
});

describe("?q=", () => {
  test.each([
    ["Careers", "Careers page"],
    ["careers PAGE", "Careers page"],
    ["%", "100% _real_"],
    ["% _", "100% _real_"],
    ["l_", "100% _real_"],
    ["'", 'Ada\'s "key"'],
    ['"', 'Ada\'s "key"'],
    ["\\", "back\\slash"],
    ["*", "a*b?[c]"],
    ["[c]", "a*b?[c]"],
    ["é", "Café"],
    ["鍵", "秘密の鍵"],
    ["\u{1F511}", "key \u{1F511}"],
    ["+", "a+b"],
    ["a+b", "a+b"],
    ["\u200B", "zero\u200Bwidth"],
    ["überweisung", "Überweisung"],
    ["ÜBERW", "Überweisung"],
    ["ключ", "Ключ сайта"],
    ["ΔΟΣ", "Δόση, δοσεις"],
    ["οδος", "ΟΔΟΣ 7"],
    ["οδοσ", "Οδος"],
    ["strasse", "Straße"],
    ["file", "ﬁle"],
    ["Ｎｏ．　１", "No. 12"],
    ["e\u0301", "Café"],
    ["Café", "Cafe\u0301"],
    ["\u{1F511}".repeat(100), "\u{1F511}".repeat(100)],
  ])("%j finds the label %j literally and alone", async (q, label) => {
    await insertRows([{ label: "other" }, { label }, { label: "another" }]);
    expect(await labels(`?${new URLSearchParams({ q })}`)).toEqual([label]);
  });

  test("finds a label by its new name once it was renamed, and by the old one no longer", async () => {
    const { id } = await createKey({ label: "Überweisung" });
    await manage(`${LIST}/${id}`, { method: "PATCH", body: { label: "Ключ" } });
    expect(await labels(`?${new URLSearchParams({ q: "ключ" })}`)).toEqual(["Ключ"]);
    expect(await labels(`?${new URLSearchParams({ q: "überweisung" })}`)).toEqual([]);
  });

  test("finds the successor of a rotated key as well", async () => {
    const { id } = await createKey({ label: "Überweisung" });
    await manage(`${LIST}/${id}/rotate`, { method: "POST" });
    expect(await labels(`?${new URLSearchParams({ q: "überweisung" })}`)).toHaveLength(2);
  });

  test("finds a row that was made by hand, by what is ASCII in its label", async () => {
    await insertRows([{ label: "By Hand" }]);
    await env.DB.prepare("UPDATE api_keys SET label_folded = NULL").run();
    expect(await labels("?q=by+hand")).toEqual(["By Hand"]);
  });

  test("finds a key by its prefix", async () => {
    const key = await createKey({ label: "found" });
    await insertRows([{ label: "x" }]);
    expect(await labels(`?q=${key.keyPrefix}`)).toEqual(["found"]);
  });

  test("a whole key, or most of one, is 400, and is in no answer, header or log line", async () => {
    const { rawKey } = await createKey();
    const lines = logged();
    for (const q of [rawKey, ` ${rawKey}\n`, rawKey.slice(0, -1), rawKey.slice(0, 30), `x${rawKey}`]) {
      const answer = await manage(`${LIST}?${new URLSearchParams({ q })}`);
      const { message } = await expectError(answer.clone(), "BAD_REQUEST", LIST);
      expect(message).toMatch(/^q: must not hold an API key/);
      const told = JSON.stringify([...answer.headers]) + (await answer.text()) + lines.join();
      expect(told).not.toContain(rawKey.slice(13, 30));
    }
  });

  test("as much of a key as is shown finds it", async () => {
    const { rawKey } = await createKey({ label: "found" });
    expect(await labels(`?q=${rawKey.slice(0, 13)}`)).toEqual(["found"]);
    expect(await labels(`?q=${rawKey.slice(0, 29)}`)).toEqual([]);
  });

  test("empty asks for nothing", async () => {
    await insertRows([{ label: "x" }]);
    expect(await labels("?q=")).toEqual(["x"]);
  });

  test.each(["%00", "%FF", "%ED%A0%80", "%", "%E2%82", "'%20OR%201=1%20--", "x%00"])(
    "%s matches nothing and breaks nothing",
    async (q) => {
      await insertRows([{ label: "x" }]);
      expect(await labels(`?q=${q}`)).toEqual([]);
    },
  );

  test("does not search digests, scopes or other companies", async () => {
    await insertRows([{ label: "mine", id: "6f1ff3f4-0000-4000-8000-abcdefabcdef" }]);
    await insertRows([{ label: "theirs", company: "globex" }]);
    for (const q of ["abcdefabcdef", "jobs", "theirs", "acme"]) expect(await labels(`?q=${q}`)).toEqual([]);
  });
});

test("one row with broken JSON keeps the others in the list", async () => {
  await createKey({ label: "whole" });
  await createKey({ label: "broken", scopes: ["jobs:write"] });
  const breakRow = (value: unknown): void => {
    if (!Array.isArray(value)) return;
    for (const [i, entry] of value.entries()) {
      if (entry === '["jobs:write"]') value[i] = "[";
      else breakRow(entry);
    }
  };
  const target = appWith({ DB: hooked(env.DB, () => {}, breakRow) });
  const keys = await (await manage(LIST, { target })).json<ApiKey[]>();
  expect(keys.map(({ label, scopes }) => [label, scopes])).toEqual([
    ["broken", []],
    ["whole", ["jobs:read"]],
  ]);
});

describe("keys that end or lie idle", () => {
  const DAY_MS = 86_400_000;
  const listed = async (query: string) =>
    (await (await manage(`/settings/api-keys?${query}`)).json<ApiKey[]>()).map(({ id }) => id);
  const at = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();

  test("?expiresBefore= lists what ends before it, and what has ended", async () => {
    const endless = await createKey();
    const soon = await createKey({ expiresAt: at(5) });
    const later = await createKey({ expiresAt: at(50) });
    const ended = await createKey({ expiresAt: at(1) });
    await env.DB.prepare("UPDATE api_keys SET expires_at = 1 WHERE id = ?").bind(ended.id).run();
    expect(await listed(`expiresBefore=${at(10)}`)).toEqual([ended.id, soon.id]);
    expect(await listed(`expiresBefore=${at(10)}&active=true`)).toEqual([soon.id]);
    expect(await listed(`expiresBefore=${soon.expiresAt}`)).toEqual([ended.id]);
    expect(await listed(`expiresBefore=${encodeURIComponent("2999-01-01T00:00:00+02:00")}`)).toEqual([
      ended.id,
      later.id,
      soon.id,
    ]);
    expect(await listed("limit=10")).toContain(endless.id);
  });

  test("?unusedSince= lists what was last used before it; what was never used is not idle", async () => {
    const [never, old, recent, kept] = [
      await createKey(),
      await createKey(),
      await createKey(),
      await createKey(),
    ];
    const use = env.DB.prepare(
      "INSERT INTO usage_days (key_id, company_id, day, allowed, denied, last_used_at) VALUES (?, 'acme', ?, 1, 0, ?)",
    );
    const uses = [
      [old, -40],
      [recent, -1],
    ] as const;
    await env.DB.batch(
      uses.map(([key, days]) => use.bind(key.id, at(days).slice(0, 10), Date.now() + days * DAY_MS)),
    );
    // Of days whose counts are dropped.
    await env.DB.prepare("UPDATE api_keys SET last_used_at = 1 WHERE id = ?").bind(kept.id).run();
    expect(await listed(`unusedSince=${at(-30)}`)).toEqual([kept.id, old.id]);
    expect(await listed(`unusedSince=${at(0)}`)).toEqual([kept.id, recent.id, old.id]);
    expect(await listed("active=true")).toContain(never.id);
  });

  test.each([
    "expiresBefore=",
    "expiresBefore=2026-11-26",
    "expiresBefore=tomorrow",
    "expiresBefore=2026-11-26T00:00:00",
    "unusedSince=0",
    "unusedSince=2026-02-30T00:00:00Z",
    "unusedSince=2026-11-26T00:00:00Z&unusedSince=2026-11-26T00:00:00Z",
  ])("?%s is 400", async (query) => {
    await expectError(await manage(`/settings/api-keys?${query}`), "BAD_REQUEST");
  });

  test("the rest of a page has the same filter", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.unshift((await createKey({ expiresAt: at(5) })).id);
    await createKey();
    const first = await manage(`/settings/api-keys?limit=2&expiresBefore=${at(10)}`);
    const [, next = ""] = /<([^>]+)>/.exec(first.headers.get("Link") ?? "") ?? [];
    const rest = await manage(new URL(next).pathname + new URL(next).search);
    const keys = [...(await first.json<ApiKey[]>()), ...(await rest.json<ApiKey[]>())];
    expect(keys.map(({ id }) => id)).toEqual(ids);
  });
});

test("a key tells by whose token it was made, a successor by whose it was rotated", async () => {
  const key = await createKey({}, { claims: { sub: "grace" } });
  expect(key.createdBy).toEqual({ issuer: env.OAUTH_ISSUER, subject: "grace" });
  const rotated = await manage(`/settings/api-keys/${key.id}/rotate`, {
    method: "POST",
    claims: { sub: "ada" },
  });
  expect((await rotated.json<ApiKey>()).createdBy?.subject).toBe("ada");
  await env.DB.prepare("UPDATE api_keys SET created_by_issuer = NULL WHERE id = ?").bind(key.id).run();
  expect(await (await manage(`/settings/api-keys/${key.id}`)).json()).toMatchObject({ createdBy: null });
});
