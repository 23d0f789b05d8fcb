import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { randomBase62 } from "../../src/lib/encoding.ts";
import { type CreatedKey, call, createKey, manage } from "../support/api.ts";
import { expectError, logged } from "../support/expect.ts";
import { reporter } from "../support/report.ts";
import { BOUND_MS, isolate, RETRY_MS, SPEED, WAIT_MS } from "../support/verifier.ts";

const FORGED = 100_000;

const present = (rawKey: string, method = "GET") =>
  call("/public/v1/key", { method, headers: { "X-API-Key": rawKey } });

test("a flood of well-formed forged keys reaches neither the database nor the cache", {
  timeout: 60_000,
}, async () => {
  const { rawKey } = await createKey();
  const { feed, queries, verify } = isolate();
  await verify(rawKey);
  const forged = `lk_live_${randomBase62(37, (bytes) => crypto.getRandomValues(bytes))}`;
  for (let i = 0; i < FORGED; i++) {
    const digits = i.toString(36).padStart(6, "0");
    const verdict = await verify(`${forged}${digits}b${digits}`);
    if (verdict.valid || verdict.error !== "UNAUTHORIZED") expect(verdict).toBe("UNAUTHORIZED");
  }
  expect(queries).toHaveLength(1);
  expect(feed.size).toBe(1);
  expect((await verify(rawKey)).valid).toBe(true);
});

test("while the database sleeps, no caller of a held key waits, and reads do not pile up", {
  timeout: 30_000,
}, async () => {
  const { rawKey } = await createKey();
  let asleep = false;
  const { clock, queries, verify } = isolate({
    hook: () => (asleep ? new Promise(() => {}) : undefined),
  });
  await verify(rawKey);
  asleep = true;
  queries.length = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const start = clock.now;
  while (clock.now < start + 4 * BOUND_MS) {
    clock.now += 100;
    // A pass through the event loop is no wait; a read of a sleeping database would take its deadline.
    const verdict = await Promise.race([verify(rawKey), scheduler.wait(20).then(() => "waited")]);
    expect(verdict).toMatchObject({ valid: true });
    if (clock.now % RETRY_MS < 100) await vi.advanceTimersByTimeAsync((2 * WAIT_MS) / SPEED);
  }
  expect(queries.length).toBeLessThanOrEqual((4 * BOUND_MS) / RETRY_MS);
  expect(queries.length).toBeGreaterThan(4);
});

test("columns and tables that a newer release has added change nothing for this one", async () => {
  const key = await createKey();
  await env.DB.batch([
    env.DB.prepare("ALTER TABLE api_keys ADD COLUMN later TEXT NOT NULL DEFAULT 'x'"),
    env.DB.prepare("ALTER TABLE key_changes ADD COLUMN later TEXT"),
    env.DB.prepare("ALTER TABLE audit_events ADD COLUMN later TEXT"),
    env.DB.prepare("CREATE TABLE later (id TEXT)"),
  ]);
  const newer = await createKey();
  expect((await isolate().verify(newer.rawKey)).valid).toBe(true);
  expect(
    (await manage(`/settings/api-keys/${key.id}`, { method: "PATCH", body: { label: "B" } })).status,
  ).toBe(200);
  expect((await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" })).status).toBe(204);
  expect(await isolate().verify(key.rawKey)).toMatchObject({ error: "KEY_REVOKED" });
  const list = await (await manage("/settings/api-keys")).json<object[]>();
  expect(list).toHaveLength(2);
  expect(list[0]).not.toHaveProperty("later");
});

test("where a table of management is still to come keys are verified, and management is 500", async () => {
  const { rawKey, id } = await createKey();
  await env.DB.prepare("DROP TABLE usage_days").run();
  const lines = logged();
  expect(await isolate().verify(rawKey)).toMatchObject({ valid: true, key: { id } });
  const answer = await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
  await expectError(answer, "INTERNAL_ERROR");
  expect(lines.join()).toContain("no such table: usage_days");
  expect(await isolate().verify(rawKey)).toMatchObject({ valid: true });
});

test("a revocation is seen by the management API at once", async () => {
  const key = await createKey();
  await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
  const after = await (await manage(`/settings/api-keys/${key.id}`)).json();
  expect(after).toMatchObject({ active: false, revokedAt: expect.any(String) });
});

test.each([
  ["by the management API", ({ id }: CreatedKey) => manage(`/settings/api-keys/${id}`, { method: "DELETE" })],
  ["by its holder", ({ rawKey }: CreatedKey) => present(rawKey, "DELETE")],
  [
    "by its rotation",
    ({ id }: CreatedKey) => manage(`/settings/api-keys/${id}/rotate`, { method: "POST", body: {} }),
  ],
])("the isolate that takes the end of a key %s refuses it at once", async (_, end) => {
  const key = await createKey();
  expect((await present(key.rawKey)).status).toBe(200);
  expect((await end(key)).ok).toBe(true);
  expect((await present(key.rawKey)).status).toBe(401);
});

test("the isolate that takes the end of a key by a leak report refuses it at once", async () => {
  const { rawKey } = await createKey();
  const { report, target } = await reporter();
  const ask = () => call("/public/v1/key", { headers: { "X-API-Key": rawKey } }, target);
  expect((await ask()).status).toBe(200);
  const leak = { token: rawKey, type: "latchkey_api_key", url: "https://found.example" };
  expect((await report([leak])).ok).toBe(true);
  expect((await ask()).status).toBe(401);
});

test("a clock that is set back does not make old knowledge look new", async () => {
  const key = await createKey();
  const { clock, queries, verify } = isolate();
  await verify(key.rawKey);
  await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
  clock.now -= 3_600_000;
  expect(await verify(key.rawKey)).toMatchObject({ error: "KEY_REVOKED" });
  queries.length = 0;
  for (let i = 0; i < 5; i++) await verify(key.rawKey);
  expect(queries).toEqual([]);
});

test("the log of a failed read quotes neither key nor digest", async () => {
  const { rawKey } = await createKey();
  const digest = await env.DB.prepare("SELECT digest FROM api_keys").first<string>("digest");
  const log = vi.spyOn(console, "error").mockReturnValue();
  await env.DB.prepare("DROP TABLE key_changes").run();
  const { verify } = isolate();
  expect(await verify(rawKey)).toMatchObject({ error: "UNAVAILABLE" });
  const text = JSON.stringify(log.mock.calls);
  expect(text).toContain("database_read_failed");
  expect(text).not.toContain(digest);
  expect(text).not.toContain(rawKey.slice(8));
  log.mockRestore();
});

test("the answer about a good key carries what a proxy passes on", async () => {
  const key = await createKey({ scopes: ["jobs:read", "jobs:write"] }, { company: "Größe & 50%" });
  const answer = await call("/public/v1/verify?scope=jobs:read&scope=jobs:write", {
    method: "POST",
    headers: { "X-API-Key": key.rawKey },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("X-Key-Id")).toBe(key.id);
  expect(answer.headers.get("X-Company-Id")).toBe("Gr%C3%B6%C3%9Fe%20&%2050%25");
  expect(answer.headers.get("X-Key-Scopes")).toBe("jobs:read jobs:write");
});

test("a key that is sent as the name of a scope does not come back", async () => {
  const { rawKey } = await createKey();
  const answer = await call(`/public/v1/verify?scope=${rawKey}`, { headers: { "X-API-Key": rawKey } });
  expect(answer.status).toBe(400);
  expect(await answer.text()).not.toContain(rawKey);
});

test("a proxy asks by every method, and below the path as well, and nothing changes", async () => {
  const { rawKey } = await createKey();
  for (const path of ["/public/v1/verify", "/public/v1/verify/jobs/1", "/public/v1/verify/"]) {
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      const answer = await call(path, {
        method,
        headers: { "X-API-Key": rawKey, "X-Forwarded-Method": method },
      });
      expect([path, method, answer.status]).toEqual([path, method, 200]);
    }
  }
});

test("a key describes itself by GET and is revoked by DELETE; other methods are not served", async () => {
  const { rawKey } = await createKey();
  const use = async (method: string) =>
    (await call("/public/v1/key", { method, headers: { "X-API-Key": rawKey } })).status;
  for (const method of ["POST", "PUT", "PATCH", "OPTIONS", "TRACE"]) expect(await use(method)).toBe(405);
  for (const method of ["GET", "HEAD"]) expect(await use(method)).toBe(200);
  expect(await use("DELETE")).toBe(204);
});
