import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { appWith, call, createKey, manage } from "../support/api.ts";
import { stored } from "../support/expect.ts";

const events = async () => (await stored()).audit_events ?? [];
const change = (id: string, method: string, body?: unknown) =>
  manage(`/settings/api-keys/${id}`, {
    method,
    ...(body !== undefined && { body }),
    claims: { sub: "grace", email: "grace@acme.example", name: "Grace" },
  });

test("creation, rename and revocation are each one row: who by issuer and subject, what, which key, when", async () => {
  const before = Date.now();
  const { id } = await createKey();
  await change(id, "PATCH", { label: "New" });
  await change(id, "DELETE");
  const row = (action: string, subject: string, detail: string | null = null) => ({
    seq: expect.any(Number),
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    company_id: "acme",
    key_id: id,
    action,
    actor_issuer: env.OAUTH_ISSUER,
    actor_subject: subject,
    at: expect.any(Number),
    detail,
    is_operator: 0,
  });
  expect(await events()).toEqual([
    row("create", "ada"),
    row("rename", "grace", '{"label":"New","previousLabel":"Careers page"}'),
    row("revoke", "grace"),
  ]);
  const times = (await events()).map((event) => (event as { at: number }).at);
  for (const at of times) {
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
  }
  expect(JSON.stringify(await events())).not.toMatch(/grace@|Grace/);
});

test("a revocation by the key's holder names no actor", async () => {
  const { id, rawKey } = await createKey();
  await call("/public/v1/key", { method: "DELETE", headers: { "X-API-Key": rawKey } });
  expect(await events()).toMatchObject([
    { action: "create" },
    { action: "revoke", company_id: "acme", key_id: id, actor_issuer: null, actor_subject: null },
  ]);
});

test.each<[string, (id: string) => Promise<unknown>]>([
  ["a rename to the same label", (id) => change(id, "PATCH", { label: "Careers page" })],
  ["an empty change", (id) => change(id, "PATCH", {})],
  ["a refused change", (id) => change(id, "PATCH", { label: "" })],
  [
    "a change by another company",
    (id) => manage(`/settings/api-keys/${id}`, { method: "DELETE", company: "x" }),
  ],
  [
    "a change without the scope",
    (id) => manage(`/settings/api-keys/${id}`, { method: "DELETE", scope: "x" }),
  ],
  ["a read", (id) => manage(`/settings/api-keys/${id}`)],
  [
    "a creation at the cap",
    () =>
      manage("/settings/api-keys", {
        method: "POST",
        body: { label: "x", scopes: ["jobs:read"] },
        target: appWith({ MAX_LIVE_KEYS: 1 }),
      }),
  ],
])("%s leaves no audit row", async (_, act) => {
  const { id } = await createKey();
  const before = await events();
  await act(id);
  expect(await events()).toEqual(before);
});

test("a second revocation, and a rename after it, leave no audit row", async () => {
  const { id } = await createKey();
  await change(id, "DELETE");
  const before = await events();
  await change(id, "DELETE");
  await change(id, "PATCH", { label: "New" });
  expect(await events()).toEqual(before);
});

test.each([
  "UPDATE audit_events SET actor_subject = 'eve'",
  "UPDATE audit_events SET at = 0 WHERE seq = 1",
  "DELETE FROM audit_events",
  "REPLACE INTO audit_events SELECT seq, id, company_id, key_id, action, '', 'eve', at, detail, 0 FROM audit_events",
  "REPLACE INTO audit_events SELECT seq, 'other', company_id, key_id, action, '', 'eve', at, detail, 0 FROM audit_events",
  "REPLACE INTO audit_events SELECT NULL, id, company_id, key_id, action, '', 'eve', at, detail, 0 FROM audit_events",
])("the audit log is append-only: %s is refused", async (statement) => {
  await createKey();
  const before = await events();
  const run = async () => {
    await env.DB.prepare(statement).run();
  };
  await expect(run()).rejects.toThrow(/append-only/);
  expect(await events()).toEqual(before);
});

test("no audit row holds a raw key or a digest", async () => {
  const { id, rawKey } = await createKey({ label: "Confidential" });
  await change(id, "PATCH", { label: "Confidential too" });
  const rows = JSON.stringify(await events());
  const digest = await env.DB.prepare("SELECT digest FROM api_keys").first<string>("digest");
  for (const secret of [rawKey, rawKey.slice(8, 51), digest]) expect(rows).not.toContain(secret);
});
