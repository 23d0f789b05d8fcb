import { env, exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { appWith, type CreatedKey, call, createKey, manage } from "../support/api.ts";
import { expectError, stored } from "../support/expect.ts";
import { BOUND_MS, isolate } from "../support/verifier.ts";

const DENIED = "The API key may not be used from this address";
const patch = (id: string, body: unknown) => manage(`/settings/api-keys/${id}`, { method: "PATCH", body });
const create = (allowedIps: unknown) =>
  manage("/settings/api-keys", { method: "POST", body: { label: "x", scopes: ["jobs:read"], allowedIps } });
const from = (address: string | undefined, rawKey: string, path = "/public/v1/key", method = "GET") =>
  call(path, {
    method,
    headers: { "X-API-Key": rawKey, ...(address !== undefined && { "CF-Connecting-IP": address }) },
  });

describe("a key is good and refused", () => {
  test.each<[string, string[], boolean]>([
    ["192.0.2.7", ["192.0.2.7"], true],
    ["192.0.2.8", ["192.0.2.7"], false],
    ["192.0.2.255", ["198.51.100.0/24", "192.0.2.0/24"], true],
    ["192.0.3.0", ["192.0.2.0/24"], false],
    ["255.255.255.255", ["0.0.0.0/0"], true],
    ["::ffff:192.0.2.7", ["192.0.2.0/24"], true],
    ["::ffff:c000:207", ["192.0.2.7"], true],
    ["192.0.2.7", ["::ffff:192.0.2.0/120"], true],
    ["192.0.2.7", ["::/0"], false],
    ["2001:db8::1", ["0.0.0.0/0"], false],
    ["2001:db8:0:0:0:0:0:1", ["2001:DB8::1"], true],
    ["2001:db8:ffff::", ["2001:db8::/32"], true],
    ["2001:db9::", ["2001:db8::/32"], false],
    ["::1", ["::/0"], true],
  ])("from %s with the list %j", async (address, allowedIps, isAllowed) => {
    const { rawKey } = await createKey({ allowedIps });
    const rpc = await exports.ApiKeyVerifier.verify(rawKey, { clientIp: address });
    const { verify } = isolate();
    const strong = await verify(rawKey, { clientIp: address, consistency: "strong" });
    const proxied = await from("203.0.113.9", rawKey, `/public/v1/verify?ip=${encodeURIComponent(address)}`);
    const answers = [await from(address, rawKey), proxied];
    for (const verdict of [rpc, strong]) {
      if (isAllowed) expect(verdict).toMatchObject({ valid: true });
      else expect(verdict).toEqual({ valid: false, error: "FORBIDDEN", message: DENIED });
    }
    for (const answer of answers) {
      if (isAllowed) expect(answer.status).toBe(200);
      else expect((await expectError(answer, "FORBIDDEN")).message).toBe(DENIED);
    }
  });
});

describe("a key with an address list", () => {
  test("is refused where the caller's address is not known", async () => {
    const { rawKey } = await createKey({ allowedIps: ["192.0.2.7", "0.0.0.0/0", "::/0"] });
    for (const address of [undefined, "", "unknown", "192.0.2.7, 192.0.2.8", "192.0.2.7:80", "192.0.2.07"])
      expect((await expectError(await from(address, rawKey), "FORBIDDEN")).message).toBe(DENIED);
    for (const clientIp of ["", "nowhere"])
      expect(await exports.ApiKeyVerifier.verify(rawKey, { clientIp })).toMatchObject({ error: "FORBIDDEN" });
    expect(await exports.ApiKeyVerifier.verify(rawKey)).toMatchObject({ error: "FORBIDDEN" });
  });

  test("is refused for a proxy that does not say where its caller is, though its own address is on the list", async () => {
    const { rawKey } = await createKey({ allowedIps: ["192.0.2.7"] });
    await expectError(await from("192.0.2.7", rawKey, "/public/v1/verify"), "FORBIDDEN");
    expect((await from("192.0.2.7", rawKey, "/public/v1/verify?ip=192.0.2.7")).status).toBe(200);
  });

  test("spends nothing of the key's limit", async () => {
    const { rawKey } = await createKey({ allowedIps: ["192.0.2.7"], scopes: ["jobs:read"] });
    const spent: string[] = [];
    const VERIFICATIONS_LIMIT = {
      limit: async ({ key }: { key: string }) => {
        spent.push(key);
        return { success: true };
      },
    };
    const target = appWith({ VERIFICATIONS_LIMIT });
    const ask = (address: string) =>
      call("/public/v1/key", { headers: { "X-API-Key": rawKey, "CF-Connecting-IP": address } }, target);
    for (let i = 0; i < 3; i++) await ask("198.51.100.1");
    expect(spent).toEqual([]);
    await ask("192.0.2.7");
    expect(spent).toHaveLength(1);
  });

  test("can be revoked by its holder from anywhere", async () => {
    const { rawKey } = await createKey({ allowedIps: ["192.0.2.7"] });
    expect((await from("198.51.100.1", rawKey, "/public/v1/key", "DELETE")).status).toBe(204);
    await expectError(await from("192.0.2.7", rawKey), "KEY_REVOKED");
  });

  test("hands it on to its successor", async () => {
    const { id } = await createKey({ allowedIps: ["192.0.2.7"] });
    const rotated = await manage(`/settings/api-keys/${id}/rotate`, { method: "POST" });
    const successor = await rotated.json<CreatedKey>();
    expect(successor.allowedIps).toEqual(["192.0.2.7"]);
    await expectError(await from("192.0.2.8", successor.rawKey), "FORBIDDEN");
  });

  test("follows a change of it in every isolate within the bound, by hand as well", async () => {
    const { id, rawKey } = await createKey({ allowedIps: ["192.0.2.7"] });
    const { clock, verify } = isolate();
    const clientIp = "192.0.2.7";
    const ask = async () => {
      clock.now += BOUND_MS;
      return verify(rawKey, { clientIp });
    };
    expect(await ask()).toMatchObject({ valid: true });
    await patch(id, { allowedIps: ["192.0.2.8"] });
    expect(await ask()).toMatchObject({ error: "FORBIDDEN" });
    await patch(id, { allowedIps: null });
    expect(await ask()).toMatchObject({ valid: true });
    await env.DB.prepare(`UPDATE api_keys SET allowed_ips = '["192.0.2.8"]'`).run();
    expect(await ask()).toMatchObject({ error: "FORBIDDEN" });
  });

  test.each(["[]", "[1]", '["anywhere"]', '["192.0.2.7/33", "192.0.2.7/"]'])(
    "that a hand has made %s may be used from nowhere",
    async (list) => {
      const { rawKey } = await createKey();
      await env.DB.prepare("UPDATE api_keys SET allowed_ips = ?").bind(list).run();
      const { verify } = isolate();
      expect(await verify(rawKey, { clientIp: "192.0.2.7" })).toMatchObject({ error: "FORBIDDEN" });
    },
  );

  test("is recorded where the list has changed, once, with what it is now", async () => {
    const { id } = await createKey();
    const lists = [null, ["192.0.2.7", "::/0"], ["192.0.2.7", "::/0"], null];
    for (const allowedIps of lists) expect((await patch(id, { allowedIps })).status).toBe(200);
    expect((await stored()).audit_events).toMatchObject([
      { action: "create" },
      { action: "update", detail: '{"allowedIps":"192.0.2.7 ::/0"}' },
      { action: "update", detail: '{"allowedIps":"anywhere"}' },
    ]);
  });
});

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["192.0.2.7/32", "192.0.2.7/32"],
  ["192.0.2.7/24", "192.0.2.0/24"],
  ["::FFFF:192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7/120", "192.0.2.0/24"],
  ["2001:0DB8:0:0::0001", "2001:db8::1"],
  ["2001:db8:1:2:3:4:5:6/32", "2001:db8::/32"],
  ["64:ff9b::192.0.2.7", "64:ff9b::c000:207"],
  ["::/0", "::/0"],
  ["::ffff:0:0/95", "::fffe:0:0/95"],
])("the entry %s is shown as %s", async (entry, shown) => {
  const key = await createKey({ allowedIps: [entry] });
  expect(key.allowedIps).toEqual([shown]);
  expect(await (await manage(`/settings/api-keys/${key.id}`)).json()).toMatchObject({ allowedIps: [shown] });
  expect(await (await patch(key.id, { allowedIps: [shown] })).json()).toMatchObject({ allowedIps: [shown] });
});

const NO_BLOCK = "must be IPv4 or IPv6 addresses, or blocks of them in CIDR notation";
test.each([
  ["192.0.2.7", "must be an array, or null"],
  [{}, "must be an array, or null"],
  [[], "must not be empty: null allows any address"],
  [[null], NO_BLOCK],
  [[1], NO_BLOCK],
  [[""], NO_BLOCK],
  [["*"], NO_BLOCK],
  [["example.com"], NO_BLOCK],
  [["192.0.2"], NO_BLOCK],
  [["192.0.2.256"], NO_BLOCK],
  [["192.0.02.7"], NO_BLOCK],
  [["0xc0.0.2.7"], NO_BLOCK],
  [["3221225991"], NO_BLOCK],
  [[" 192.0.2.7"], NO_BLOCK],
  [["192.0.2.0/33"], NO_BLOCK],
  [["192.0.2.0/024"], NO_BLOCK],
  [["192.0.2.0/255.255.255.0"], NO_BLOCK],
  [["192.0.2.0-192.0.2.9"], NO_BLOCK],
  [["192.0.2.0/24/24"], NO_BLOCK],
  [["192.0.2.0/"], NO_BLOCK],
  [["2001:db8::/129"], NO_BLOCK],
  [["2001:db8::1::2"], NO_BLOCK],
  [["2001:db8:::1"], NO_BLOCK],
  [["1:2:3:4:5:6:7:8::"], NO_BLOCK],
  [["fe80::1%eth0"], NO_BLOCK],
  [["[::1]"], NO_BLOCK],
  [["192.0.2.7", "nowhere"], NO_BLOCK],
  [Array(51).fill("192.0.2.7"), "must have at most 50 entries"],
])("allowedIps %j is refused", async (allowedIps, message) => {
  const { id } = await createKey();
  const before = await stored();
  for (const answer of [await create(allowedIps), await patch(id, { label: "New", allowedIps })]) {
    const { details } = await expectError(answer, "VALIDATION_ERROR");
    expect(details).toEqual([{ field: "allowedIps", message }]);
  }
  expect(await stored()).toEqual(before);
});

test("50 entries are kept", async () => {
  const allowedIps = Array.from({ length: 50 }, (_, i) => `2001:db8:${(i + 1).toString(16)}::/48`);
  expect((await createKey({ allowedIps })).allowedIps).toEqual(allowedIps);
});
