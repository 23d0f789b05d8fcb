import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ShownEvent } from "../../src/audit/schema.ts";
import type { ApiKey, Scope } from "../../src/keys/schema.ts";
import { createKey, manage } from "../support/api.ts";
import { OPERATOR, setCompany } from "../support/companies.ts";
import { told } from "../support/events.ts";
import { brokenFields, expectError, stored } from "../support/expect.ts";

const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();
const create = (body: Record<string, unknown> = {}, company = "acme") =>
  manage("/settings/api-keys", {
    method: "POST",
    body: { label: "x", scopes: ["jobs:read"], ...body },
    company,
  });
const rotate = (id: string, body: Record<string, unknown> = {}) =>
  manage(`/settings/api-keys/${id}/rotate`, { method: "POST", body });
const scopesOf = async (company = "acme") =>
  (await (await manage("/settings/scopes", { company })).json<Scope[]>()).map(({ scope }) => scope);
const log = async () => (await manage("/settings/events")).json<ShownEvent[]>();

describe("a suspended company", () => {
  test("makes no keys: creation and rotation are 403, and nothing is stored", async () => {
    const { id } = await createKey();
    await setCompany({ suspended: true });
    const before = await stored();
    for (const answer of [await create(), await rotate(id)])
      expect((await expectError(answer, "FORBIDDEN")).message).toBe("The company is suspended");
    expect(await stored()).toEqual(before);
    expect((await create({}, "globex")).status).toBe(201);
    await setCompany({ suspended: false });
    expect((await create()).status).toBe(201);
    expect((await rotate(id)).status).toBe(201);
  });

  test("sees its keys and changes them", async () => {
    const { id } = await createKey();
    await setCompany({ suspended: true });
    expect((await manage("/settings/api-keys")).status).toBe(200);
    const renamed = await manage(`/settings/api-keys/${id}`, { method: "PATCH", body: { label: "New" } });
    expect(await renamed.json<ApiKey>()).toMatchObject({ label: "New" });
    for (const act of ["suspend", "resume"])
      expect((await manage(`/settings/api-keys/${id}/${act}`, { method: "POST" })).status).toBe(200);
  });
});

describe("what a company may is set for it alone:", () => {
  test("the scopes of its keys, which are all that it sees of the catalogue", async () => {
    const all = await scopesOf();
    const other = all.find((scope) => scope !== "jobs:read");
    const old = await createKey({ scopes: [other] });
    await setCompany({ scopes: ["jobs:read", "retired:scope"] });
    expect(await scopesOf()).toEqual(["jobs:read"]);
    expect(await scopesOf("globex")).toEqual(all);
    expect((await create()).status).toBe(201);
    expect(await brokenFields(await create({ scopes: [other] }))).toHaveProperty("scopes");
    expect(await brokenFields(await rotate(old.id))).toHaveProperty("scopes");
    expect((await create({ scopes: [other] }, "globex")).status).toBe(201);
    await setCompany({ scopes: null });
    expect((await rotate(old.id)).status).toBe(201);
  });

  test("how long its keys may live", async () => {
    const { id } = await createKey();
    await setCompany({ maxKeyLifetimeDays: 30 });
    expect(await brokenFields(await create())).toEqual({ expiresAt: "is required" });
    const long = { expiresAt: inDays(31) };
    for (const answer of [await create(long), await rotate(id, long)])
      expect(await brokenFields(answer)).toEqual({ expiresAt: "must be at most 30 days from now" });
    expect(await brokenFields(await rotate(id))).toEqual({ expiresAt: "is required" });
    expect((await create({ expiresAt: inDays(29) })).status).toBe(201);
    expect((await create({}, "globex")).status).toBe(201);
    await setCompany({ maxKeyLifetimeDays: 0 });
    expect((await create()).status).toBe(201);
  });

  test("how many live keys it may have", async () => {
    await setCompany({ maxLiveKeys: 1 });
    const { id } = await createKey();
    const answer = await expectError(await create(), "CONFLICT");
    expect(answer.message).toBe("The company has 1 live keys already: revoke one first");
    await expectError(await rotate(id, { overlapSeconds: 60 }), "CONFLICT");
    await setCompany({ maxLiveKeys: 2 });
    expect((await create()).status).toBe(201);
  });

  test("the addresses, of which those of a key must have some, where it is made and where it is changed", async () => {
    await setCompany({ allowedIps: ["192.0.2.0/24", "2001:db8::/32"] });
    const message = { allowedIps: "must be within what the company may use: 192.0.2.0/24 2001:db8::/32" };
    const { id } = await createKey();
    for (const allowedIps of [["198.51.100.1"], ["192.0.2.1", "2001:db9::1"], ["::/96"]]) {
      expect(await brokenFields(await create({ allowedIps }))).toEqual(message);
      const patch = await manage(`/settings/api-keys/${id}`, { method: "PATCH", body: { allowedIps } });
      expect(await brokenFields(patch)).toEqual(message);
    }
    for (const allowedIps of [["192.0.2.1", "2001:db8:1::/48"], ["0.0.0.0/0", "::/0"], null])
      expect((await create({ allowedIps })).status).toBe(201);
  });

  test("and a body is still told of all that is wrong with it", async () => {
    await setCompany({ maxKeyLifetimeDays: 1, scopes: ["jobs:write"], allowedIps: ["192.0.2.1"] });
    const body = { label: " ", scopes: ["jobs:read"], allowedIps: ["192.0.2.2"] };
    expect(Object.keys(await brokenFields(await create(body))).sort()).toEqual([
      "allowedIps",
      "expiresAt",
      "label",
      "scopes",
    ]);
  });
});

describe("a change of a company", () => {
  test("is recorded with the operator's name, of whom the company sees the office alone", async () => {
    await setCompany({ suspended: true, reason: "unpaid since May" });
    await setCompany({ suspended: false });
    await setCompany({
      maxLiveKeys: 5,
      scopes: ["jobs:read", "jobs:write"],
      allowedIps: null,
      maxKeyLifetimeDays: null,
    });
    const { audit_events } = await stored();
    const row = {
      company_id: "acme",
      key_id: "",
      actor_issuer: OPERATOR.issuer,
      actor_subject: OPERATOR.subject,
      is_operator: 1,
    };
    expect(audit_events).toMatchObject([row, row, row]);
    const shown = { id: expect.any(String), keyId: null, actor: { issuer: "latchkey", subject: "operator" } };
    const at = expect.any(String);
    expect(await log()).toEqual([
      {
        ...shown,
        at,
        action: "update_company",
        detail: {
          maxLiveKeys: "5",
          scopes: "jobs:read jobs:write",
          allowedIps: "anywhere",
          maxKeyLifetimeDays: "default",
        },
      },
      { ...shown, at, action: "resume_company", detail: null },
      { ...shown, at, action: "suspend_company", detail: { reason: "unpaid since May" } },
    ]);
    expect(await (await manage("/settings/events", { company: "globex" })).json()).toEqual([]);
  });

  test("once more changes nothing, and is not recorded", async () => {
    const first = await setCompany({
      suspended: true,
      reason: "unpaid",
      maxLiveKeys: 5,
      allowedIps: ["::1"],
    });
    const before = await stored();
    const again = await setCompany({ suspended: true, reason: "other", maxLiveKeys: 5, allowedIps: ["::1"] });
    expect(again).toEqual(first);
    expect(await stored()).toEqual(before);
    await setCompany({ suspended: false }, "globex");
    await setCompany({}, "initech");
    expect(await stored()).toEqual(before);
  });

  test("is told as an event, which is of no key", async () => {
    await setCompany({ suspended: true, reason: "unpaid" });
    await setCompany({ suspended: false });
    await setCompany({ maxLiveKeys: 5 });
    const data = { companyId: "acme", key: null, actor: { issuer: "latchkey", subject: "operator" } };
    const of = { id: expect.any(String), timestamp: expect.any(String) };
    expect(await told()).toEqual([
      { ...of, type: "company.suspended", data: { ...data, detail: { reason: "unpaid" } } },
      { ...of, type: "company.resumed", data: { ...data, detail: null } },
      { ...of, type: "company.updated", data: { ...data, detail: { maxLiveKeys: "5" } } },
    ]);
  });
});

test.each([
  ["suspended_at", "'today'"],
  ["suspended_at", "-1"],
  ["max_live_keys", "'many'"],
  ["max_live_keys", "-1"],
  ["max_key_lifetime_days", "1.5"],
  ["scopes", "'jobs:read'"],
  ["allowed_ips", "'{}'"],
])("a company's %s is never %s", async (column, value) => {
  const insert = async () => {
    await env.DB.prepare(`INSERT INTO companies (id, ${column}) VALUES ('acme', ${value})`).run();
  };
  await expect(insert()).rejects.toThrow(/CHECK/);
});
