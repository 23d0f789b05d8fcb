import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { type KeySearch, searchKeys } from "../../src/keys/search.ts";
import { createKey } from "../support/api.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const ID = "6f1ff3f4-0000-4000-8000-000000000000";

const LAST_USE = [
  "CORRELATED SCALAR SUBQUERY 1",
  "SEARCH usage_days USING INDEX sqlite_autoindex_usage_days_1 (key_id=?)",
];
const by = (index: string, range: string) => `SEARCH api_keys USING INDEX api_keys_${index} (${range})`;

test.each<[string, Omit<KeySearch, "limit">, string]>([
  ["a prefix", { prefix: "lk" }, by("prefix", "key_prefix>? AND key_prefix<?")],
  ["a company", { company: "acme" }, by("newest", "company_id=?")],
  [
    "a company, the next page",
    { company: "acme", after: [1, ID] },
    by("newest", "company_id=? AND (created_at,id)<(?,?)"),
  ],
  ["its maker", { createdBy: "ada" }, by("creator", "created_by_subject=?")],
  ["a generation", { generation: "a" }, by("generation", "generation=?")],
  ["an end", { expiresBefore: 1 }, by("expired", "expires_at<?")],
])("by %s reads a range of one index, in its order", async (_, wanted, range) => {
  const statements = await statementsOf((db) => searchKeys(db, { limit: 10, ...wanted }));
  expect(await Promise.all(statements.map(planOf))).toEqual([[range, ...LAST_USE]]);
});

test("by a generation, the next page reads the rest of the keys that end at the same time, then the others", async () => {
  const statements = await statementsOf((db) =>
    searchKeys(db, { limit: 10, generation: "a", after: [1, ID] }),
  );
  expect((await Promise.all(statements.map(planOf))).map(([range]) => range)).toEqual([
    by("generation", "generation=? AND <expr>=? AND id>?"),
    by("generation", "generation=? AND <expr>>?"),
  ]);
});

test("by more than an index finds reads a bounded number of keys, each by its id", async () => {
  const search = { prefix: "lk", company: "acme", unusedSince: 1, limit: 10 };
  const [page = "", end = ""] = await statementsOf((db) => searchKeys(db, search));
  const plan = await planOf(page);
  expect(plan[0]).toBe("SEARCH api_keys USING INDEX sqlite_autoindex_api_keys_1 (id=?)");
  const range = "SEARCH api_keys USING COVERING INDEX api_keys_prefix (key_prefix>? AND key_prefix<?)";
  expect(plan).toContain(range);
  expect(page).toMatch(/ in \(select .* limit \?\)/i);
  expect(await planOf(end)).toEqual([range]);
});

test("by nothing reads the keys in the order of their ids", async () => {
  const [page = ""] = await statementsOf((db) => searchKeys(db, { limit: 10, after: [ID] }));
  expect(await planOf(page)).toEqual([
    "SEARCH api_keys USING INDEX sqlite_autoindex_api_keys_1 (id>?)",
    ...LAST_USE,
  ]);
});

/** `count` keys of `acme` that end one after the other, the last of which was used. */
async function seed(count: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
     INSERT INTO api_keys (id, company_id, label, key_prefix, digest, generation, scopes, created_at, expires_at, last_used_at)
     SELECT printf('%08x-0000-4000-8000-000000000000', i), 'acme', 'x', 'lk_live_' || printf('%05d', i), 'd' || i, 'a',
       '["jobs:read"]', i, iif(i % 2 = 0, i, NULL), iif(i = ?1 - 1, 1, NULL) FROM n`,
  )
    .bind(count)
    .run();
}

/** All pages, one after the other. */
async function pagesOf(wanted: Omit<KeySearch, "after">) {
  const pages: string[][] = [];
  for (let after: KeySearch["after"]; ; ) {
    const page = await searchKeys(env.DB, { ...wanted, after });
    pages.push(page?.rows.map(({ keyPrefix }) => keyPrefix) ?? []);
    if (!page?.next) return pages;
    after = page.next;
  }
}

describe("pages of a search", () => {
  test.each<[string, Omit<KeySearch, "limit">]>([
    ["a prefix", { prefix: "lk_live_0" }],
    ["a company", { company: "acme" }],
    ["a generation, keys without an end last", { generation: "a" }],
    ["nothing", {}],
    ["a company and a generation", { company: "acme", generation: "a" }],
  ])("by %s are the whole of it, each key once", async (_, wanted) => {
    await seed(25);
    const pages = await pagesOf({ ...wanted, limit: 10 });
    expect(pages.map((page) => page.length)).toEqual([10, 10, 5]);
    expect(new Set(pages.flat()).size).toBe(25);
  });

  test("lead on where a page holds nothing, until what is wanted comes", async () => {
    await seed(4_500);
    const pages = await pagesOf({ prefix: "lk_live_", unusedSince: 2, limit: 10 });
    expect(pages).toEqual([[], [], ["lk_live_04499"]]);
  });

  test("are of one search: a place of another one is known as such", async () => {
    for (const after of [[], [1], ["x"], ["x", ID], [1, 2], [1, ID, 1]])
      expect(await searchKeys(env.DB, { company: "acme", limit: 1, after })).toBeNull();
  });
});

test("a prefix is compared with its case, and is no pattern", async () => {
  const { keyPrefix } = await createKey();
  const found = async (prefix: string) => (await searchKeys(env.DB, { prefix, limit: 10 }))?.rows.length;
  expect(await found(keyPrefix)).toBe(1);
  expect(await found(keyPrefix.slice(0, -1))).toBe(1);
  for (const prefix of [keyPrefix.toUpperCase(), "lk_live_%", "%", "_", `${keyPrefix}x`, "\u{10FFFF}"])
    expect(await found(prefix)).toBe(0);
});
