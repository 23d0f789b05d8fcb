import { beforeEach, expect, test } from "vitest";
import type { OperatedKey } from "../../src/operator/key-schema.ts";
import type { Status } from "../../src/operator/status.ts";
import type { Busiest } from "../../src/operator/usage-schema.ts";
import { addUpDays } from "../../src/usage/totals.ts";
import { appWith, type CreatedKey, createKey, operate, type Target } from "../support/api.ts";
import { threeDatabases } from "../support/database.ts";
import { expectError } from "../support/expect.ts";

let bindings: Awaited<ReturnType<typeof threeDatabases>>;
let target: Target;
/** Six keys, by turns of a company in `DB_01` and of one in `DB_02`. */
let keys: CreatedKey[];

beforeEach(async () => {
  bindings = await threeDatabases();
  target = appWith({ ...bindings });
  const earlier = appWith({ ...bindings, PLACE_NEW_COMPANIES: "01" });
  keys = [];
  for (let i = 0; i < 3; i++) {
    keys.push(await createKey({}, { company: "acme", target: earlier }));
    keys.push(await createKey({}, { company: "globex", target }));
  }
});

const get = async <T>(path: string) => (await operate(`/operator/${path}`, { target })).json<T>();
const post = (path: string, body?: object) =>
  operate(`/operator/${path}`, { method: "POST", target, ...(body && { body }) });

/** The entries of all pages, in their order. */
async function allOf<T>(path: string): Promise<T[]> {
  const all: T[] = [];
  let next: string | undefined = `/operator/${path}`;
  while (next !== undefined) {
    const answer = await operate(next, { target });
    const page = await answer.json<T[]>();
    expect(page.length).toBeLessThanOrEqual(2);
    all.push(...page);
    next = /<(.+)>; rel="next"/.exec(answer.headers.get("Link") ?? "")?.[1];
  }
  return all;
}

test.each([
  "keys?limit=2&prefix=lk_live_",
  "keys?limit=2&createdBy=ada",
  "keys?limit=2&generation=b",
  "keys?limit=2",
])("GET /operator/%s has the keys of all databases in one order, each once", async (path) => {
  const found = await allOf<OperatedKey>(path);
  expect(found.map(({ id }) => id).sort()).toEqual(keys.map(({ id }) => id).sort());
  if (path.includes("prefix"))
    expect(found.map((key) => key.keyPrefix)).toEqual(found.map((key) => key.keyPrefix).sort());
  if (path.includes("createdBy"))
    expect(found.map((key) => key.createdAt)).toEqual(
      found
        .map((key) => key.createdAt)
        .sort()
        .reverse(),
    );
});

test.each(["companies?limit=2", "companies?limit=2&sort=keys", "companies?limit=2&q=c"])(
  "GET /operator/%s has the companies of all databases",
  async (path) => {
    await createKey({}, { company: "initech-c", target });
    const wanted = path.includes("q=") ? ["acme", "initech-c"] : ["acme", "globex", "initech-c"];
    expect((await allOf<{ id: string }>(path)).map(({ id }) => id).sort()).toEqual(wanted);
  },
);

test("the log has the events of all databases, newest first, each once", async () => {
  const events = await allOf<{ keyId: string; at: string }>("events?limit=2");
  expect(events.map(({ keyId }) => keyId).sort()).toEqual(keys.map(({ id }) => id).sort());
  expect(events.map(({ at }) => at)).toEqual(
    events
      .map(({ at }) => at)
      .sort()
      .reverse(),
  );
  for (const cursor of ["[1]", "[1,2,3,4]", '["a","b","c"]'])
    await expectError(await operate(`/operator/events?cursor=${cursor}`, { target }), "BAD_REQUEST");
});

test("a key is found, identified and ended wherever it lives", async () => {
  for (const key of keys.slice(0, 2)) {
    expect(await get(`keys/${key.id}`)).toMatchObject({ id: key.id });
    expect(await (await post("keys/identify", { key: key.rawKey })).json()).toMatchObject({ id: key.id });
    expect(await (await post(`keys/${key.id}/revoke`)).json()).toMatchObject({ active: false });
  }
  expect(await (await post("companies/acme/revoke-all")).json()).toEqual({
    dryRun: false,
    revoked: 2,
    left: 0,
  });
  expect(await (await post("companies/globex/revoke-all", { dryRun: true })).json()).toMatchObject({
    left: 2,
  });
});

test("the status tells of each database, and of the keys of all together", async () => {
  const { databases, generations } = await get<Status>("status");
  expect(databases.map(({ id, keys }) => [id, keys])).toEqual([
    ["00", 0],
    ["01", 3],
    ["02", 3],
  ]);
  expect(generations.find(({ generation }) => generation === "b")?.liveKeys).toBe(6);
});

test("who used the service most is told of all databases together", async () => {
  const now = Date.now();
  const day = new Date(now).toISOString().slice(0, 10);
  for (const [d1, company, allowed] of [
    [bindings.DB_01, "acme", 5],
    [bindings.DB_02, "globex", 7],
  ] as const) {
    await d1
      .prepare("INSERT INTO usage_days (key_id, company_id, day, allowed, denied) VALUES ('k', ?, ?, ?, 0)")
      .bind(company, day, allowed)
      .run();
    await addUpDays(d1, now);
  }
  const { companies } = await get<Busiest>(`usage?day=${day}`);
  expect(companies.allowed.map(({ companyId }) => companyId)).toEqual(["globex", "acme"]);
});
