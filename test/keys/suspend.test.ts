import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import type { ApiKey } from "../../src/keys/schema.ts";
import { appWith, call, createKey, manage } from "../support/api.ts";
import { expectError, stored } from "../support/expect.ts";
import { BOUND_MS, isolate } from "../support/verifier.ts";

const act = (id: string, act: "suspend" | "resume" | "rotate", options = {}) =>
  manage(`/settings/api-keys/${id}/${act}`, { method: "POST", ...options });
const suspend = (id: string, options = {}) => act(id, "suspend", options);
const resume = (id: string, options = {}) => act(id, "resume", options);
const revoke = (id: string) => manage(`/settings/api-keys/${id}`, { method: "DELETE" });
const use = (rawKey: string, path = "/public/v1/key", method = "GET") =>
  call(path, { method, headers: { "X-API-Key": rawKey } });
const listed = async (active: boolean) =>
  (await (await manage(`/settings/api-keys?active=${active}`)).json<ApiKey[]>()).map(({ id }) => id);

describe("a suspended key", () => {
  test("says since when, is not active, and is the same key once it is resumed", async () => {
    const { rawKey: _, ...key } = await createKey();
    const before = Date.now();
    const suspended = await (await suspend(key.id)).json<ApiKey>();
    expect(suspended).toEqual({ ...key, active: false, suspendedAt: expect.any(String) });
    expect(Date.parse(suspended.suspendedAt ?? "")).toBeGreaterThanOrEqual(before);
    expect(await (await manage(`/settings/api-keys/${key.id}`)).json()).toEqual(suspended);
    expect([await listed(true), await listed(false)]).toEqual([[], [key.id]]);
    expect(await (await resume(key.id)).json()).toEqual(key);
    expect([await listed(true), await listed(false)]).toEqual([[key.id], []]);
  });

  test.each(["/public/v1/key", "/public/v1/verify", "/public/v1/verify?scope=jobs:write"])(
    "is 403 KEY_SUSPENDED at %s, and good at once where it is resumed",
    async (path) => {
      const { id, rawKey } = await createKey({ scopes: ["jobs:write"] });
      expect((await use(rawKey, path)).status).toBe(200);
      await suspend(id);
      const answer = await use(rawKey, path);
      expect(answer.headers.get("WWW-Authenticate")).toBeNull();
      expect((await expectError(answer, "KEY_SUSPENDED")).message).toBe("The API key is suspended");
      await resume(id);
      expect((await use(rawKey, path)).status).toBe(200);
    },
  );

  test("is refused by every isolate within the bound, and good again within the bound", async () => {
    const { id, rawKey } = await createKey();
    const { clock, verify } = isolate();
    expect(await verify(rawKey)).toMatchObject({ valid: true });
    await suspend(id);
    clock.now += BOUND_MS;
    expect(await verify(rawKey)).toEqual({
      valid: false,
      error: "KEY_SUSPENDED",
      message: "The API key is suspended",
    });
    expect(await verify(rawKey, { consistency: "strong" })).toMatchObject({ error: "KEY_SUSPENDED" });
    await resume(id);
    clock.now += BOUND_MS;
    expect(await verify(rawKey)).toMatchObject({ valid: true });
  });

  test("by hand in SQL is refused as well", async () => {
    const { rawKey } = await createKey();
    const { clock, verify } = isolate();
    await verify(rawKey);
    await env.DB.prepare("UPDATE api_keys SET suspended_at = 1").run();
    clock.now += BOUND_MS;
    expect(await verify(rawKey)).toMatchObject({ error: "KEY_SUSPENDED" });
  });

  test("can be revoked, by its company and by its holder, and then stays dead", async () => {
    const [ours, theirs] = [await createKey(), await createKey()];
    for (const { id } of [ours, theirs]) await suspend(id);
    expect((await revoke(ours.id)).status).toBe(204);
    expect((await use(theirs.rawKey, "/public/v1/key", "DELETE")).status).toBe(204);
    for (const { id, rawKey } of [ours, theirs]) {
      const before = await stored();
      for (const answer of [await resume(id), await suspend(id)])
        expect((await expectError(answer, "CONFLICT")).message).toBe("The API key has been revoked");
      expect(await stored()).toEqual(before);
      await expectError(await use(rawKey), "KEY_REVOKED");
    }
  });

  test("is not rotated, as its successor would not be suspended", async () => {
    const { id, rawKey } = await createKey();
    await suspend(id);
    const before = await stored();
    const { message } = await expectError(await act(id, "rotate"), "CONFLICT");
    expect(message).toBe("The API key is suspended: resume it first");
    expect(await stored()).toEqual(before);
    await resume(id);
    expect((await act(id, "rotate")).status).toBe(201);
    await expectError(await use(rawKey), "TOKEN_EXPIRED");
  });

  test("in the overlap of a rotation is refused, and ends when the overlap ends", async () => {
    const { id, rawKey } = await createKey();
    await act(id, "rotate", { body: { overlapSeconds: 60 } });
    const { expiresAt } = await (await suspend(id)).json<ApiKey>();
    await expectError(await use(rawKey), "KEY_SUSPENDED");
    const resumed = await (await resume(id)).json<ApiKey>();
    expect(resumed).toMatchObject({ active: true, expiresAt });
    expect((await use(rawKey)).status).toBe(200);
  });

  test("counts among the live keys, as it can be resumed", async () => {
    const target = appWith({ MAX_LIVE_KEYS: 1 });
    await suspend((await createKey({}, { target })).id);
    const body = { label: "x", scopes: ["jobs:read"] };
    await expectError(await manage("/settings/api-keys", { method: "POST", body, target }), "CONFLICT");
  });

  test("whose pepper is missing is still told of: it can be resumed", async () => {
    await suspend((await createKey()).id);
    const target = appWith({
      KEY_PEPPERS: JSON.stringify({ c: "another pepper, of 32 characters or more" }),
    });
    vi.spyOn(console, "error").mockReturnValue();
    expect((await call("/health/ready", {}, target)).status).toBe(503);
  });
});

test("a suspension is recorded once, and so is its end", async () => {
  const { id } = await createKey();
  const claims = { sub: "grace" };
  const { suspendedAt } = await (await suspend(id, { claims })).json<ApiKey>();
  expect(await (await suspend(id)).json()).toMatchObject({ suspendedAt });
  await resume(id, { claims });
  expect((await resume(id)).status).toBe(200);
  expect((await stored()).audit_events).toMatchObject([
    { action: "create" },
    { action: "suspend", key_id: id, actor_subject: "grace", detail: null },
    { action: "resume", key_id: id, actor_subject: "grace", detail: null },
  ]);
});

test("a suspension and a revocation at once: the revocation wins for good", async () => {
  for (let i = 0; i < 5; i++) {
    const { id, rawKey } = await createKey();
    const statuses = await Promise.all([suspend(id), revoke(id), resume(id), suspend(id)]);
    for (const { status } of statuses) expect([200, 204, 409]).toContain(status);
    await expectError(await use(rawKey), "KEY_REVOKED");
  }
});
