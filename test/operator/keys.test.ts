import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ShownEvent } from "../../src/audit/schema.ts";
import type { OperatedKey } from "../../src/operator/key-schema.ts";
import { createKey, manage, operate } from "../support/api.ts";
import { brokenFields, expectError, logged, stored } from "../support/expect.ts";
import { BOUND_MS, isolate } from "../support/verifier.ts";

const post = (path: string, body?: unknown) =>
  operate(`/operator/${path}`, { method: "POST", ...(body !== undefined && { body }) });
const search = (query: string) => operate(`/operator/keys?${query}`);

async function found(query: string): Promise<string[]> {
  return (await (await search(query)).json<OperatedKey[]>()).map(({ id }) => id);
}

describe("keys of all companies", () => {
  test("are found by what a log has of them, with their company and generation", async () => {
    const { rawKey: _, ...key } = await createKey();
    await createKey({}, { company: "globex" });
    const answer = await (await search(`prefix=${key.keyPrefix}`)).json();
    expect(answer).toEqual([{ ...key, companyId: "acme", generation: "b" }]);
    expect(await (await operate(`/operator/keys/${key.id}`)).json()).toEqual((answer as object[])[0]);
  });

  test("are found by company, maker, generation, end and last use, and by all of these at once", async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    const later = encodeURIComponent(new Date(Date.now() + 120_000).toISOString());
    const { id } = await createKey({ expiresAt: soon }, { company: "globex", claims: { sub: "bob" } });
    await createKey();
    for (const query of ["company=globex", "createdBy=bob", `expiresBefore=${later}`])
      expect(await found(query)).toEqual([id]);
    expect(await found("generation=b")).toHaveLength(2);
    expect(await found("generation=a")).toEqual([]);
    expect(await found(`unusedSince=${later}`)).toEqual([]);
    await env.DB.prepare("UPDATE api_keys SET last_used_at = 1 WHERE id = ?").bind(id).run();
    expect(await found(`unusedSince=${later}`)).toEqual([id]);
    const all = `prefix=lk_live_&company=globex&createdBy=bob&generation=b&expiresBefore=${later}&unusedSince=${later}`;
    expect(await found(all)).toEqual([id]);
    expect(await found(all.replace("globex", "acme"))).toEqual([]);
  });

  test("come in pages by Link, each key once", async () => {
    for (let i = 0; i < 3; i++) await createKey();
    const seen: string[] = [];
    let next: string | undefined = "/operator/keys?limit=2&company=acme";
    while (next !== undefined) {
      const answer = await operate(next);
      seen.push(...(await answer.json<OperatedKey[]>()).map(({ id }) => id));
      next = /<(.+)>; rel="next"/.exec(answer.headers.get("Link") ?? "")?.[1];
    }
    expect(new Set(seen).size).toBe(3);
  });

  test.each([
    "limit=0",
    "prefix=",
    `prefix=${"x".repeat(101)}`,
    `company=${"x".repeat(256)}`,
    "generation=ab",
    "generation=",
    "unusedSince=yesterday",
    "expiresBefore=1",
    "cursor=",
    "cursor=x",
    "cursor={}",
    "cursor=[null]",
    "cursor=[1]&company=acme",
    `cursor=${encodeURIComponent('["x","y"]')}&company=acme`,
    `cursor=[1e999]`,
    "company=a&company=b",
  ])("?%s is 400", async (query) => {
    await expectError(await search(query), "BAD_REQUEST");
  });

  test("are never asked for by the whole key in a URL", async () => {
    const lines = logged();
    const { rawKey } = await createKey();
    const answer = await search(`prefix=${rawKey}`);
    expect((await expectError(answer, "BAD_REQUEST")).message).toMatch(/POST \/operator\/keys\/identify/);
    expect(lines.join()).not.toContain(rawKey);
  });
});

describe("whose a key is", () => {
  test("is told of a live key and of a dead one, and is in no log and no row", async () => {
    const lines = logged();
    const { rawKey, ...key } = await createKey({}, { company: "globex" });
    const identify = async () => (await post("keys/identify", { key: rawKey })).json();
    expect(await identify()).toEqual({ ...key, companyId: "globex", generation: "b" });
    await post(`keys/${key.id}/revoke`);
    expect(await identify()).toMatchObject({ id: key.id, active: false });
    expect(JSON.stringify([lines, await stored()])).not.toContain(rawKey.slice(-30));
  });

  test.each([
    ["mistyped", (key: string) => `${key.slice(0, -1)}_`],
    ["cut", (key: string) => key.slice(0, -1)],
    ["a prefix", (key: string) => key.slice(0, 13)],
    ["nothing", () => ""],
    ["something else", () => "hello"],
  ])("is 404 where it is %s", async (_, change) => {
    const { rawKey } = await createKey();
    const answer = await post("keys/identify", { key: change(rawKey) });
    expect((await expectError(answer, "NOT_FOUND")).message).toBe("No such API key");
  });

  test.each([[{}], [{ key: 1 }], [{ key: null }], [{ key: "x".repeat(256) }]])(
    "is 422 of %j",
    async (body) => {
      expect(Object.keys(await brokenFields(await post("keys/identify", body)))).toEqual(["key"]);
    },
  );
});

describe("the operator", () => {
  test("revokes, suspends and resumes a key of any company, everywhere within the bound", async () => {
    const { id, rawKey } = await createKey({}, { company: "globex" });
    const { clock, verify } = isolate();
    const within = async (act: string) => {
      expect((await post(`keys/${id}/${act}`)).status).toBe(200);
      clock.now += BOUND_MS;
      return verify(rawKey);
    };
    expect(await verify(rawKey)).toMatchObject({ valid: true });
    expect(await within("suspend")).toMatchObject({ error: "KEY_SUSPENDED" });
    expect(await within("resume")).toMatchObject({ valid: true });
    expect(await within("revoke")).toMatchObject({ error: "KEY_REVOKED" });
  });

  test("is named in the operator's log, and is the operator in the company's", async () => {
    const { id } = await createKey({}, { company: "globex" });
    await post(`keys/${id}/revoke`);
    const theirs = await (
      await manage(`/settings/events?key=${id}&action=revoke`, { company: "globex" })
    ).json();
    expect(theirs).toMatchObject([{ actor: { issuer: "latchkey", subject: "operator" } }]);
    const mine = await (await operate(`/operator/events?key=${id}&action=revoke`)).json();
    expect(mine).toMatchObject([
      { companyId: "globex", isOperator: true, actor: { issuer: env.OAUTH_ISSUER, subject: "olga" } },
    ]);
  });

  test("changes nothing of a key that is revoked already, and cannot bring it back", async () => {
    const { id } = await createKey();
    const { revokedAt } = await (await post(`keys/${id}/revoke`)).json<OperatedKey>();
    const before = await stored();
    expect(await (await post(`keys/${id}/revoke`)).json()).toMatchObject({ revokedAt });
    for (const act of ["suspend", "resume"]) await expectError(await post(`keys/${id}/${act}`), "CONFLICT");
    expect(await stored()).toEqual(before);
  });

  test.each(["revoke", "suspend", "resume"])("cannot %s a key that is not there", async (act) => {
    await expectError(await post(`keys/${crypto.randomUUID()}/${act}`), "NOT_FOUND");
  });
});

describe("all keys of a company", () => {
  const revokeAll = async (body?: object) => (await post("companies/acme/revoke-all", body)).json();

  test("are counted first, and nothing changes", async () => {
    await createKey();
    await createKey();
    await createKey({}, { company: "globex" });
    const before = await stored();
    expect(await revokeAll({ dryRun: true })).toEqual({ dryRun: true, revoked: 0, left: 2 });
    expect(await stored()).toEqual(before);
  });

  test("are revoked, each with its event, those of others not; once more changes nothing", async () => {
    const keys = [await createKey(), await createKey()];
    await post(`keys/${keys[0]?.id}/suspend`);
    const other = await createKey({}, { company: "globex" });
    const { clock, verify } = isolate();
    for (const { rawKey } of [...keys, other]) await verify(rawKey);
    expect(await revokeAll()).toEqual({ dryRun: false, revoked: 2, left: 0 });
    clock.now += BOUND_MS;
    for (const { rawKey } of keys) expect(await verify(rawKey)).toMatchObject({ error: "KEY_REVOKED" });
    expect(await verify(other.rawKey)).toMatchObject({ valid: true });
    const events = await (await manage("/settings/events?action=revoke")).json<ShownEvent[]>();
    expect(events.map(({ keyId }) => keyId).sort()).toEqual(keys.map(({ id }) => id).sort());
    expect(new Set(events.map(({ id }) => id)).size).toBe(2);
    for (const { actor } of events) expect(actor).toEqual({ issuer: "latchkey", subject: "operator" });
    const before = await stored();
    expect(await revokeAll({})).toEqual({ dryRun: false, revoked: 0, left: 0 });
    expect(await stored()).toEqual(before);
  });

  test("are revoked in pieces, however many", async () => {
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
       INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at)
       SELECT 'k' || i, 'acme', 'x', 'p', 'd' || i, '["jobs:read"]', 1 FROM n`,
    ).run();
    expect(await revokeAll()).toEqual({ dryRun: false, revoked: 1_100, left: 0 });
    expect((await stored()).audit_events).toHaveLength(1_100);
  });

  test.each([{ dryRun: "yes" }, { dryRun: null }, { dryrun: true }])(
    "is 422 with %j, and changes nothing",
    async (body) => {
      await createKey();
      const before = await stored();
      await brokenFields(await post("companies/acme/revoke-all", body));
      expect(await stored()).toEqual(before);
    },
  );
});
