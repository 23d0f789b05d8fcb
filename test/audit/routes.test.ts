import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { ShownEvent } from "../../src/audit/schema.ts";
import { call, createKey, type ManageOptions, manage } from "../support/api.ts";

const change = (id: string, method: string, body?: unknown) =>
  manage(`/settings/api-keys/${id}`, { method, ...(body !== undefined && { body }) });
const log = async (query = "", options?: ManageOptions) =>
  (await manage(`/settings/events${query}`, options)).json<ShownEvent[]>();

test("the audit log tells who did what to which key and when, newest first", async () => {
  const key = await createKey();
  await change(key.id, "PATCH", { label: "New" });
  await change(key.id, "DELETE");
  const event = (action: string, detail: object | null = null) => ({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    action,
    keyId: key.id,
    actor: { issuer: expect.stringContaining("http://"), subject: "ada" },
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    detail,
  });
  expect(await log()).toEqual([
    event("revoke"),
    event("rename", { label: "New", previousLabel: "Careers page" }),
    event("create"),
  ]);
});

test("a revocation by the key's holder has no actor", async () => {
  const { rawKey } = await createKey();
  await call("/public/v1/key", { method: "DELETE", headers: { "X-API-Key": rawKey } });
  expect(await log("?action=revoke")).toMatchObject([{ action: "revoke", actor: null }]);
});

test("events are found by key and by action", async () => {
  const [one, other] = [await createKey(), await createKey()];
  await change(one.id, "DELETE");
  expect(await log(`?key=${one.id.toUpperCase()}`)).toHaveLength(2);
  expect(await log("?action=create")).toHaveLength(2);
  expect(await log(`?key=${other.id}&action=revoke`)).toEqual([]);
});

test("pages follow each other by Link, without gap or overlap", async () => {
  for (let i = 0; i < 5; i++) await createKey();
  const whole = await log();
  const seen: ShownEvent[] = [];
  let path: string | undefined = "/settings/events?limit=2&action=create";
  while (path !== undefined) {
    const answer = await manage(path);
    seen.push(...(await answer.json<ShownEvent[]>()));
    path = /^<(.+)>; rel="next"$/.exec(answer.headers.get("Link") ?? "")?.[1];
  }
  expect(seen).toEqual(whole);
});

test("another company sees nothing of it, not even by a cursor", async () => {
  await createKey();
  const [event] = await log();
  expect(await log("", { company: "globex" })).toEqual([]);
  expect(await log(`?cursor=${event?.id}`, { company: "globex" })).toEqual([]);
});

test.each([
  "limit=0",
  "limit=1001",
  "limit=x",
  "cursor=x",
  "key=x",
  "action=x",
  "action=create&action=revoke",
])("?%s is 400 and names the parameter", async (query) => {
  const answer = await manage(`/settings/events?${query}`);
  expect(answer.status).toBe(400);
  expect((await answer.json<{ message: string }>()).message).toContain(`${query.split("=")[0]}: must be`);
});

test("a page may have 1,000 events, and has 100 without limit", async () => {
  await createKey();
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
     INSERT INTO audit_events (id, company_id, key_id, action, at)
     SELECT printf('00000000-0000-4000-8000-%012d', i), 'acme', '00000000-0000-4000-8000-000000000000', 'create', i FROM n`,
  ).run();
  expect(await log()).toHaveLength(100);
  expect(await log("?limit=1000")).toHaveLength(1_000);
});
