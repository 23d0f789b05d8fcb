import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { companyService } from "../../src/companies/service.ts";
import { call, createKey, manage } from "../support/api.ts";
import { OPERATOR, setCompany } from "../support/companies.ts";
import { hooked } from "../support/d1.ts";
import { only } from "../support/database.ts";
import { expectError } from "../support/expect.ts";
import { BOUND_MS, isolate } from "../support/verifier.ts";

const HERE = "192.0.2.7";
const REFUSED = { valid: false, error: "KEY_SUSPENDED", message: "The company of the API key is suspended" };
const ELSEWHERE = {
  valid: false,
  error: "FORBIDDEN",
  message: "The API key may not be used from this address",
};

describe("the keys of a suspended company", () => {
  test("are refused by every isolate within the bound, those of others not, and good again within the bound", async () => {
    const [first, second] = [await createKey(), await createKey()];
    const other = await createKey({}, { company: "globex" });
    const { clock, verify } = isolate();
    const all = () => Promise.all([first, second, other].map(({ rawKey }) => verify(rawKey)));
    const good = { valid: true };
    expect(await all()).toMatchObject([good, good, good]);
    await setCompany({ suspended: true });
    clock.now += BOUND_MS;
    expect(await all()).toMatchObject([REFUSED, REFUSED, good]);
    expect(await verify(first.rawKey, { consistency: "strong" })).toEqual(REFUSED);
    await setCompany({ suspended: false });
    clock.now += BOUND_MS;
    expect(await all()).toMatchObject([good, good, good]);
  });

  test.each(["/public/v1/key", "/public/v1/verify"])("are 403 KEY_SUSPENDED at %s", async (path) => {
    const { rawKey } = await createKey();
    await setCompany({ suspended: true });
    const answer = await call(path, { headers: { "X-API-Key": rawKey } });
    expect((await expectError(answer, "KEY_SUSPENDED")).message).toBe(REFUSED.message);
  });

  test("are KEY_SUSPENDED where they are suspended or expired themselves, and KEY_REVOKED where they are revoked", async () => {
    const [own, revoked, expired] = [await createKey(), await createKey(), await createKey()];
    await manage(`/settings/api-keys/${own.id}/suspend`, { method: "POST" });
    await manage(`/settings/api-keys/${revoked.id}`, { method: "DELETE" });
    await env.DB.prepare("UPDATE api_keys SET expires_at = 1 WHERE id = ?").bind(expired.id).run();
    await setCompany({ suspended: true });
    const { verify } = isolate();
    expect(await verify(own.rawKey)).toMatchObject({ error: "KEY_SUSPENDED" });
    expect(await verify(revoked.rawKey)).toMatchObject({ error: "KEY_REVOKED" });
    expect(await verify(expired.rawKey)).toMatchObject({ error: "KEY_SUSPENDED" });
  });

  test("can still be revoked by whoever holds them, and by their company", async () => {
    const [theirs, ours] = [await createKey(), await createKey()];
    await setCompany({ suspended: true });
    const held = await call("/public/v1/key", { method: "DELETE", headers: { "X-API-Key": theirs.rawKey } });
    expect(held.status).toBe(204);
    expect((await manage(`/settings/api-keys/${ours.id}`, { method: "DELETE" })).status).toBe(204);
    await setCompany({ suspended: false });
    for (const { rawKey } of [theirs, ours])
      await expectError(await call("/public/v1/key", { headers: { "X-API-Key": rawKey } }), "KEY_REVOKED");
  });
});

describe("a company's address list", () => {
  test("and that of a key must both hold, everywhere within the bound", async () => {
    const [anywhere, listed] = [
      await createKey(),
      await createKey({ allowedIps: ["192.0.2.0/24", "2001:db8::1"] }),
    ];
    const { clock, verify } = isolate();
    const from = (clientIp?: string) =>
      Promise.all(
        [anywhere, listed].map(({ rawKey }) => verify(rawKey, clientIp === undefined ? {} : { clientIp })),
      );
    const good = { valid: true };
    expect(await from(HERE)).toMatchObject([good, good]);
    await setCompany({ allowedIps: [HERE, "198.51.100.0/24"] });
    clock.now += BOUND_MS;
    expect(await from(HERE)).toMatchObject([good, good]);
    expect(await from("198.51.100.1")).toMatchObject([good, ELSEWHERE]);
    expect(await from("192.0.2.8")).toEqual([ELSEWHERE, ELSEWHERE]);
    expect(await from("2001:db8::1")).toEqual([ELSEWHERE, ELSEWHERE]);
    expect(await from()).toEqual([ELSEWHERE, ELSEWHERE]);
    await setCompany({ allowedIps: null });
    clock.now += BOUND_MS;
    expect(await from("2001:db8::1")).toMatchObject([good, good]);
    expect(await from()).toMatchObject([good, ELSEWHERE]);
  });

  test("that cannot be read opens nothing", async () => {
    const { rawKey } = await createKey();
    await env.DB.prepare("INSERT INTO companies (id, allowed_ips) VALUES ('acme', '[1]')").run();
    expect(await isolate().verify(rawKey, { clientIp: HERE })).toEqual(ELSEWHERE);
  });
});

test("a verdict is read in one statement, whatever is set for the company", async () => {
  const { rawKey } = await createKey();
  await setCompany({ suspended: true, allowedIps: [HERE] });
  const { verify, queries } = isolate();
  expect(await verify(rawKey)).toEqual(REFUSED);
  expect(queries).toHaveLength(1);
});

test("a change of a company whose answer is lost is made once, and recorded once", async () => {
  let isLost = false;
  const loseFirst = () => {
    if (isLost) return;
    isLost = true;
    throw new Error("Network connection lost.");
  };
  const d1 = hooked(env.DB, () => {}, loseFirst);
  const changed = await companyService({ databases: only(d1), now: () => 5 }).change("acme", OPERATOR, {
    suspended: true,
    reason: "unpaid",
    maxLiveKeys: 3,
  });
  expect(changed).toMatchObject({ suspendedAt: 5, suspendedReason: "unpaid", maxLiveKeys: 3 });
  const { results } = await env.DB.prepare("SELECT action FROM audit_events").all();
  expect(results).toEqual([{ action: "suspend_company" }, { action: "update_company" }]);
});
