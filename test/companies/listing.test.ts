import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { type CompanySearch, listCompanies } from "../../src/companies/listing.ts";
import { createKey } from "../support/api.ts";
import { setCompany } from "../support/companies.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const DAY = "2026-01-02";
const run = (sql: string) => env.DB.prepare(sql).run();

async function counts(): Promise<Record<string, unknown>> {
  const { results } = await env.DB.prepare("SELECT company_id, keys FROM key_counts").all();
  return Object.fromEntries(results.map((row) => [row.company_id, row.keys]));
}

describe("the keys of each company that are not revoked", () => {
  test.each([
    ["revoked", "UPDATE api_keys SET revoked_at = 1 WHERE company_id = 'acme'", { acme: 0, globex: 1 }],
    ["deleted", "DELETE FROM api_keys WHERE company_id = 'acme'", { acme: 0, globex: 1 }],
    [
      "given to another",
      "UPDATE api_keys SET company_id = 'initech' WHERE company_id = 'acme'",
      { acme: 0, globex: 1, initech: 2 },
    ],
    [
      "changed otherwise",
      "UPDATE api_keys SET label = 'x', suspended_at = 1, expires_at = 1",
      { acme: 2, globex: 1 },
    ],
  ])("are counted where they are %s, by hand as well", async (_, sql, expected) => {
    await createKey();
    await createKey();
    await createKey({}, { company: "globex" });
    expect(await counts()).toEqual({ acme: 2, globex: 1 });
    await run(sql);
    expect(await counts()).toEqual(expected);
  });

  test("are counted where a revoked key is deleted, or comes back by hand", async () => {
    await createKey();
    await createKey();
    await run("UPDATE api_keys SET revoked_at = 1");
    await run("UPDATE api_keys SET revoked_at = 2");
    await run("DELETE FROM api_keys WHERE rowid = 1");
    expect(await counts()).toEqual({ acme: 0 });
    await run("UPDATE api_keys SET revoked_at = NULL");
    expect(await counts()).toEqual({ acme: 1 });
  });
});

test("a company that has a setting and no key is listed too", async () => {
  await setCompany({ maxLiveKeys: 1 }, "globex");
  await createKey();
  const page = await listCompanies(env.DB, { limit: 10, day: DAY });
  expect(page?.rows).toMatchObject([
    { id: "acme", keys: 1, maxLiveKeys: null },
    { id: "globex", keys: 0, maxLiveKeys: 1 },
  ]);
});

test("the companies that were used on a day are listed by how much they were", async () => {
  await createKey();
  await createKey({}, { company: "globex" });
  await createKey({}, { company: "initech" });
  await run(
    `INSERT INTO company_days VALUES ('${DAY}', 'acme', 5, 0), ('${DAY}', 'globex', 7, 0), ('2026-01-03', 'acme', 9, 9)`,
  );
  const list = async (wanted: object) =>
    (await listCompanies(env.DB, { limit: 10, day: DAY, ...wanted }))?.rows.map(({ id, uses }) => [id, uses]);
  expect(await list({ sort: "use" })).toEqual([
    ["globex", 7],
    ["acme", 5],
  ]);
  expect(await list({ sort: "use", q: "a" })).toEqual([["acme", 5]]);
  expect(await list({ sort: "use", after: [7, "globex"] })).toEqual([["acme", 5]]);
  expect(await list({})).toEqual([
    ["acme", 5],
    ["globex", 7],
    ["initech", 0],
  ]);
});

const SETTINGS = "SEARCH companies USING INDEX sqlite_autoindex_companies_1 (id=?) LEFT-JOIN";
const COUNTS = [
  "CORRELATED SCALAR SUBQUERY 1",
  "SEARCH counted USING INDEX sqlite_autoindex_key_counts_1 (company_id=?)",
  "CORRELATED SCALAR SUBQUERY 2",
  "SEARCH used USING PRIMARY KEY (day=? AND company_id=?)",
];

test.each<[string, Partial<CompanySearch>, string]>([
  [
    "ids",
    { after: ["a"] },
    "SEARCH key_counts USING COVERING INDEX sqlite_autoindex_key_counts_1 (company_id>?)",
  ],
  [
    "keys",
    { sort: "keys", after: [1, "a"] },
    "SEARCH key_counts USING COVERING INDEX key_counts_most ((keys,company_id)<(?,?))",
  ],
  [
    "use",
    { sort: "use", after: [1, "a"] },
    "SEARCH company_days USING COVERING INDEX company_days_most (day=? AND (allowed,company_id)<(?,?))",
  ],
])("the list by %s reads a range of one index, in its order", async (_, wanted, range) => {
  const statements = await statementsOf((db) => listCompanies(db, { limit: 10, day: DAY, ...wanted }));
  expect(await Promise.all(statements.map(planOf))).toEqual([[range, SETTINGS, ...COUNTS]]);
});

test("the search for a part of an id reads a bounded number of companies", async () => {
  const [page = "", end = ""] = await statementsOf((db) =>
    listCompanies(db, { limit: 10, day: DAY, q: "x" }),
  );
  expect(page).toMatch(/ in \(select .* limit \?\)/i);
  expect(end).toMatch(/ limit \? offset \?$/i);
});
