import { env, exports } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, weightOf } from "../../src/verify/decide.ts";
import { appWith, type CreatedKey, call, createKey, manage } from "../support/api.ts";
import { brokenFields, expectError, stored } from "../support/expect.ts";
import { RECORD } from "../support/record.ts";
import { BOUND_MS, isolate } from "../support/verifier.ts";

const KEY = `lk_live_${"aB3".repeat(16)}zz`;
const create = (metadata: unknown) =>
  manage("/settings/api-keys", {
    method: "POST",
    body: { label: "x", scopes: ["jobs:read"], metadata },
  });
const patch = (id: string, body: unknown) => manage(`/settings/api-keys/${id}`, { method: "PATCH", body });
const verdict = async (rawKey: string) =>
  (await call("/public/v1/key", { headers: { "X-API-Key": rawKey } })).json();

describe("metadata", () => {
  test("comes with the key and with every verdict, as it was sent", async () => {
    const metadata = { team: "Кадры", constructor: "x", " ": "", "a.b": '"\n' };
    const key = await createKey({ metadata });
    expect(key.metadata).toEqual(metadata);
    expect(await (await manage(`/settings/api-keys/${key.id}`)).json()).toMatchObject({ metadata });
    expect(await verdict(key.rawKey)).toMatchObject({ metadata });
    expect(await exports.ApiKeyVerifier.verify(key.rawKey)).toMatchObject({ key: { metadata } });
    const rotated = await manage(`/settings/api-keys/${key.id}/rotate`, { method: "POST" });
    const successor = await rotated.json<CreatedKey>();
    expect(successor.metadata).toEqual(metadata);
    expect(await verdict(successor.rawKey)).toMatchObject({ metadata });
  });

  test("is replaced as a whole, and is changed by nothing else", async () => {
    const { id } = await createKey({ metadata: { a: "1", b: "2" } });
    expect(await (await patch(id, { label: "New" })).json()).toMatchObject({ metadata: { a: "1", b: "2" } });
    expect(await (await patch(id, { metadata: { c: "3" } })).json()).toMatchObject({
      label: "New",
      metadata: { c: "3" },
    });
    expect(await (await patch(id, { metadata: {} })).json()).toMatchObject({ metadata: {} });
  });

  test("that changed is in the verdicts of every isolate within the bound", async () => {
    const { id, rawKey } = await createKey({ metadata: { a: "1" } });
    const { clock, verify } = isolate();
    expect(await verify(rawKey)).toMatchObject({ key: { metadata: { a: "1" } } });
    await patch(id, { metadata: { a: "2" } });
    clock.now += BOUND_MS;
    expect(await verify(rawKey)).toMatchObject({ key: { metadata: { a: "2" } } });
    await env.DB.prepare(`UPDATE api_keys SET metadata = '{"a":"3"}'`).run();
    clock.now += BOUND_MS;
    expect(await verify(rawKey)).toMatchObject({ key: { metadata: { a: "3" } } });
  });

  test("of any text up to the limits is kept exactly", async () => {
    const { id } = await createKey();
    const text = fc.string({ unit: "grapheme", maxLength: 30 });
    const some = fc.dictionary(
      text.map((name) => `x${name}`),
      text,
      { maxKeys: 5 },
    );
    await fc.assert(
      fc.asyncProperty(some, async (metadata) => {
        const bytes = new TextEncoder().encode(JSON.stringify(metadata)).length;
        fc.pre(bytes <= 1_024);
        expect(await (await patch(id, { metadata })).json()).toMatchObject({ metadata: { ...metadata } });
      }),
      { numRuns: 30 },
    );
  });

  test.each([
    ["null", null, "must be an object of texts"],
    ["an array", ["x"], "must be an object of texts"],
    ["a text", "x", "must be an object of texts"],
    ["a number by a name", { a: 1 }, "must hold texts by name"],
    ["nested", { a: { b: "c" } }, "must hold texts by name"],
    ["of an empty name", { "": "x" }, "must not have an empty name"],
    ["no Unicode", { a: "\uD800" }, "must be well-formed Unicode"],
    [
      "of 21 entries",
      Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`n${i}`, ""])),
      "must have at most 20 entries",
    ],
    ["of 1,025 bytes", { a: "x".repeat(1_025 - 8) }, "must have at most 1024 bytes as JSON"],
    ["of 1,026 bytes, of fewer characters", { a: "é".repeat(509) }, "must have at most 1024 bytes as JSON"],
    ["a key", { a: `see ${KEY}` }, "must not hold an API key"],
    ["named by a key", { [KEY]: "x" }, "must not hold an API key"],
  ])("that is %s is refused", async (_, metadata, message) => {
    const { id } = await createKey();
    const before = await stored();
    for (const answer of [await create(metadata), await patch(id, { label: "New", metadata })]) {
      const { details, ...rest } = await expectError(answer, "VALIDATION_ERROR");
      expect(details).toEqual([{ field: "metadata", message }]);
      expect(JSON.stringify(rest)).not.toContain(KEY);
    }
    expect(await stored()).toEqual(before);
  });

  test("is refused with the name that JavaScript keeps for itself, and not dropped", async () => {
    const body = '{"label":"x","scopes":["jobs:read"],"metadata":{"__proto__":"x"}}';
    const answer = await manage("/settings/api-keys", { method: "POST", body });
    expect(await brokenFields(answer)).toEqual({ metadata: "must not use the name __proto__" });
  });

  test("of 20 entries and 1,024 bytes is kept", async () => {
    const twenty = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`n${i}`, "x"]));
    expect((await createKey({ metadata: twenty })).metadata).toEqual(twenty);
    const long = { a: "x".repeat(1_024 - 8) };
    expect((await createKey({ metadata: long })).metadata).toEqual(long);
  });

  test("is recorded where it has changed, once, with what it is now", async () => {
    const { id } = await createKey();
    for (const metadata of [{}, { a: "1" }, { a: "1" }]) await patch(id, { metadata });
    await patch(id, { label: "New", metadata: { a: "2" } });
    const { audit_events: events = [] } = await stored();
    expect(events).toMatchObject([
      { action: "create" },
      { action: "update", detail: '{"metadata":"{\\"a\\":\\"1\\"}"}' },
      { action: "rename", detail: '{"label":"New","previousLabel":"Careers page"}' },
      { action: "update", detail: '{"metadata":"{\\"a\\":\\"2\\"}"}' },
    ]);
  });

  test("of a revoked key stays as it is: 409", async () => {
    const { id } = await createKey();
    await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
    const before = await stored();
    await expectError(await patch(id, { metadata: { a: "1" } }), "CONFLICT");
    expect(await stored()).toEqual(before);
  });

  test("opens nothing", () => {
    const record = { ...RECORD, scopes: [], metadata: { scopes: "jobs:read" } };
    expect(decide(record, { scopes: ["jobs:read"] }, 0)?.error).toBe("FORBIDDEN");
    // It takes more of the memory of an isolate, and counts for more.
    expect(weightOf({ ...record, metadata: null })).toBe(1);
    expect(weightOf({ ...record, metadata: { a: "x".repeat(1_000) } })).toBeGreaterThan(8);
  });
});

test.each(["[]", '{"a":1}', "null", '"x"'])("metadata that a hand has made %s is none", async (json) => {
  const { id, rawKey } = await createKey();
  try {
    await env.DB.prepare("UPDATE api_keys SET metadata = ?").bind(json).run();
  } catch (fault) {
    expect(String(fault)).toContain("api_keys_metadata");
    return;
  }
  const answer = await manage(`/settings/api-keys/${id}`, { target: appWith({}) });
  expect(await answer.json()).toMatchObject({ metadata: {} });
  const { verify } = isolate();
  expect(await verify(rawKey)).toMatchObject({ key: { metadata: {} } });
});
