import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ApiKey } from "../../src/keys/schema.ts";
import { createKey, manage } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { pageOf, signedIn, visit, withDashboard } from "../support/dashboard.ts";
import { logged, stored } from "../support/expect.ts";

const NOBODY = "6f1ff3f4-0000-4000-8000-000000000000";
const SEVERAL = "/dashboard/several";
const keyOf = async (id: string): Promise<ApiKey> => (await manage(`/settings/api-keys/${id}`)).json();
const asked = (act: string, ids: string[]) =>
  `${SEVERAL}?${new URLSearchParams([["act", act], ...ids.map((id) => ["key", id])])}`;

async function createKeys(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push((await createKey({ label: `Key ${i}` })).id);
  return ids;
}

describe("several keys at once", () => {
  test("are named before anything is done, with their last use", async () => {
    const ids = await createKeys(3);
    const before = await stored();
    const page = await pageOf(await visit(asked("revoke", ids.slice(0, 2)), { jar: await signedIn() }));
    expect(page).toContain("Revoke these 2 keys?");
    for (const label of ["Key 0", "Key 1"]) expect(page).toContain(`<b dir="auto">${label}</b>`);
    expect(page).not.toContain("Key 2");
    expect(page).toContain("never used");
    expect(await stored()).toEqual(before);
  });

  test("are named with when each was used last, and those that are revoked as what they are", async () => {
    const [used = "", revoked = ""] = await createKeys(2);
    await env.DB.prepare("UPDATE api_keys SET last_used_at = ? WHERE id = ?").bind(Date.now(), used).run();
    await manage(`/settings/api-keys/${revoked}`, { method: "DELETE" });
    const page = await pageOf(await visit(asked("suspend", [used, revoked]), { jar: await signedIn() }));
    expect(page).toMatch(/Key 0<\/b><small><code>[^<]*<\/code> · last used <time/);
    expect(page).toMatch(/Key 1<\/b><small><code>[^<]*<\/code> · revoked already/);
  });

  test.each([
    ["revoke", { active: false, revokedAt: expect.any(String) }],
    ["suspend", { active: false, suspendedAt: expect.any(String) }],
  ])("%s: those that were chosen and no other, each with its event", async (act, expected) => {
    const [first = "", second = "", third = ""] = await createKeys(3);
    const form = { act, key: [first, second, first] };
    const jar = await signedIn();
    const answer = await visit(SEVERAL, { jar, form });
    expect(answer.headers.get("Location")).toBe("/dashboard");
    expect(await pageOf(await visit("/dashboard", { jar }))).toMatch(/2 keys (revoked|suspended)\./);
    for (const id of [first, second]) expect(await keyOf(id)).toMatchObject(expected);
    expect((await keyOf(third)).active).toBe(true);
    const events = await (await manage("/settings/events")).json<{ action: string }[]>();
    expect(events.filter(({ action }) => action === act)).toHaveLength(2);
  });

  test("are resumed as well", async () => {
    const ids = await createKeys(2);
    const jar = await signedIn();
    for (const act of ["suspend", "resume"]) await visit(SEVERAL, { jar, form: { act, key: ids } });
    for (const id of ids) expect((await keyOf(id)).active).toBe(true);
  });

  test.each(["GET", "POST"])(
    "by %s: with another company's, all are refused as if it were not there",
    async (method) => {
      const [ours = ""] = await createKeys(1);
      const { id: theirs } = await createKey({}, { company: "globex" });
      const before = await stored();
      const jar = await signedIn();
      const ask = async (other: string) => {
        const key = [ours, other];
        const answer =
          method === "GET"
            ? await visit(asked("revoke", key), { jar })
            : await visit(SEVERAL, { jar, form: { act: "revoke", key } });
        return (await pageOf(answer, 404)).replaceAll(/nonce="[^"]*"/g, "").replaceAll(other, "");
      };
      expect(await ask(theirs)).toBe(await ask(NOBODY));
      expect(await stored()).toEqual(before);
    },
  );

  test("that cannot all be changed: those that can are, and of the others it is told why", async () => {
    const [first = "", second = ""] = await createKeys(2);
    await manage(`/settings/api-keys/${second}`, { method: "DELETE" });
    const form = { act: "suspend", key: [first, second] };
    const page = await pageOf(await visit(SEVERAL, { jar: await signedIn(), form }));
    expect(page).toContain("Not all of it was done");
    expect(page).toContain("1 key was suspended.");
    expect(page).toMatch(/Key 1<\/a><small><code>[^<]*<\/code> · it is revoked/);
    expect((await keyOf(first)).suspendedAt).not.toBeNull();
  });

  test("while the database fails for one of them: that one is told, and can be tried again", async () => {
    logged();
    const [first = "", second = ""] = await createKeys(2);
    const jar = await signedIn();
    let changes = 0;
    const target = withDashboard({
      DB: hooked(env.DB, (sql) => {
        if (sql.some((one) => one.startsWith("update")) && ++changes === 2)
          return Promise.reject(new Error("D1_ERROR: D1 DB is overloaded."));
      }),
    });
    const form = { act: "suspend", key: [first, second] };
    const page = await pageOf(await visit(SEVERAL, { jar, form, target }));
    expect(page).toContain("1 key was suspended.");
    expect(page).toContain("the database failed: try again");
    expect((await visit(SEVERAL, { jar, form })).status).toBe(303);
    for (const id of [first, second]) expect((await keyOf(id)).suspendedAt).not.toBeNull();
  });

  test("of which one is gone by then: that is told, and it is done to the other", async () => {
    const [first = "", second = ""] = await createKeys(2);
    let deletion: Promise<unknown> | undefined;
    const target = withDashboard({
      DB: hooked(env.DB, async (sql) => {
        if (sql.some((one) => one.startsWith("update")))
          deletion ??= env.DB.prepare("DELETE FROM api_keys WHERE id = ?").bind(second).run();
        await deletion;
      }),
    });
    const form = { act: "suspend", key: [first, second] };
    const page = await pageOf(await visit(SEVERAL, { jar: await signedIn(), form, target }));
    expect(page).toContain("1 key was suspended.");
    expect(page).toMatch(/Key 1<\/a><small><code>[^<]*<\/code> · it is no longer there/);
  });

  test("are none where neither an act nor a key is given: 400", async () => {
    await pageOf(await visit(SEVERAL, { jar: await signedIn() }), 400);
  });

  test.each([
    ["no key", "revoke", []],
    ["more than a page has", "revoke", Array.from({ length: 26 }, () => crypto.randomUUID())],
    ["an odd id", "revoke", ["__proto__"]],
    ["an act that is none", "delete", [NOBODY]],
    ["no act", "", [NOBODY]],
  ])("with %s are 400", async (_, act, ids) => {
    const jar = await signedIn();
    await pageOf(await visit(asked(act, ids), { jar }), 400);
    await pageOf(await visit(SEVERAL, { jar, form: { act, key: ids } }), 400);
  });
});
