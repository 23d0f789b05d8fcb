import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { dismissLeak, leaksOf } from "../../src/audit/leaks.ts";
import type { ShownEvent } from "../../src/audit/schema.ts";
import { createKey, manage } from "../support/api.ts";
import { pageOf, signedIn, visit } from "../support/dashboard.ts";
import { told } from "../support/events.ts";
import { reporter } from "../support/report.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const BANNER = /<div class="notice bad"/g;
const URL = "https://git.example/a?b=<c>";

async function leaked(label = "Careers page", company = "acme") {
  const key = await createKey({ label }, { company });
  await (await reporter()).report([{ token: key.rawKey, type: "latchkey_api_key", url: URL }]);
  return key;
}
const banners = async (path: string, options: Parameters<typeof signedIn>[0] = {}) =>
  (await pageOf(await visit(path, { jar: await signedIn(options) }))).match(BANNER)?.length ?? 0;
const dismissals = async () => (await manage("/settings/events?action=dismiss")).json<ShownEvent[]>();

describe("a key that was found in public", () => {
  test("is said on the list and on its page, with where, and nowhere else", async () => {
    const { id } = await leaked();
    const other = await createKey();
    for (const path of ["/dashboard", `/dashboard/keys/${id}`]) {
      const page = await pageOf(await visit(path, { jar: await signedIn() }));
      expect(page.match(BANNER)).toHaveLength(1);
      expect(page).toContain("https://git.example/a?b=&lt;c&gt;");
      expect(page).toContain(`action="/dashboard/keys/${id}/dismiss"`);
    }
    expect(await banners(`/dashboard/keys/${other.id}`)).toBe(0);
    expect(await banners("/dashboard", { company: "globex" })).toBe(0);
  });

  test("is said until somebody dismisses it, who is in the audit log, once", async () => {
    const [first, second] = [await leaked("First"), await leaked("Second")];
    expect(await banners("/dashboard")).toBe(2);
    const jar = await signedIn();
    const path = `/dashboard/keys/${first.id}`;
    const send = () => visit(`${path}/dismiss`, { jar, form: {} });
    const answers = await Promise.all([send(), send()]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    expect(answers[0]?.headers.get("Location")).toBe(path);
    expect([await banners("/dashboard"), await banners(path)]).toEqual([1, 0]);
    expect(await banners(`/dashboard/keys/${second.id}`)).toBe(1);
    expect(await dismissals()).toMatchObject([{ keyId: first.id, actor: { subject: "ada" }, detail: null }]);
    expect((await told()).at(-1)).toMatchObject({ type: "api_key.leak_dismissed" });
    expect(await pageOf(await visit(path, { jar }))).toContain("dismissed the leak warning");
  });

  test("is said to somebody who may only read, who cannot dismiss it", async () => {
    await leaked();
    const jar = await signedIn({ scope: "api-keys:read" });
    const page = await pageOf(await visit("/dashboard", { jar }));
    expect(page.match(BANNER)).toHaveLength(1);
    expect(page).not.toContain("/dismiss");
  });
});

test("a key that was revoked otherwise is not said to be found in public, nor can that be dismissed", async () => {
  const { id } = await createKey();
  await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
  expect(await banners("/dashboard")).toBe(0);
  expect((await visit(`/dashboard/keys/${id}/dismiss`, { jar: await signedIn(), form: {} })).status).toBe(
    303,
  );
  expect(await dismissals()).toEqual([]);
});

test("of many leaks the newest ten are said, and the others once those are dismissed", async () => {
  const { report } = await reporter();
  const keys = await Promise.all(Array.from({ length: 11 }, () => createKey()));
  await report(keys.map(({ rawKey }) => ({ token: rawKey, type: "latchkey_api_key", url: URL })));
  expect(await banners("/dashboard")).toBe(10);
  const [newest] = await leaksOf(env.DB, "acme");
  await dismissLeak(env.DB, "acme", newest?.keyId ?? "", {
    id: crypto.randomUUID(),
    action: "dismiss",
    actor: null,
    at: Date.now(),
  });
  expect(await banners("/dashboard")).toBe(10);
});

test("leaks are read by an index of their own", async () => {
  const plans = async (keyId?: string) =>
    Promise.all((await statementsOf((db) => leaksOf(db, "acme", keyId))).map(planOf));
  const own = "SEARCH audit_events USING INDEX audit_events_leaked (company_id=?)";
  const steps = (await plans()).flat();
  expect(steps[0]).toBe(own);
  expect(steps.join("\n")).not.toMatch(/SCAN|TEMP B-TREE/);
  expect((await plans("k")).flat().join("\n")).not.toMatch(/SCAN|TEMP B-TREE/);
});
