import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ShownCompany } from "../../src/operator/schema.ts";
import { appWith, createKey, operate } from "../support/api.ts";
import { brokenFields, expectError, stored } from "../support/expect.ts";
import { BOUND_MS, isolate } from "../support/verifier.ts";

const BODY = { suspended: true, reason: "Unpaid since May" };

const get = (id = "acme") => operate(`/operator/companies/${encodeURIComponent(id)}`);
const patch = (body: unknown, id = "acme") => operate(`/operator/companies/${id}`, { method: "PATCH", body });

describe("a company", () => {
  test("for which nothing was set has what the settings say", async () => {
    expect(await (await get("Größe & Söhne/1")).json()).toEqual({
      id: "Größe & Söhne/1",
      suspendedAt: null,
      suspendedReason: null,
      maxLiveKeys: null,
      maxKeyLifetimeDays: null,
      scopes: null,
      allowedIps: null,
      rateTier: null,
    });
    expect((await env.DB.prepare("SELECT * FROM companies").all()).results).toEqual([]);
  });

  test("is suspended and resumed, and its keys everywhere within the bound", async () => {
    const { rawKey } = await createKey();
    const { clock, verify } = isolate();
    expect(await verify(rawKey)).toMatchObject({ valid: true });
    const suspended = await (await patch(BODY)).json<ShownCompany>();
    expect(suspended).toMatchObject({ suspendedAt: expect.any(String), suspendedReason: BODY.reason });
    expect(await (await get()).json()).toEqual(suspended);
    clock.now += BOUND_MS;
    expect(await verify(rawKey)).toMatchObject({ error: "KEY_SUSPENDED" });
    expect(await (await patch({ suspended: false })).json()).toMatchObject({
      suspendedAt: null,
      suspendedReason: null,
    });
    clock.now += BOUND_MS;
    expect(await verify(rawKey)).toMatchObject({ valid: true });
    const { audit_events = [] } = await stored();
    expect(audit_events.slice(1)).toMatchObject([
      { action: "suspend_company", actor_issuer: env.OAUTH_ISSUER, actor_subject: "olga", is_operator: 1 },
      { action: "resume_company", actor_subject: "olga", is_operator: 1 },
    ]);
  });

  test("gets a policy, of which what is left out stays and null is as before", async () => {
    const allowedIps = ["192.0.2.1/24", "::FFFF:198.51.100.1"];
    const policy = {
      maxLiveKeys: 2,
      maxKeyLifetimeDays: 0,
      scopes: ["jobs:read"],
      allowedIps,
      rateTier: "free",
    };
    expect(await (await patch(policy)).json()).toMatchObject({
      ...policy,
      allowedIps: ["192.0.2.0/24", "198.51.100.1"],
    });
    expect(await (await patch({ maxLiveKeys: null, allowedIps: null, rateTier: null })).json()).toMatchObject(
      {
        maxLiveKeys: null,
        maxKeyLifetimeDays: 0,
        scopes: ["jobs:read"],
        allowedIps: null,
        rateTier: null,
      },
    );
  });

  test("cannot have a rate tier that wrangler.toml has no limit for, and is told those that it has", async () => {
    const limit = { limit: async () => ({ success: true }) };
    const ask = (settings: Record<string, unknown>) =>
      operate("/operator/companies/acme", {
        method: "PATCH",
        body: { rateTier: "gold" },
        target: appWith(settings),
      });
    const told = "must be a tier that wrangler.toml has a limit for: ";
    expect(await brokenFields(await ask({ LIMIT_PRO_PLUS: limit }))).toEqual({
      rateTier: `${told}free (LIMIT_FREE), pro_plus (LIMIT_PRO_PLUS)`,
    });
    expect(await brokenFields(await ask({ LIMIT_FREE: undefined, LIMIT_GOLD: "100" }))).toEqual({
      rateTier: `${told}it has none`,
    });
  });

  test("stays as it is with an empty body, and nothing is recorded", async () => {
    await patch({ maxLiveKeys: 2 });
    const before = await stored();
    expect(await (await patch({})).json()).toMatchObject({ maxLiveKeys: 2 });
    expect(await stored()).toEqual(before);
  });
});

test.each<[unknown, string]>([
  [{ suspended: "yes" }, "suspended"],
  [{ suspended: true, reason: 1 }, "reason"],
  [{ suspended: true, reason: "x".repeat(501) }, "reason"],
  [{ suspended: true, reason: "a\nb" }, "reason"],
  [{ reason: "x" }, "reason"],
  [{ suspended: false, reason: "x" }, "reason"],
  [{ maxLiveKeys: -1 }, "maxLiveKeys"],
  [{ maxLiveKeys: 1.5 }, "maxLiveKeys"],
  [{ maxLiveKeys: 100_001 }, "maxLiveKeys"],
  [{ maxKeyLifetimeDays: 36_501 }, "maxKeyLifetimeDays"],
  [{ scopes: ["none"] }, "scopes"],
  [{ scopes: "jobs:read" }, "scopes"],
  [{ allowedIps: [] }, "allowedIps"],
  [{ allowedIps: ["x"] }, "allowedIps"],
  [{ rateTier: "FREE" }, "rateTier"],
  [{ rateTier: "" }, "rateTier"],
  [{ rateTier: 1 }, "rateTier"],
  [{ id: "x" }, "id"],
  [[], "body"],
])("%j is 422, names %s and changes nothing", async (body, field) => {
  const before = await stored();
  expect(Object.keys(await brokenFields(await patch(body)))).toEqual([field]);
  expect(await stored()).toEqual(before);
});

test.each(["GET", "PATCH"])("%s with too long a name of a company is 400", async (method) => {
  const path = `/operator/companies/${"x ".repeat(200)}`;
  await expectError(
    await operate(path, { method, ...(method === "PATCH" && { body: BODY }) }),
    "BAD_REQUEST",
  );
});

describe("the list of companies", () => {
  const list = async (query = "") => (await operate(`/operator/companies${query}`)).json<{ id: string }[]>();
  const idsOf = async (query?: string) => (await list(query)).map(({ id }) => id);

  test("has those that ever had a key or a setting, by their ids or by their keys, with what is set for them", async () => {
    await createKey({}, { company: "globex" });
    await createKey({}, { company: "globex" });
    await createKey();
    await patch(BODY, "initech");
    expect(await list()).toMatchObject([
      { id: "acme", keys: 1, suspendedAt: null },
      { id: "globex", keys: 2, suspendedAt: null },
      { id: "initech", keys: 0, suspendedAt: expect.any(String), suspendedReason: BODY.reason },
    ]);
    expect(await idsOf("?sort=keys")).toEqual(["globex", "acme", "initech"]);
    expect(await idsOf("?q=ob")).toEqual(["globex"]);
    expect(await idsOf("?q=%25")).toEqual([]);
  });

  test.each(["", "&sort=keys", "&q=e", "&sort=keys&q=e"])(
    "comes in pages by Link: ?limit=1%s",
    async (query) => {
      for (const company of ["acme", "globex", "initech"]) await createKey({}, { company });
      const seen: string[] = [];
      let next: string | undefined = `/operator/companies?limit=1${query}`;
      while (next !== undefined) {
        const answer = await operate(next);
        seen.push(...(await answer.json<{ id: string }[]>()).map(({ id }) => id));
        next = /<(.+)>; rel="next"/.exec(answer.headers.get("Link") ?? "")?.[1];
      }
      expect(seen.sort()).toEqual(["acme", "globex", "initech"]);
    },
  );

  test.each(["limit=0", "sort=x", "cursor=x", "cursor=[1]", "cursor=[1,2,3]", `q=${"x".repeat(101)}`])(
    "with ?%s is 400",
    async (query) => {
      await expectError(await operate(`/operator/companies?${query}`), "BAD_REQUEST");
    },
  );
});
