import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { PART_EVENTS, searchLog } from "../../src/audit/log.ts";
import type { ShownEvent } from "../../src/audit/schema.ts";
import { createKey, manage } from "../support/api.ts";
import { setCompany } from "../support/companies.ts";
import { hooked } from "../support/d1.ts";
import { type Jar, pageOf, signedIn, visit, withDashboard } from "../support/dashboard.ts";
import { logged } from "../support/expect.ts";
import { insertByHand } from "../support/keys.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const LOG = "/dashboard/events";
const locationOf = (answer: Response) => answer.headers.get("Location") ?? "none";
const look = async (jar: Jar, query: Record<string, string> = {}) =>
  pageOf(await visit(`${LOG}?${new URLSearchParams(query)}`, { jar }));
const entries = (page: string) => [...page.matchAll(/<li><div>(.*?)<\/div>/gs)].map(([, text = ""]) => text);
const asText = (page: string) => entries(page).map((text) => text.replaceAll(/<[^>]*>/g, ""));
const exported = async (jar: Jar, query: Record<string, string> = {}) => {
  const answer = await visit(`${LOG}/export/json?${new URLSearchParams(query)}`, { jar });
  return answer.json<(ShownEvent & { label: string | null })[]>();
};

/** Events of the company `acme` that are older than all others, without a key. */
async function seed(count: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO audit_events (id, company_id, key_id, action, actor_issuer, actor_subject, at)
      SELECT printf('00000000-0000-4000-8000-%012d', i), 'acme', '', 'resume_company', 'x', 'seed', i FROM n`,
  )
    .bind(count)
    .run();
}

describe("the audit log", () => {
  test("tells what happened in sentences, newest first, with the label of the key and who did it", async () => {
    const { id } = await createKey({ label: "Jobs" });
    await manage(`/settings/api-keys/${id}`, { method: "PATCH", body: { label: "Careers" } });
    await manage(`/settings/api-keys/${id}`, { method: "DELETE", claims: { sub: "grace" } });
    const page = await look(await signedIn());
    expect(asText(page)).toEqual([
      "grace revoked Careers",
      "ada@acme.example renamed the key from Jobs to Careers",
      "ada@acme.example created Careers",
    ]);
    expect(page).toContain(`<a href="/dashboard/keys/${id}" dir="auto">Careers</a>`);
    expect(page).toMatch(/<time datetime="[^"]+Z" title="[^"]+ UTC">\d+ \w+ \d{4}, \d\d:\d\d<\/time>/);
  });

  test("is of the company alone, page by page", async () => {
    for (let i = 0; i < 26; i++) await createKey({ label: `Key ${i}` });
    const jar = await signedIn();
    const first = await look(jar);
    const next = /rel="next" href="([^"]*)"/.exec(first)?.[1] ?? "none";
    expect(asText(await pageOf(await visit(next, { jar })))).toEqual(["ada@acme.example created Key 0"]);
    expect(await look(await signedIn({ company: "globex" }))).toContain("Nothing has happened yet.");
  });

  test("is filtered by key: a part of its label, its prefix or its id", async () => {
    const [one, two] = [await createKey({ label: "Übersetzung" }), await createKey({ label: "Jobs" })];
    const jar = await signedIn();
    for (const key of ["übersetz", one.keyPrefix, one.id, one.id.toUpperCase()])
      expect(asText(await look(jar, { key })), key).toEqual(["ada@acme.example created Übersetzung"]);
    expect(asText(await look(jar, { key: "nothing" }))).toEqual([]);
    expect(await look(jar, { key: two.id })).toContain(`value="${two.id}"`);
    expect(await look(jar, { key: "nothing" })).toContain("No event here is like this.");
  });

  test("is filtered by what was done, by whom, and by day in the visitor's zone, all at once", async () => {
    const { id, rawKey } = await createKey({ label: "Jobs" });
    await manage(`/settings/api-keys/${id}/suspend`, { method: "POST", claims: { sub: "grace" } });
    await visit("/public/v1/key", { method: "DELETE", headers: { "X-API-Key": rawKey } });
    await setCompany({ maxLiveKeys: 5 });
    const jar = await signedIn();
    const actions = async (query: Record<string, string>) =>
      (await exported(jar, query)).map(({ action }) => action);
    expect(await actions({ action: "suspend" })).toEqual(["suspend"]);
    expect(await actions({ person: "by:grace" })).toEqual(["suspend"]);
    expect(await actions({ person: "by:operator" })).toEqual([]);
    expect(await actions({ person: "operator" })).toEqual(["update_company"]);
    expect(await actions({ person: "nobody" })).toEqual(["revoke"]);
    expect(await actions({ person: "by:ada", action: "suspend" })).toEqual([]);
    const today = new Date().toISOString().slice(0, 10);
    expect(await actions({ since: today, until: today })).toHaveLength(4);
    expect(await actions({ until: "2020-01-01" })).toEqual([]);
    expect(await actions({ since: "2999-01-01" })).toEqual([]);
  });

  test("offers the people who did something, and nobody else", async () => {
    const { id } = await createKey();
    await manage(`/settings/api-keys/${id}`, { method: "DELETE", claims: { sub: 'g"race' } });
    await createKey({}, { company: "globex", claims: { sub: "mallory" } });
    const page = await look(await signedIn());
    expect([...page.matchAll(/<option value="by:([^"]*)"/g)].map(([, subject]) => subject)).toEqual([
      "g&quot;race",
      "ada",
    ]);
  });

  test("filtered by a text that very many keys have is of some of them, and says so", async () => {
    await insertByHand(101);
    expect(await look(await signedIn(), { key: "by hand" })).toContain('<p class="notice warn">');
    expect(await look(await signedIn(), { key: "by hand 7" })).not.toContain('<p class="notice warn">');
  });

  test("is filtered by a form, which leads to an address that can be kept", async () => {
    const form = { key: " Jobs & more ", action: "create", person: "", since: "2026-01-01", until: "" };
    const answer = await visit(LOG, { jar: await signedIn(), form });
    expect({ status: answer.status, to: locationOf(answer) }).toEqual({
      status: 303,
      to: `${LOG}?key=Jobs+%26+more&action=create&since=2026-01-01`,
    });
  });

  test("filtered by a whole key leads to its id, and repeats nothing of it", async () => {
    const [own, foreign] = [await createKey(), await createKey({}, { company: "globex" })];
    const jar = await signedIn();
    const to = async (key: string) =>
      locationOf(await visit(LOG, { jar, form: { key: `X-API-Key: ${key}`, action: "" } }));
    expect(await to(own.rawKey)).toBe(`${LOG}?key=${own.id}`);
    const other = await to(foreign.rawKey);
    expect(other).not.toMatch(/lk_live_|X-API-Key/);
    expect(other).not.toContain(foreign.id);
    expect(asText(await pageOf(await visit(other, { jar })))).toEqual([]);
  });

  test.each([
    "action=nothing",
    "person=ada",
    "since=yesterday",
    "until=2026-02-30",
    "cursor=x",
    "key=a&key=b",
    `key=${"x".repeat(101)}`,
    "more=1",
  ])("asked with ?%s is 400, and so is its export", async (query) => {
    const jar = await signedIn();
    for (const path of [LOG, `${LOG}/export/csv`])
      await pageOf(await visit(`${path}?${query}`, { jar }), 400);
  });

  test("is in German for who reads German", async () => {
    await createKey({ label: "Jobs" });
    const headers = { "Accept-Language": "de" };
    const page = await pageOf(await visit(LOG, { jar: await signedIn(), headers }));
    expect(asText(page)).toEqual(["ada@acme.example hat Jobs erstellt"]);
  });
});

describe("the export", () => {
  test.each([
    ["csv", "text/csv; charset=utf-8"],
    ["json", "application/json; charset=utf-8"],
  ])(
    "as %s is a file with a name, kept nowhere else, of the events that the page shows",
    async (format, type) => {
      await createKey({ label: "Jobs" });
      await createKey({ label: "Other" });
      const answer = await visit(`${LOG}/export/${format}?key=jobs`, { jar: await signedIn() });
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        "content-type": type,
        "content-disposition": expect.stringMatching(
          /^attachment; filename="audit-log-\d{4}-\d\d-\d\d\.(csv|json)"$/,
        ),
        "cache-control": "no-store",
      });
      const text = await answer.text();
      expect(text).toContain("Jobs");
      expect(text).not.toContain("Other");
    },
  );

  test("needs the scope to read", async () => {
    const jar = await signedIn({ scope: "api-keys:write" });
    expect(await pageOf(await visit(`${LOG}/export/csv`, { jar }), 403)).toContain("api-keys:read");
  });

  test("holds the events of the company alone", async () => {
    await createKey();
    expect(await exported(await signedIn({ company: "globex" }))).toEqual([]);
  });

  test("names no person of the operator", async () => {
    await setCompany({ maxLiveKeys: 5 });
    const [event] = await exported(await signedIn());
    expect(event?.actor).toEqual({ issuer: "latchkey", subject: "operator" });
  });

  test("while the database fails is a page that says so, not a broken file", async () => {
    logged();
    const target = withDashboard({
      DB: hooked(env.DB, (sql) =>
        sql.some((one) => one.includes("audit_events"))
          ? Promise.reject(new Error("D1_ERROR: Network connection lost."))
          : undefined,
      ),
    });
    await pageOf(await visit(`${LOG}/export/csv`, { jar: await signedIn(), target }), 503);
  });

  test("of a long log is of 10,000 events, and tells where to go on; together the files are whole", async () => {
    await seed(PART_EVENTS + 5);
    const jar = await signedIn();
    let asked = 0;
    const target = withDashboard({ DB: hooked(env.DB, () => void asked++) });
    const first = await visit(`${LOG}/export/json`, { jar, target });
    const events = await first.json<ShownEvent[]>();
    expect(events).toHaveLength(PART_EVENTS);
    expect(asked).toBeLessThan(20);
    const next =
      /^<https:\/\/[^/]+(\/[^>]+)>; rel="next"$/.exec(first.headers.get("Link") ?? "")?.[1] ?? "none";
    const rest = await visit(next, { jar });
    expect(rest.headers.get("Link")).toBeNull();
    events.push(...(await rest.json<ShownEvent[]>()));
    expect(new Set(events.map(({ id }) => id)).size).toBe(PART_EVENTS + 5);
  });

  test("of few events in a long log is found part by part, also on the page", async () => {
    await createKey({ label: "Jobs" });
    await seed(PART_EVENTS + 5);
    const jar = await signedIn();
    const page = await look(jar, { person: "by:ada" });
    expect(asText(page)).toEqual([]);
    const next = /rel="next" href="([^"]*)"/.exec(page)?.[1]?.replaceAll("&amp;", "&") ?? "none";
    const second = await pageOf(await visit(next, { jar }));
    expect(asText(second)).toEqual(["ada@acme.example created Jobs"]);
    expect(second).toContain("Export from here on:");
    expect(second).not.toContain('rel="next"');
  });
});

test("each search of the log goes by an index, and sorts nothing", async () => {
  const searches = [
    {},
    { keys: [crypto.randomUUID()] },
    { action: "create" },
    { cursor: crypto.randomUUID() },
  ] as const;
  for (const search of searches) {
    const statements = await statementsOf((db) => searchLog(db, "acme", { ...search, limit: 25 }));
    for (const sql of statements) {
      const plan = (await planOf(sql)).join("\n");
      expect(plan).not.toMatch(/SCAN audit_events|TEMP B-TREE/);
      expect(plan).toMatch(/audit_events USING (COVERING )?INDEX audit_events_(newest|key)/);
    }
  }
});
