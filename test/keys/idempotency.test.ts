import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { dropAnswers } from "../../src/keys/answers.ts";
import { idempotentRequest } from "../../src/keys/idempotency.ts";
import type { ApiKey } from "../../src/keys/schema.ts";
import { appWith, type CreatedKey, createKey, type ManageOptions, manage } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { brokenFields, expectError, logged } from "../support/expect.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const HOUR_MS = 3_600_000;
const CREATE = "/settings/api-keys";
const BODY = { label: "Careers page", scopes: ["jobs:read"] };

let value: string;

beforeEach(() => {
  value = crypto.randomUUID();
  vi.useFakeTimers({ toFake: ["Date"] });
});

/** A request with an `Idempotency-Key`: this test's own, unless it is said otherwise. */
const post = (path: string, body: unknown, { headers, ...options }: ManageOptions = {}) =>
  manage(path, { method: "POST", body, headers: { "Idempotency-Key": value, ...headers }, ...options });
const made = async (path: string, body: unknown, options?: ManageOptions) => {
  const answer = await post(path, body, options);
  expect(answer.status).toBe(201);
  return answer.json<CreatedKey>();
};
const keys = async (company = "acme") => (await manage(CREATE, { company })).json<ApiKey[]>();
const answers = async () => (await env.DB.prepare("SELECT * FROM sealed_answers").all()).results;
const pass = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);

/** The two requests that make a key, and how many keys there are then. */
const requests: [string, () => Promise<[path: string, body: unknown, other: unknown]>, number][] = [
  ["a creation", async () => [CREATE, BODY, { ...BODY, label: "Another" }], 1],
  ["a rotation", async () => [`${CREATE}/${(await createKey()).id}/rotate`, {}, { overlapSeconds: 60 }], 2],
];

describe.each(requests)("%s with an Idempotency-Key", (_, prepare, count) => {
  test("that comes again is answered with the same key, and makes no other", async () => {
    const [path, body] = await prepare();
    const first = await post(path, body);
    const again = await post(path, body);
    expect(again.status).toBe(201);
    expect(again.headers.get("Location")).toBe(first.headers.get("Location"));
    expect(await again.json()).toEqual(await first.json());
    expect(await keys()).toHaveLength(count);
    const { results } = await env.DB.prepare("SELECT action FROM audit_events").all();
    expect(results).toHaveLength(2 * count - 1);
  });

  test("whose answer was lost in the database makes one key, which the next attempt gets", async () => {
    const [path, body] = await prepare();
    logged();
    const DB = hooked(
      env.DB,
      () => {},
      () => {
        throw new Error("D1_ERROR: Network connection lost.");
      },
    );
    await expectError(await post(path, body, { target: appWith({ DB }) }), "UNAVAILABLE");
    await made(path, body);
    expect(await keys()).toHaveLength(count);
  });

  test("from 50 clients at once makes one key, which all of them get", async () => {
    const [path, body] = await prepare();
    const all = await Promise.all(Array.from({ length: 50 }, () => post(path, body)));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([201]));
    const raw = await Promise.all(all.map(async (answer) => (await answer.json<CreatedKey>()).rawKey));
    expect(new Set(raw).size).toBe(1);
    expect(await keys()).toHaveLength(count);
    expect(await answers()).toHaveLength(1);
  });

  test("and another body is 422, also at the same time", async () => {
    const [path, body, other] = await prepare();
    const all = await Promise.all([post(path, body), post(path, other), post(path, body), post(path, other)]);
    expect(all.map(({ status }) => status).sort()).toEqual([201, 201, 422, 422]);
    const refused = all.find(({ status }) => status === 422);
    expect(await brokenFields(refused ?? Response.error())).toEqual({
      "Idempotency-Key": "was used with another body within the last 24 hours",
    });
    expect(await keys()).toHaveLength(count);
  });

  test("is known again for 24 hours and no longer", async () => {
    const [path, body] = await prepare();
    const { rawKey } = await made(path, body);
    pass(24 * HOUR_MS - 1);
    expect((await made(path, body)).rawKey).toBe(rawKey);
    pass(1);
    const late = await post(path, body);
    expect(await late.text()).not.toContain(rawKey);
    expect(late.status).toBe(count === 1 ? 201 : 409);
  });

  test("is answered by the key as it is when the answer is asked for again", async () => {
    const [path, body] = await prepare();
    const { id, rawKey } = await made(path, body);
    await manage(`${CREATE}/${id}`, { method: "DELETE" });
    expect(await made(path, body)).toMatchObject({ id, rawKey, active: false });
  });

  test("of another company is another request", async () => {
    const [path, body] = await prepare();
    const { rawKey } = await made(path, body);
    const other = await post(path, body, { company: "globex" });
    expect(other.status).toBe(count === 1 ? 201 : 404);
    expect(await other.text()).not.toContain(rawKey);
    expect(await keys()).toHaveLength(count);
  });

  test("needs the scope to write, also to hear the answer again", async () => {
    const [path, body] = await prepare();
    await made(path, body);
    await expectError(await post(path, body, { scope: "api-keys:read" }), "FORBIDDEN");
  });

  test("is answered again though its pepper is no longer that of new keys", async () => {
    const [path, body] = await prepare();
    const first = await made(path, body);
    const KEY_PEPPERS = JSON.stringify({ ...JSON.parse(env.KEY_PEPPERS), c: "p".repeat(32) });
    expect(await made(path, body, { target: appWith({ KEY_PEPPERS }) })).toEqual(first);
  });

  test("whose pepper is gone is 409 that names the key, and makes no other", async () => {
    const [path, body] = await prepare();
    const { id } = await made(path, body);
    const KEY_PEPPERS = JSON.stringify({ c: "p".repeat(32) });
    const answer = await post(path, body, { target: appWith({ KEY_PEPPERS }) });
    expect((await expectError(answer, "CONFLICT")).message).toContain(id);
    expect(await keys()).toHaveLength(count);
  });
});

test("an answer comes again though the request would be refused today", async () => {
  const body = { ...BODY, expiresAt: new Date(Date.now() + 1_000).toISOString() };
  const { rawKey } = await made(CREATE, body);
  pass(2_000);
  const target = appWith({ SCOPES: { other: "x" }, MAX_LIVE_KEYS: 1 });
  expect((await made(CREATE, body, { target })).rawKey).toBe(rawKey);
});

test("a refusal is not remembered: the same request is looked at anew", async () => {
  const { id } = await createKey();
  const target = appWith({ MAX_LIVE_KEYS: 1 });
  await expectError(await post(CREATE, BODY, { target }), "CONFLICT");
  await expectError(await post(CREATE, {}, { target }), "VALIDATION_ERROR");
  expect(await answers()).toEqual([]);
  await manage(`${CREATE}/${id}`, { method: "DELETE" });
  await made(CREATE, BODY, { target });
});

test("at the cap, 8 clients at once get the one key that there was room for", async () => {
  const target = appWith({ MAX_LIVE_KEYS: 1 });
  const all = await Promise.all(Array.from({ length: 8 }, () => post(CREATE, BODY, { target })));
  expect(all.map(({ status }) => status)).toEqual(Array(8).fill(201));
});

test("a request whose key was dropped makes another", async () => {
  const { id } = await made(CREATE, BODY);
  await env.DB.prepare("DELETE FROM api_keys").run();
  const { id: other } = await made(CREATE, BODY);
  expect(other).not.toBe(id);
  expect((await made(CREATE, BODY)).id).toBe(other);
});

test("the same Idempotency-Key on another path is another request", async () => {
  const { id } = await made(CREATE, BODY);
  const { replaces } = await made(`${CREATE}/${id}/rotate`, {});
  expect(replaces).toBe(id);
});

test("without an Idempotency-Key each request makes a key, and nothing is kept", async () => {
  await createKey();
  await createKey();
  expect(await keys()).toHaveLength(2);
  expect(await answers()).toEqual([]);
});

describe("an Idempotency-Key", () => {
  test.each(["x", "~!#$%&'()*+-./:;<=>?@[]^_`{|}", "x".repeat(255), '"a text, in quotes"'])(
    "may be %s",
    async (name) => {
      const headers = { "Idempotency-Key": name };
      expect(await made(CREATE, BODY, { headers })).toEqual(await made(CREATE, BODY, { headers }));
    },
  );

  test("means the same with quotes and without", async () => {
    const headers = { "Idempotency-Key": `"${value}"` };
    expect(await made(CREATE, BODY, { headers })).toEqual(await made(CREATE, BODY));
  });

  test.each(["", '""', "x".repeat(256), "a b", "a,b", "a, b", 'a"b', '"a', '"a", "b"', "\u00e9", "a\tb"])(
    "that is %j is 400, and no key is made",
    async (name) => {
      await expectError(await post(CREATE, BODY, { headers: { "Idempotency-Key": name } }), "BAD_REQUEST");
      expect(await keys()).toEqual([]);
    },
  );
});

describe("what is kept", () => {
  const PEPPERS = new Map(Object.entries<string>(JSON.parse(env.KEY_PEPPERS)));

  test("does not open with all the database and all the peppers, without the header's value", async () => {
    const { rawKey } = await made(CREATE, BODY);
    const [answer] = await answers();
    const { company_id, key_id, expires_at, id, fingerprint, sealed } = answer as Record<string, string>;
    const kept = { companyId: company_id, keyId: key_id, expiresAt: Number(expires_at) };
    const row = { ...kept, id, fingerprint, sealed } as Parameters<typeof request.open>[0];
    const body = new TextEncoder().encode(JSON.stringify(BODY));
    const openWith = async (value: string) =>
      (await idempotentRequest(PEPPERS, { companyId: "acme", path: CREATE, value, body })).open(row, "b");
    const request = await idempotentRequest(PEPPERS, { companyId: "acme", path: CREATE, value, body });
    expect(await openWith(value)).toBe(rawKey);

    const tables = ["sealed_answers", "api_keys", "audit_events", "key_changes", "usage_days"];
    const dump = await env.DB.batch(tables.map((table) => env.DB.prepare(`SELECT * FROM ${table}`)));
    const text = JSON.stringify(dump.map(({ results }) => results));
    expect(text).not.toContain(value);
    expect(text).not.toContain(rawKey);
    expect(text).not.toContain(btoa(rawKey));
    const held = [...text.matchAll(/"([^"]+)"/g)].map(([, held = ""]) => held);
    for (const guess of new Set([...held, ...PEPPERS.keys(), ...PEPPERS.values(), ""])) {
      expect(await openWith(guess), guess).toBeNull();
    }
  });

  test("does not open for a key that names no pepper, and is not sealed under one that is not there", async () => {
    const parts = { companyId: "acme", path: CREATE, value, body: new TextEncoder().encode("{}") };
    const request = await idempotentRequest(PEPPERS, parts);
    const key = { id: "k", rawKey: "lk_live_x" };
    const answer = await request.seal({ ...key, generation: "b" }, Date.now());
    expect(await request.open(answer, "b")).toBe(key.rawKey);
    expect(await request.open(answer, null)).toBeNull();
    await expect(request.seal({ ...key, generation: "z" }, Date.now())).rejects.toThrow("no pepper");
  });

  test("does not open with the header's value and no pepper", async () => {
    const { id } = await made(CREATE, BODY);
    const KEY_PEPPERS = JSON.stringify({ b: "p".repeat(32) });
    const answer = await post(CREATE, BODY, { target: appWith({ KEY_PEPPERS }) });
    expect((await expectError(answer, "CONFLICT")).message).toContain(id);
  });

  test.each(["expires_at = expires_at + 1", "sealed = 'x'", "sealed = ''", "sealed = '?'"])(
    "and was changed in the database does not open: %s",
    async (change) => {
      await made(CREATE, BODY);
      await env.DB.prepare(`UPDATE sealed_answers SET ${change}`).run();
      await expectError(await post(CREATE, BODY), "CONFLICT");
    },
  );

  test("and was put under another request does not open there", async () => {
    const { rawKey } = await made(CREATE, BODY);
    const other = await made(CREATE, BODY, { headers: { "Idempotency-Key": "other" } });
    await env.DB.prepare(
      `UPDATE sealed_answers SET (key_id, sealed) =
         (SELECT key_id, sealed FROM sealed_answers WHERE key_id <> ?) WHERE key_id = ?`,
    )
      .bind(other.id, other.id)
      .run();
    const answer = await post(CREATE, BODY, { headers: { "Idempotency-Key": "other" } });
    expect(JSON.stringify(await expectError(answer, "CONFLICT"))).not.toContain(rawKey);
  });

  test("is dropped once it is over, a piece at a time, by its index", async () => {
    for (const name of ["a", "b", "c"]) await made(CREATE, BODY, { headers: { "Idempotency-Key": name } });
    pass(HOUR_MS);
    await made(CREATE, BODY);
    pass(23 * HOUR_MS);
    expect(await dropAnswers(env.DB, Date.now(), 2)).toBe(2);
    expect(await dropAnswers(env.DB, Date.now(), 2)).toBe(1);
    expect(await answers()).toHaveLength(1);
    const statements = await statementsOf((db) => dropAnswers(db, 1, 10));
    expect(await Promise.all(statements.map(planOf))).toEqual([
      [
        "SEARCH sealed_answers USING INTEGER PRIMARY KEY (rowid=?)",
        "LIST SUBQUERY 1",
        "SEARCH sealed_answers USING COVERING INDEX sealed_answers_over (expires_at<?)",
      ],
    ]);
  });
});

/** One step of what clients and operators do. */
type Step =
  | { act: "create" | "rotate"; company: string; name: string; body: 0 | 1; clients: number }
  | { act: "wait"; hours: number }
  | { act: "pepper" };

const company = fc.constantFrom("acme", "globex");
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constantFrom("create" as const, "rotate" as const),
      company,
      name: fc.constantFrom("a", "b"),
      body: fc.constantFrom(0 as const, 1 as const),
      clients: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant("wait" as const), hours: fc.constantFrom(1, 12, 23) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("pepper" as const) }) },
);

const BODIES = { create: [BODY, { ...BODY, label: "Other" }], rotate: [{}, { overlapSeconds: 60 }] };

test("in whatever order things happen, a request gets its own key again, and nobody else's", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 2, maxLength: 12 }), async (all) => {
      const run = crypto.randomUUID();
      const old = { acme: await createKey(), globex: await createKey({}, { company: "globex" }) };
      const isRotated = new Set<string>();
      /** What is known of requests, as the contract has it. */
      const memory = new Map<string, { body: number; key: CreatedKey; until: number }>();
      const peppers: Record<string, string> = JSON.parse(env.KEY_PEPPERS);
      let target = appWith({});

      for (const step of all) {
        if (step.act === "wait") {
          pass(step.hours * HOUR_MS);
          continue;
        }
        if (step.act === "pepper") {
          peppers[String.fromCharCode(97 + Object.keys(peppers).length)] = crypto.randomUUID();
          target = appWith({ KEY_PEPPERS: JSON.stringify(peppers) });
          continue;
        }
        const { act, company, name, body } = step;
        const path = act === "create" ? CREATE : `${CREATE}/${old[company as "acme"].id}/rotate`;
        const options = { company, target, headers: { "Idempotency-Key": name + run } };
        const got = await Promise.all(
          Array.from({ length: step.clients }, () => post(path, BODIES[act][body], options)),
        );
        const request = JSON.stringify([company, path, name]);
        const known = memory.get(request);
        const isKnown = known !== undefined && known.until > Date.now();
        const isRefused = isKnown ? known.body !== body : act === "rotate" && isRotated.has(company);
        const status = !isRefused ? 201 : isKnown ? 422 : 409;
        expect(got.map((answer) => answer.status)).toEqual(got.map(() => status));
        if (status !== 201) continue;
        const [key, ...rest] = await Promise.all(got.map((answer) => answer.json<CreatedKey>()));
        if (key === undefined) throw new TypeError("no answer");
        for (const other of rest) expect(other).toEqual(key);
        if (isKnown) {
          expect(key).toEqual(known.key);
          continue;
        }
        for (const { key: earlier } of memory.values()) expect(key.rawKey).not.toBe(earlier.rawKey);
        memory.set(request, { body, key, until: Date.now() + 24 * HOUR_MS });
        if (act === "rotate") isRotated.add(company);
      }
    }),
    { numRuns: 30 },
  );
}, 60_000);
