import { env } from "cloudflare:workers";
import { dirname } from "node:path/posix";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ApiKey } from "../../src/keys/schema.ts";
import { countReports } from "../../src/usage/counting.ts";
import { createKey, manage, ORIGIN } from "../support/api.ts";
import { setCompany } from "../support/companies.ts";
import { hooked } from "../support/d1.ts";
import { type Jar, pageOf, signedIn, visit, withDashboard } from "../support/dashboard.ts";
import { expectError, logged, stored } from "../support/expect.ts";
import { insertByHand } from "../support/keys.ts";
import { reporter } from "../support/report.ts";

const NOBODY = "6f1ff3f4-0000-4000-8000-000000000000";
const FORM = { label: "Careers page", scopes: "jobs:read", expiry: "never" };
const RAW_KEY = /lk_live_[0-9A-Za-z]{50}/;
const keyOf = async (id: string): Promise<ApiKey> => (await manage(`/settings/api-keys/${id}`)).json();
const locationOf = (answer: Response) => answer.headers.get("Location") ?? "none";

interface Form {
  path: string;
  form: Record<string, string>;
}

/** Every form that changes something. `:id` stands for the id of a key. */
const forms: Form[] = [
  { path: "/dashboard/keys", form: FORM },
  { path: "/dashboard/keys/:id/rename", form: { label: "Another label" } },
  { path: "/dashboard/keys/:id/rotate", form: { overlapSeconds: "3600" } },
  { path: "/dashboard/keys/:id/suspend", form: {} },
  { path: "/dashboard/keys/:id/resume", form: {} },
  { path: "/dashboard/keys/:id/revoke", form: {} },
  { path: "/dashboard/keys/:id/dismiss", form: {} },
  { path: "/dashboard/several", form: { act: "revoke", key: ":id" } },
];
const pages = [
  "/dashboard",
  "/dashboard/events",
  "/dashboard/keys/new",
  "/dashboard/keys/:id",
  "/dashboard/keys/:id/revoke",
  "/dashboard/keys/:id/created",
];
const ofOneKey = [...pages, ...forms.map(({ path }) => path)].filter((path) => path.includes(":id"));

describe.each(forms)("a form sent to $path", ({ path, form }) => {
  test.each([
    ["another site", { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }],
    ["a sibling of this site", { Origin: "https://evil.latchkey.example", "Sec-Fetch-Site": "same-site" }],
    ["a page without an origin", { Origin: "null", "Sec-Fetch-Site": "cross-site" }],
    ["something that says nothing of itself", { Origin: "", "Sec-Fetch-Site": "" }],
  ])("by %s is refused and changes nothing", async (_, headers) => {
    const key = await createKey();
    const before = await stored();
    const answer = await visit(path.replace(":id", key.id), { jar: await signedIn(), form, headers });
    expect(await pageOf(answer, 403)).toContain("The form was sent by another site");
    expect(await stored()).toEqual(before);
  });

  test("by somebody who may only read is 403, names the scope and changes nothing", async () => {
    const key = await createKey();
    const before = await stored();
    const jar = await signedIn({ scope: "api-keys:read" });
    const answer = await visit(path.replace(":id", key.id), { jar, form });
    expect(await pageOf(answer, 403)).toContain("Missing scope: api-keys:write");
    expect(await stored()).toEqual(before);
  });

  test("by somebody whose session has ended changes nothing, and leads back to its page", async () => {
    const key = await createKey();
    const before = await stored();
    const sentTo = path.replace(":id", key.id);
    const answer = await visit(sentTo, { form });
    const to = path === "/dashboard/keys" ? "/dashboard/keys/new" : dirname(sentTo);
    expect(locationOf(answer)).toBe(`/dashboard/sign-in?${new URLSearchParams({ to })}`);
    expect(await stored()).toEqual(before);
  });

  test("as JSON is 415, larger than 16 KiB 413, and no form 400; none changes anything", async () => {
    const key = await createKey();
    const before = await stored();
    const jar = await signedIn();
    const target = withDashboard();
    const send = (body: string, type: string) =>
      target(
        new Request(ORIGIN + path.replace(":id", key.id), {
          method: "POST",
          headers: { Cookie: jar.header, Origin: ORIGIN, "Content-Type": type },
          body,
        }),
      );
    await expectError(
      await send("x".repeat(17 * 1024), "application/x-www-form-urlencoded"),
      "PAYLOAD_TOO_LARGE",
    );
    if (Object.keys(form).length === 0) return;
    await expectError(await send(JSON.stringify(form), "application/json"), "UNSUPPORTED_MEDIA_TYPE");
    await expectError(await send("nothing", "multipart/form-data; boundary=x"), "BAD_REQUEST");
    expect(await stored()).toEqual(before);
  });
});

describe.each(ofOneKey.filter((path) => !path.endsWith("/created")))("%s", (path) => {
  const form = forms.find((one) => one.path === path)?.form;

  test.each(form === undefined ? ["GET"] : ["POST"])(
    "by %s, of another company's key is the page of a key that is not there, and changes nothing",
    async () => {
      const key = await createKey();
      const before = await stored();
      const jar = await signedIn({ company: "globex" });
      const ask = async (id: string) => {
        const answer = await visit(path.replace(":id", id), { jar, ...(form && { form }) });
        const text = await pageOf(answer, 404);
        return text.replaceAll(/nonce="[^"]*"/g, "").replaceAll(id, "");
      };
      expect(await ask(key.id)).toBe(await ask(NOBODY));
      expect(await stored()).toEqual(before);
    },
  );

  test("of an odd id is 400", async () => {
    for (const id of ["1", "%00", "__proto__", "x".repeat(2_000)]) {
      const answer = await visit(path.replace(":id", id), { jar: await signedIn(), ...(form && { form }) });
      await pageOf(answer, 400);
    }
  });
});

describe.each(pages.filter((path) => !path.endsWith("/new") && !path.endsWith("/created")))("%s", (path) => {
  test("without the scope to read is 403", async () => {
    const key = await createKey();
    const jar = await signedIn({ scope: "api-keys:write" });
    const answer = await visit(path.replace(":id", key.id), { jar });
    expect(await pageOf(answer, 403)).toContain("Missing scope: api-keys:read");
  });

  test("while the database fails is a page that says so", async () => {
    logged();
    const key = await createKey();
    const target = withDashboard({
      DB: hooked(env.DB, () => Promise.reject(new Error("D1_ERROR: Network connection lost."))),
    });
    const answer = await visit(path.replace(":id", key.id), { jar: await signedIn(), target });
    const page = await pageOf(answer, 503);
    expect(page).toContain("Nothing was changed");
    expect(page).not.toContain("D1_ERROR");
  });
});

test("whatever a label holds, it is text in every page", async () => {
  const jar = await signedIn();
  const target = withDashboard();
  const odd = fc.constantFrom("<", ">", "&", '"', "'", "`", "/script", "é", "🔑", "=", " ");
  const { id } = await createKey();
  await fc.assert(
    fc.asyncProperty(fc.array(odd, { minLength: 1, maxLength: 30 }), async (parts) => {
      const label = `x${parts.join("")}`;
      await manage(`/settings/api-keys/${id}`, { method: "PATCH", body: { label } });
      for (const path of [
        "/dashboard",
        `/dashboard/keys/${id}`,
        `/dashboard/keys/${id}/revoke`,
        "/dashboard/events",
      ]) {
        const texts: string[] = [];
        const page = await visit(path, { jar, target });
        await new HTMLRewriter()
          .on("main *", { text: (chunk) => void texts.push(chunk.text) })
          .transform(page)
          .text();
        const shown = texts
          .join("")
          .replaceAll(/&(lt|gt|amp|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity);
        expect(shown, path).toContain(label);
      }
    }),
    { numRuns: 10 },
  );
}, 20_000);

const ENTITIES: Record<string, string> = {
  "&lt;": "<",
  "&gt;": ">",
  "&amp;": "&",
  "&quot;": '"',
  "&#39;": "'",
};

describe("the list", () => {
  const list = async (jar: Jar, query = "") => pageOf(await visit(`/dashboard${query}`, { jar }));
  const labels = (page: string) =>
    [...page.matchAll(/<a href="\/dashboard\/keys\/[0-9a-f-]{36}" dir="auto">([^<]*)</g)].map(
      ([, label]) => label,
    );
  const linkTo = (page: string, rel: string) =>
    new RegExp(`rel="${rel}"[^>]* href="/dashboard([^"]*)"`).exec(page)?.[1]?.replaceAll("&amp;", "&");

  test("without keys says what a key is for and how to make one", async () => {
    const page = await list(await signedIn());
    expect(page).toContain("No keys yet");
    expect(page).toContain('<a class="button" href="/dashboard/keys/new">Create key</a>');
    expect(page).toContain(`curl ${ORIGIN}/public/v1/key -H &quot;X-API-Key: $API_KEY&quot;`);
  });

  test("without keys tells somebody who may only read whom to ask", async () => {
    const page = await list(await signedIn({ scope: "api-keys:read" }));
    expect(page).toContain("Ask somebody who may write keys to create one.");
    expect(page).not.toContain("/dashboard/keys/new");
  });

  test("of a key that ends soon tells when", async () => {
    await createKey({ expiresAt: new Date(Date.now() + 2 * 86_400_000 + 60_000).toISOString() });
    const page = await list(await signedIn());
    expect(page).toContain('<span class="tag expiring">');
    expect(page).toMatch(/<td data-name="Expires"><time [^>]*>in 2 days<\/time>/);
  });

  test("for somebody who may only read offers nothing to change", async () => {
    const { id } = await createKey();
    const jar = await signedIn({ scope: "api-keys:read" });
    expect(await list(jar)).not.toContain("/dashboard/keys/new");
    expect(await pageOf(await visit(`/dashboard/keys/${id}`, { jar }))).not.toMatch(
      /<form method="post" action="\/dashboard\/keys/,
    );
    await pageOf(await visit(`/dashboard/keys/${id}/revoke`, { jar }), 403);
    await pageOf(await visit("/dashboard/keys/new", { jar }), 403);
  });

  test("tells of each key what it is, who made it, how it is used, and its state", async () => {
    const key = await createKey({ label: "Careers page", scopes: ["jobs:read", "jobs:write"] });
    const at = Date.now();
    const day = new Date(at).toISOString().slice(0, 10);
    const use = {
      keyId: key.id,
      companyId: "acme",
      allowed: 1_042,
      denied: 3,
      denials: [1, 0, 0, 2, 0, 0],
      lastUsedAt: at - 180_000,
    };
    await countReports(env.DB, [{ id: "r", database: "00", day, keys: [use] }], Date.now());
    const page = await list(await signedIn());
    expect(page).toContain(`<code>${key.keyPrefix}…</code>`);
    expect(page).toContain("jobs:read, jobs:write");
    expect(page).toContain("by ada");
    expect(page).toContain(">3 minutes ago</time>");
    expect(page).toContain('aria-label="1,042 accepted, 3 refused in 30 days"');
    expect(page).toContain('<span class="tag active">Active</span>');
    expect(page).not.toContain(key.rawKey);
  });

  test("searches by label or prefix among the keys of a state, each with how many there are", async () => {
    const jar = await signedIn();
    const one = await createKey({ label: "One" });
    await createKey({ label: "Two" });
    await manage(`/settings/api-keys/${one.id}`, { method: "DELETE" });
    expect(labels(await list(jar, "?q=&state="))).toEqual(["Two", "One"]);
    expect(labels(await list(jar, "?q=two"))).toEqual(["Two"]);
    expect(labels(await list(jar, `?q=${one.keyPrefix}`))).toEqual(["One"]);
    expect(labels(await list(jar, "?state=active"))).toEqual(["Two"]);
    const ended = await list(jar, "?state=ended");
    expect(labels(ended)).toEqual(["One"]);
    expect(tabs(ended)).toEqual([
      "/dashboard: All 2",
      "/dashboard?state=active: Active 1",
      "/dashboard?state=expiring: Expiring 0",
      "/dashboard?state=unused: Unused 0",
      "/dashboard?state=suspended: Suspended 0",
      "/dashboard?state=ended: Ended 1",
    ]);
    expect(ended).toContain('href="/dashboard?state=ended" aria-current="page"');
    const none = await list(jar, "?q=two&state=ended");
    expect(none).toContain("No key is like this");
    expect(tabs(none)[1]).toBe("/dashboard?q=two&amp;state=active: Active 1");
  });

  const tabs = (page: string) =>
    [...page.matchAll(/<a href="([^"]*)"[^>]*>(\w+) <span class="count">(\d+)<\/span>/g)].map(
      ([, path, name, count]) => `${path}: ${name} ${count}`,
    );

  test("of keys that nobody used says since when, and offers longer times", async () => {
    await createKey({ label: "Old" });
    await env.DB.exec(`UPDATE api_keys SET created_at = created_at - ${100 * 86_400_000}`);
    const jar = await signedIn();
    const page = await list(jar, "?state=unused&days=90");
    expect(labels(page)).toEqual(["Old"]);
    expect(page).toContain('<a href="/dashboard?state=unused&amp;days=90" aria-current="true">90 days</a>');
    expect(page).toContain('<a href="/dashboard?state=unused&amp;days=180">180 days</a>');
    expect(labels(await list(jar, "?state=unused&days=180"))).toEqual([]);
  });

  test("of keys that end soon says how soon that is", async () => {
    await createKey({ label: "Soon", expiresAt: new Date(Date.now() + 86_400_000).toISOString() });
    await createKey({ label: "Later" });
    const page = await list(await signedIn(), "?state=expiring");
    expect(labels(page)).toEqual(["Soon"]);
    expect(page).toContain('<p class="about">They work, and end within 7 days.</p>');
  });

  test("of more keys than are counted says at each number that there may be more", async () => {
    await insertByHand(2_001);
    const page = await list(await signedIn());
    const counts = [...page.matchAll(/<span class="count">([^<]*)<\/span>/g)].map(([, count]) => count);
    expect([counts[0], counts[2]]).toEqual(["2,001+", "0"]);
  });

  test("of a key with many scopes names two, and says how many more there are", async () => {
    const target = withDashboard({ SCOPES: { "a:x": "A", "b:x": "B", "c:x": "C", "d:x": "D" } });
    await createKey({ scopes: ["a:x", "b:x", "c:x", "d:x"] }, { target });
    expect(await list(await signedIn())).toContain('<small title="a:x, b:x, c:x, d:x">a:x, b:x +2</small>');
  });

  test("is sorted by what heads a column, and the other way round by the same link", async () => {
    for (const label of ["b", "a", "C"]) await createKey({ label });
    const jar = await signedIn();
    const heads = (page: string) => page.slice(page.indexOf("<thead>"), page.indexOf("</thead>"));
    const first = await list(jar);
    expect(labels(first)).toEqual(["C", "a", "b"]);
    expect(heads(first)).toContain(
      '<th scope="col" aria-sort="descending"><a href="/dashboard?order=asc">Created',
    );
    expect(heads(first)).toContain('<a href="/dashboard?sort=label">Key');
    const sorted = await list(jar, "?sort=label");
    expect(labels(sorted)).toEqual(["a", "b", "C"]);
    expect(heads(sorted)).toContain(
      'aria-sort="ascending"><a href="/dashboard?sort=label&amp;order=desc">Key',
    );
    const reversed = await list(jar, "?sort=label&order=desc");
    expect(labels(reversed)).toEqual(["C", "b", "a"]);
    expect(heads(reversed)).toContain('<a href="/dashboard?sort=label">Key');
  });

  test.each([
    "?state=maybe",
    "?sort=id",
    "?order=up",
    "?days=1",
    "?after=x",
    "?before=x",
    "?active=true",
    "?state=active&state=ended",
    `?q=${"x".repeat(101)}`,
  ])("asked with %s is 400", async (query) => {
    await pageOf(await visit(`/dashboard${query}`, { jar: await signedIn() }), 400);
  });

  const search = (q: string, jar: Jar, more: Record<string, string> = {}) =>
    visit("/dashboard/search", { jar, form: { q, ...more } });

  test("is searched by a form, which leads to an address that can be kept", async () => {
    const jar = await signedIn();
    const answer = await search(" Übersetzung & mehr ", jar, { state: "active", sort: "label" });
    expect({ status: answer.status, to: locationOf(answer) }).toEqual({
      status: 303,
      to: "/dashboard?q=%C3%9Cbersetzung+%26+mehr&state=active&sort=label",
    });
    expect(locationOf(await search("x", jar, { state: "maybe", sort: "//evil.example" }))).toBe(
      "/dashboard?q=x",
    );
  });

  test.each([
    ["by itself", (rawKey: string) => ` ${rawKey}\n`],
    ["in a header", (rawKey: string) => `X-API-Key: ${rawKey}`],
    ["in a command", (rawKey: string) => `curl -H "X-API-Key: ${rawKey}" https://api.example`],
  ])("searched for a whole key, %s, leads to its page, also where it is dead", async (_, pasted) => {
    const { id, rawKey } = await createKey();
    const jar = await signedIn();
    for (const isDead of [false, true]) {
      if (isDead) await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
      const answer = await search(pasted(rawKey), jar);
      expect(locationOf(answer)).toBe(`/dashboard/keys/${id}`);
      expect(JSON.stringify([...answer.headers])).not.toContain(rawKey);
    }
  });

  test("searched for another company's key, or for a part of one, finds nothing and repeats nothing of it", async () => {
    const lines = logged();
    const { rawKey } = await createKey({}, { company: "globex" });
    const jar = await signedIn();
    for (const pasted of [rawKey, rawKey.slice(0, 40), `${rawKey}x`]) {
      const answer = await search(pasted, jar);
      expect(answer.headers.get("Location")).toBeNull();
      const page = await pageOf(answer, 404);
      expect(page).toContain("No key of your company is this one");
      expect(page).not.toContain(rawKey.slice(0, 20));
    }
    expect(lines.join()).not.toContain(rawKey.slice(0, 20));
  });

  test("searched by somebody who may not read is 403", async () => {
    await pageOf(await search("x", await signedIn({ scope: "api-keys:write" })), 403);
  });

  test("of many keys goes on and back, page by page, each key once", async () => {
    for (let i = 0; i < 27; i++) await createKey({ label: `Key ${i}` });
    const jar = await signedIn();
    const first = await list(jar, "?q=key");
    const second = await list(jar, linkTo(first, "next"));
    expect(labels(first)).toHaveLength(25);
    expect([...labels(first), ...labels(second)]).toEqual(
      Array.from({ length: 27 }, (_, i) => `Key ${26 - i}`),
    );
    expect([linkTo(first, "prev"), linkTo(second, "next")]).toEqual([undefined, undefined]);
    expect(labels(await list(jar, linkTo(second, "prev")))).toEqual(labels(first));
  });

  test("costs six round trips of the database, however many keys it holds", async () => {
    for (let i = 0; i < 5; i++) await createKey();
    let asked = 0;
    const target = withDashboard({
      DB: hooked(env.DB, () => void asked++),
    });
    await pageOf(await visit("/dashboard", { jar: await signedIn(), target }));
    expect(asked).toBe(6);
  });
});

describe("creating a key", () => {
  test("shows the key once, and never again: not on reload, not by its page, not to another id", async () => {
    const jar = await signedIn();
    const created = locationOf(await visit("/dashboard/keys", { jar, form: FORM }));
    const id = /^\/dashboard\/keys\/([0-9a-f-]{36})\/created$/.exec(created)?.[1] ?? "none";
    const page = await pageOf(await visit(created, { jar }));
    const rawKey = RAW_KEY.exec(page)?.[0] ?? "none";
    expect(page).toContain(`curl ${ORIGIN}/public/v1/key -H &quot;X-API-Key: ${rawKey}&quot;`);
    expect((await visit("/public/v1/key", { headers: { "X-API-Key": rawKey } })).status).toBe(200);
    for (const path of [created, `/dashboard/keys/${id}`, "/dashboard", "/dashboard/events"]) {
      expect(await pageOf(await visit(path, { jar }))).not.toContain(rawKey);
    }
    expect(await pageOf(await visit(created, { jar }))).toContain("The key cannot be shown again");
  });

  test("shows the key once also to whoever has copied the cookies", async () => {
    const jar = await signedIn();
    const created = locationOf(await visit("/dashboard/keys", { jar, form: FORM }));
    const headers = { Cookie: jar.header };
    const pages = await Promise.all([1, 2, 3].map(async () => pageOf(await visit(created, { headers }))));
    expect(pages.filter((page) => RAW_KEY.test(page))).toHaveLength(1);
  });

  test.each([
    ["another person of the company", { claims: { sub: "grace" } }],
    ["the same person in another company", { company: "globex" }],
  ])("does not show the key to %s", async (_, options) => {
    const [jar, other] = [await signedIn(), await signedIn(options)];
    const created = locationOf(await visit("/dashboard/keys", { jar, form: FORM }));
    for (const [name, value] of jar.cookies) {
      if (name.includes("reveal")) other.cookies.set(name, value);
    }
    expect(await pageOf(await visit(created, { jar: other }))).not.toMatch(RAW_KEY);
    expect(await pageOf(await visit(created, { jar }))).toMatch(RAW_KEY);
  });

  test("of two at once shows both keys", async () => {
    const jar = await signedIn();
    const answers = [
      await visit("/dashboard/keys", { jar, form: FORM }),
      await visit("/dashboard/keys", { jar, form: FORM }),
    ];
    const keys = [];
    for (const answer of answers)
      keys.push(RAW_KEY.exec(await pageOf(await visit(locationOf(answer), { jar })))?.[0]);
    expect(new Set(keys).size).toBe(2);
    expect(keys).not.toContain(undefined);
  });

  test("by a form that is sent again makes no other key, and shows it once", async () => {
    const jar = await signedIn();
    const field = /name="request" value="([^"]+)"/;
    const [request = "", next] = await Promise.all(
      [1, 2].map(async () => field.exec(await pageOf(await visit("/dashboard/keys/new", { jar })))?.[1]),
    );
    expect(next).not.toBe(request);
    const form = { ...FORM, expiry: "90", request };
    const lost = await visit("/dashboard/keys", { headers: { Cookie: jar.header }, form });
    const sent = await Promise.all([1, 2].map(() => visit("/dashboard/keys", { jar, form })));
    expect(new Set([lost, ...sent].map(locationOf)).size).toBe(1);
    expect(await pageOf(await visit(locationOf(lost), { jar }))).toMatch(RAW_KEY);
    const again = locationOf(await visit("/dashboard/keys", { jar, form }));
    expect(again).toBe(locationOf(lost));
    expect(await pageOf(await visit(again, { jar }))).not.toMatch(RAW_KEY);
    expect((await stored()).api_keys).toHaveLength(1);
    expect(JSON.stringify(await stored())).not.toContain(request);
  });

  test("by a form that was changed before it was sent again makes another key", async () => {
    const jar = await signedIn();
    const form = { ...FORM, request: crypto.randomUUID() };
    const first = locationOf(await visit("/dashboard/keys", { jar, form }));
    const other = locationOf(await visit("/dashboard/keys", { jar, form: { ...form, label: "Other" } }));
    expect(other).not.toBe(first);
    expect((await stored()).api_keys).toHaveLength(2);
  });

  test("does not show one key on the page of another", async () => {
    const jar = await signedIn();
    const other = await createKey();
    await visit("/dashboard/keys", { jar, form: FORM });
    const page = await pageOf(await visit(`/dashboard/keys/${other.id}/created`, { jar }));
    expect(page).not.toMatch(RAW_KEY);
  });

  test("is recorded with who did it, as by the API", async () => {
    await visit("/dashboard/keys", { jar: await signedIn(), form: FORM });
    const events = await (await manage("/settings/events")).json();
    expect(events).toMatchObject([{ action: "create", actor: { issuer: env.OAUTH_ISSUER, subject: "ada" } }]);
  });

  test("takes a number of days, no end, or the end of a day", async () => {
    const jar = await signedIn();
    const expiries = [{ expiry: "30" }, { expiry: "never" }, { expiry: "date", date: "2999-12-31" }];
    for (const fields of expiries) await visit("/dashboard/keys", { jar, form: { ...FORM, ...fields } });
    const keys = await (await manage("/settings/api-keys")).json<ApiKey[]>();
    const [date, never, days] = keys.map(({ expiresAt }) => expiresAt);
    expect({ date, never }).toEqual({ date: "2999-12-31T23:59:59.000Z", never: null });
    expect(Date.parse(days ?? "") - Date.now()).toBeGreaterThan(29.9 * 86_400_000);
  });

  test("with faults says at each field what is wrong, keeps what was typed, and creates nothing", async () => {
    const form = { label: '"><script>', scopes: [], expiry: "date", date: "2020-01-01" };
    const page = await pageOf(await visit("/dashboard/keys", { jar: await signedIn(), form }), 422);
    expect(page).toContain(
      '<small class="fault" id="scopes-fault">Scopes must not be empty: choose at least one</small>',
    );
    expect(page).toContain(
      '<small class="fault" id="expiresAt-fault">Expiry must be in the future: choose a later time</small>',
    );
    expect(page).toContain('value="&quot;&gt;&lt;script&gt;"');
    expect(await (await manage("/settings/api-keys")).json()).toEqual([]);
  });

  test("with a blank label or a scope that is none is refused", async () => {
    const form = { label: " ", scopes: ["jobs:read", "admin"], expiry: "never" };
    const page = await pageOf(await visit("/dashboard/keys", { jar: await signedIn(), form }), 422);
    expect(page).toContain(
      '<small class="fault" id="label-fault">Label must not be blank: write something in it</small>',
    );
    expect(page).toContain('id="scopes-fault"');
  });

  test("at the company's cap says what to do", async () => {
    await createKey();
    const target = withDashboard({ MAX_LIVE_KEYS: 1 });
    const page = await pageOf(
      await visit("/dashboard/keys", { jar: await signedIn(), form: FORM, target }),
      409,
    );
    expect(page).toContain("live keys already: revoke one first");
  });

  test("where keys must end offers no key without an end, nor one that ends too late", async () => {
    const target = withDashboard({ MAX_KEY_LIFETIME_DAYS: 90 });
    const jar = await signedIn();
    const page = await pageOf(await visit("/dashboard/keys/new", { jar, target }));
    expect([...page.matchAll(/name="expiry" value="(\w+)"/g)].map(([, value]) => value)).toEqual([
      "30",
      "90",
      "date",
    ]);
    expect(
      locationOf(await visit("/dashboard/keys", { jar, form: { ...FORM, expiry: "90" }, target })),
    ).toMatch(/created$/);
    await pageOf(await visit("/dashboard/keys", { jar, form: FORM, target }), 422);
  });
});

describe("a company for which something is set", () => {
  test("that is suspended is told so on every page, with the reason, and offered no key to make", async () => {
    const { id } = await createKey();
    await setCompany({ suspended: true, reason: "unpaid <since May>" });
    const jar = await signedIn();
    for (const path of ["/dashboard", "/dashboard/events", `/dashboard/keys/${id}`]) {
      const page = await pageOf(await visit(path, { jar }));
      expect(page).toContain("Your company is suspended");
      expect(page).toContain("unpaid &lt;since May&gt;");
      expect(page).not.toMatch(/\/keys\/new|\/rotate/);
    }
    expect(await pageOf(await visit("/dashboard/events", { jar }))).toContain(
      "<b>The operator</b> suspended the company",
    );
    const before = await stored();
    for (const [path, form] of [
      ["/dashboard/keys/new", undefined],
      ["/dashboard/keys", FORM],
      [`/dashboard/keys/${id}/rotate`, { overlapSeconds: "3600" }],
    ] as const)
      expect(await pageOf(await visit(path, { jar, ...(form && { form }) }), 403)).toContain(
        "The company is suspended",
      );
    expect((await stored()).api_keys).toEqual(before.api_keys);
    await setCompany({ suspended: false });
    expect(await pageOf(await visit("/dashboard", { jar }))).not.toContain("suspended:");
  });

  test("is offered the scopes and the days that it may have, and held to them", async () => {
    await setCompany({ scopes: ["jobs:read"], maxKeyLifetimeDays: 60, maxLiveKeys: 1 });
    const jar = await signedIn();
    const page = await pageOf(await visit("/dashboard/keys/new", { jar }));
    const offered = (name: string) =>
      [...page.matchAll(new RegExp(`name="${name}" value="([^"]+)"`, "g"))].map(([, value]) => value);
    expect([offered("scopes"), offered("expiry")]).toEqual([["jobs:read"], ["30", "60", "date"]]);
    for (const form of [
      { ...FORM, expiry: "30", scopes: "jobs:write" },
      { ...FORM, expiry: "90" },
    ])
      await pageOf(await visit("/dashboard/keys", { jar, form }), 422);
    const made = () => visit("/dashboard/keys", { jar, form: { ...FORM, expiry: "30" } });
    expect(locationOf(await made())).toMatch(/created$/);
    expect(await pageOf(await made(), 409)).toContain("1 live keys already");
  });
});

describe("a key's page", () => {
  test("renames in place", async () => {
    const { id } = await createKey();
    const jar = await signedIn();
    const answer = await visit(`/dashboard/keys/${id}/rename`, { jar, form: { label: "Another label" } });
    expect({ status: answer.status, to: locationOf(answer) }).toEqual({
      status: 303,
      to: `/dashboard/keys/${id}`,
    });
    expect(await pageOf(await visit(`/dashboard/keys/${id}`, { jar }))).toContain(
      `<h1 dir="auto">Another label</h1>`,
    );
  });

  test("says what is wrong with a new label, and keeps it for mending", async () => {
    const { id } = await createKey();
    const form = { label: "x".repeat(101) };
    const page = await pageOf(
      await visit(`/dashboard/keys/${id}/rename`, { jar: await signedIn(), form }),
      422,
    );
    expect(page).toContain(
      '<small class="fault" id="label-fault">Label must have at most 100 characters: shorten it</small>',
    );
    expect(page).toContain(`value="${form.label}"`);
    expect((await keyOf(id)).label).toBe("Careers page");
  });

  test("is not shown to somebody who may only write, also where a new label is refused", async () => {
    const { id } = await createKey();
    const jar = await signedIn({ scope: "api-keys:write" });
    const page = await pageOf(await visit(`/dashboard/keys/${id}/rename`, { jar, form: { label: "" } }), 403);
    expect(page).toContain("Missing scope: api-keys:read");
    expect(page).not.toContain("Careers page");
  });

  test("rotates with overlap: the new key is shown, the old one tells its end and its successor", async () => {
    const { id } = await createKey();
    const jar = await signedIn();
    const created = locationOf(
      await visit(`/dashboard/keys/${id}/rotate`, { jar, form: { overlapSeconds: "3600" } }),
    );
    expect(await pageOf(await visit(created, { jar }))).toMatch(RAW_KEY);
    const successor = created.split("/")[3];
    const page = await pageOf(await visit(`/dashboard/keys/${id}`, { jar }));
    expect(page).toContain('<span class="tag overlap">In overlap</span>');
    expect(page).toContain(`replaced by <a href="/dashboard/keys/${successor}">its successor</a>`);
    expect(page).not.toContain(`/dashboard/keys/${id}/rotate`);
    const after = await pageOf(await visit(`/dashboard/keys/${successor}`, { jar }));
    expect(after).toContain(`<a href="/dashboard/keys/${id}">the key before it</a>`);
  });

  test("tells where it is decided when the other key of a rotation was last used", async () => {
    const { id } = await createKey();
    const jar = await signedIn();
    const form = { overlapSeconds: "3600" };
    const created = locationOf(await visit(`/dashboard/keys/${id}/rotate`, { jar, form }));
    const successor = created.split("/")[3] ?? "";
    const day = new Date().toISOString().slice(0, 10);
    const use = { companyId: "acme", allowed: 1, denied: 0, denials: [0, 0, 0, 0, 0, 0] };
    const keys = [{ ...use, keyId: successor, lastUsedAt: Date.now() - 180_000 }];
    await countReports(env.DB, [{ id: "r", database: "00", day, keys }], Date.now());
    const old = await pageOf(await visit(`/dashboard/keys/${id}`, { jar }));
    expect(old).toMatch(
      /This key was never used\. Its successor was last used <time [^>]*>3 minutes ago<\/time>/,
    );
    const question = await pageOf(await visit(`/dashboard/keys/${id}/revoke`, { jar }));
    expect(question).toMatch(/Its successor was last used <time [^>]*>3 minutes ago<\/time>/);
    const made = await pageOf(await visit(`/dashboard/keys/${successor}`, { jar }));
    expect(made).toMatch(
      /This key was last used <time [^>]*>[^<]*<\/time>\. The key before it was never used\./,
    );
    await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
    expect(await pageOf(await visit(`/dashboard/keys/${successor}`, { jar }))).not.toContain(
      "The key before it was",
    );
  });

  test("says before a rotation when each of the two keys ends, and offers no overlap past this one's end", async () => {
    const expiresAt = new Date(Date.now() + 2 * 86_400_000).toISOString();
    const { id } = await createKey({ expiresAt });
    const page = await pageOf(await visit(`/dashboard/keys/${id}`, { jar: await signedIn() }));
    const tomorrow = new Date(Date.now() + 86_400_000);
    const written = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" }).format(
      tomorrow,
    );
    expect(page).toContain('<option value="0">At once</option>');
    expect(page).toContain(`In a day: ${written}, `);
    expect(page).not.toContain("In a week");
    expect(page).toContain('<option value="">After as long as this one: ');
  });

  test.each(["7", "30", "90"])("shows the use of the last %s days, with totals and reasons", async (days) => {
    const { id } = await createKey();
    const at = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
    const use = {
      keyId: id,
      companyId: "acme",
      allowed: 10,
      denied: 3,
      denials: [0, 0, 0, 2, 0, 1],
      lastUsedAt: 1,
    };
    for (const ago of [0, 6, 29, 89, 90])
      await countReports(env.DB, [{ id: `r${ago}`, database: "00", day: at(ago), keys: [use] }], Date.now());
    const jar = await signedIn();
    const page = await pageOf(await visit(`/dashboard/keys/${id}?days=${days}`, { jar }));
    const counted = { 7: 2, 30: 3, 90: 4 }[days] ?? 0;
    expect(page).toContain(`aria-label="${10 * counted} accepted, ${3 * counted} refused in ${days} days"`);
    expect(page).toContain(`missing scope ${2 * counted}, over a limit ${counted}`);
    expect(page.match(/<th scope="row">\d{4}-\d\d-\d\d<\/th>/g)).toHaveLength(Number(days));
    expect(page).toMatch(new RegExp(`aria-current="true">${days} days</a>`));
  });

  test.each(["?days=31", "?days=x", "?days=7&days=30", "?cursor=x", "?day=7"])(
    "asked with %s is 400",
    async (query) => {
      const { id } = await createKey();
      await pageOf(await visit(`/dashboard/keys/${id}${query}`, { jar: await signedIn() }), 400);
    },
  );

  test("rotates once by a form that is sent again", async () => {
    const { id } = await createKey();
    const jar = await signedIn();
    const path = `/dashboard/keys/${id}`;
    const request =
      /name="request" value="([^"]+)"/.exec(await pageOf(await visit(path, { jar })))?.[1] ?? "";
    const form = { overlapSeconds: "0", sure: "yes", request };
    const lost = await visit(`${path}/rotate`, { headers: { Cookie: jar.header }, form });
    const again = await visit(`${path}/rotate`, { jar, form });
    expect(locationOf(again)).toBe(locationOf(lost));
    expect(await pageOf(await visit(locationOf(again), { jar }))).toMatch(RAW_KEY);
    expect((await stored()).api_keys).toHaveLength(2);
  });

  test.each(["-1", "604801", "x", "1.5"])(
    "an overlap of %j is 422 and rotates nothing",
    async (overlapSeconds) => {
      const { id } = await createKey();
      const before = await stored();
      await pageOf(
        await visit(`/dashboard/keys/${id}/rotate`, { jar: await signedIn(), form: { overlapSeconds } }),
        422,
      );
      expect(await stored()).toEqual(before);
    },
  );

  test("asks before a live key ends at once: which key, and how recently it was used", async () => {
    const { id, keyPrefix } = await createKey();
    const jar = await signedIn();
    const before = await stored();
    const form = { overlapSeconds: "0", days: "30" };
    const page = await pageOf(await visit(`/dashboard/keys/${id}/rotate`, { jar, form }));
    expect(page).toContain("Rotate “<bdi>Careers page</bdi>” at once?");
    expect(page).toContain(`<code>${keyPrefix}…</code> was never used`);
    expect(await stored()).toEqual(before);
    const sent = Object.fromEntries(
      [...page.matchAll(/type="hidden" name="(\w+)" value="(\w*)"/g)].map(([, name, value]) => [name, value]),
    );
    const answer = await visit(`/dashboard/keys/${id}/rotate`, { jar, form: sent });
    expect(locationOf(answer)).toMatch(/\/created$/);
    expect((await keyOf(id)).active).toBe(false);
  });

  test("lets the new key live as long as is chosen", async () => {
    const { id } = await createKey();
    const form = { overlapSeconds: "3600", days: "30" };
    const answer = await visit(`/dashboard/keys/${id}/rotate`, { jar: await signedIn(), form });
    const { expiresAt } = await keyOf(locationOf(answer).split("/")[3] ?? "");
    expect(Date.parse(expiresAt ?? "") - Date.now()).toBeGreaterThan(29.9 * 86_400_000);
    expect(Date.parse(expiresAt ?? "") - Date.now()).toBeLessThan(30.1 * 86_400_000);
  });

  test("says at the rotation which rule of today the new key would break, and how to keep it", async () => {
    const { id } = await createKey({ scopes: ["jobs:read"] });
    const jar = await signedIn();
    const before = await stored();
    const rotate = async (days: string, overrides: Record<string, unknown>) => {
      const target = withDashboard(overrides);
      return visit(`/dashboard/keys/${id}/rotate`, { jar, form: { overlapSeconds: "3600", days }, target });
    };
    const bounded = { MAX_KEY_LIFETIME_DAYS: 60 };
    const page = await pageOf(await rotate("", bounded), 422);
    expect(page).toContain('<small class="fault" id="expiresAt-fault">Expiry is missing: choose one</small>');
    expect(page).toMatch(/<option value="60">In 60 days: \d/);
    expect(page).not.toMatch(/<option value="">/);
    const retired = await pageOf(await rotate("", { SCOPES: { "jobs:write": "Write" } }), 422);
    expect(retired).toContain("Scopes are no longer in the catalogue: jobs:read. Create another key");
    await pageOf(await rotate("x", {}), 422);
    expect(await stored()).toEqual(before);
    expect(locationOf(await rotate("60", bounded))).toMatch(/\/created$/);
  });

  test("of a key whose pepper is missing says that it cannot be checked, and offers to rotate it", async () => {
    const { id } = await createKey();
    await env.DB.exec("UPDATE api_keys SET generation = 'q'");
    const jar = await signedIn();
    const page = await pageOf(await visit(`/dashboard/keys/${id}`, { jar }));
    expect(page).toContain('<span class="tag unverifiable">Cannot be checked</span>');
    expect(page).toContain("so every use of it is refused");
    expect(page).toContain(`action="/dashboard/keys/${id}/rotate"`);
    expect(await pageOf(await visit("/dashboard", { jar }))).toContain("Cannot be checked");
  });

  test("a key that was rotated already is 409", async () => {
    const { id } = await createKey();
    const jar = await signedIn();
    const form = { overlapSeconds: "3600" };
    await visit(`/dashboard/keys/${id}/rotate`, { jar, form });
    expect(await pageOf(await visit(`/dashboard/keys/${id}/rotate`, { jar, form }), 409)).toContain(
      "rotated already",
    );
  });

  test("suspends the key, shows that, offers no rotation meanwhile, and resumes it", async () => {
    const { id } = await createKey();
    const jar = await signedIn();
    const page = async () => pageOf(await visit(`/dashboard/keys/${id}`, { jar }));
    const send = (act: string) => visit(`/dashboard/keys/${id}/${act}`, { jar, form: {} });
    expect(await page()).toContain(`/dashboard/keys/${id}/suspend`);
    expect(locationOf(await send("suspend"))).toBe(`/dashboard/keys/${id}`);
    expect(await keyOf(id)).toMatchObject({ active: false, suspendedAt: expect.any(String) });
    const suspended = await page();
    expect(suspended).toContain('<span class="tag suspended">Suspended</span>');
    expect(suspended).not.toMatch(/keys\/[^/]+\/(suspend|rotate)"/);
    await send("resume");
    expect(await keyOf(id)).toMatchObject({ active: true, suspendedAt: null });
    expect(await page()).toContain('<span class="tag active">Active</span>');
  });

  test("asks before it revokes: which key, and how recently it was used", async () => {
    const { id, keyPrefix } = await createKey({ label: "Careers page" });
    const jar = await signedIn();
    const page = await pageOf(await visit(`/dashboard/keys/${id}/revoke`, { jar }));
    expect(page).toContain("Revoke “<bdi>Careers page</bdi>”?");
    expect(page).toContain(`<code>${keyPrefix}…</code> was never used`);
    const answer = await visit(`/dashboard/keys/${id}/revoke`, { jar, form: {} });
    expect(locationOf(answer)).toBe(`/dashboard/keys/${id}`);
    expect(await keyOf(id)).toMatchObject({ active: false, revokedAt: expect.any(String) });
    const after = await pageOf(await visit(`/dashboard/keys/${id}`, { jar }));
    expect(after).toContain('<span class="tag revoked">Revoked</span>');
    expect(after).not.toMatch(/<form method="post" action="\/dashboard\/keys/);
  });

  test("that no longer works is not asked about before it is rotated at once: that is 409", async () => {
    const { id } = await createKey();
    await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
    const form = { overlapSeconds: "0" };
    await pageOf(await visit(`/dashboard/keys/${id}/rotate`, { jar: await signedIn(), form }), 409);
  });

  test("tells from where the key may be used, and what is noted of it", async () => {
    const { id } = await createKey({ allowedIps: ["192.0.2.7"], metadata: { team: "careers" } });
    const page = await pageOf(await visit(`/dashboard/keys/${id}`, { jar: await signedIn() }));
    expect(page).toContain("<div><code>192.0.2.7</code></div>");
    expect(page).toContain("<div><bdi>team</bdi>: <bdi>careers</bdi></div>");
  });

  test("of a key that was made by hand tells when that was, and nobody who made it", async () => {
    const id = await insertByHand();
    const page = await pageOf(await visit(`/dashboard/keys/${id}`, { jar: await signedIn() }));
    expect(page).toMatch(/<dt>Created<\/dt><dd><time [^>]*>[^<]*<\/time><\/dd>/);
  });

  test("tells when the key was last used", async () => {
    const { id } = await createKey();
    const at = Date.now();
    const use = {
      keyId: id,
      companyId: "acme",
      allowed: 1,
      denied: 0,
      denials: [0, 0, 0, 0, 0, 0],
      lastUsedAt: at - 180_000,
    };
    const day = new Date(at).toISOString().slice(0, 10);
    await countReports(env.DB, [{ id: "r", database: "00", day, keys: [use] }], Date.now());
    const jar = await signedIn();
    expect(await pageOf(await visit(`/dashboard/keys/${id}`, { jar }))).toMatch(
      /<dt>Last used<\/dt><dd><time [^>]*>3 minutes ago<\/time>/,
    );
    expect(await pageOf(await visit(`/dashboard/keys/${id}/revoke`, { jar }))).toMatch(
      /was last used <time [^>]*>3 minutes ago<\/time>/,
    );
  });

  test("of a key that was replaced without overlap tells that it has ended, and its successor", async () => {
    const { id } = await createKey();
    const jar = await signedIn();
    await visit(`/dashboard/keys/${id}/rotate`, { jar, form: { overlapSeconds: "0", sure: "yes" } });
    const page = await pageOf(await visit(`/dashboard/keys/${id}`, { jar }));
    expect(page).toContain('<span class="tag replaced">Replaced</span>');
    expect(page).toContain("<dt>Ended</dt>");
    expect(page).toMatch(/It was replaced by <a href="[^"]*">its successor<\/a>\./);
  });

  test("of a key that was found in public tells where", async () => {
    const key = await createKey();
    const { report } = await reporter();
    await report([{ token: key.rawKey, type: "latchkey_api_key", url: "https://git.example/leak" }]);
    const page = await pageOf(await visit(`/dashboard/keys/${key.id}`, { jar: await signedIn() }));
    expect(page).toContain("<bdi>Found at</bdi>: <bdi>https://git.example/leak</bdi>");
  });

  test("shows what happened to it, page by page", async () => {
    const { id } = await createKey();
    for (let i = 0; i < 26; i++) {
      await manage(`/settings/api-keys/${id}`, { method: "PATCH", body: { label: `Label ${i}` } });
    }
    const jar = await signedIn();
    const first = await pageOf(await visit(`/dashboard/keys/${id}`, { jar }));
    expect(first).toContain('from <b dir="auto">Label 24</b> to <b dir="auto">Label 25</b>');
    const next = /rel="next" href="([^"]*)"/.exec(first)?.[1] ?? "none";
    const second = await pageOf(await visit(next, { jar }));
    expect(second).toContain('from <b dir="auto">Careers page</b> to <b dir="auto">Label 0</b>');
    expect(second).toContain("created the key");
  });

  test("whatever its holder did with it is told so", async () => {
    const key = await createKey();
    await visit("/public/v1/key", { method: "DELETE", headers: { "X-API-Key": key.rawKey } });
    expect(await pageOf(await visit(`/dashboard/keys/${key.id}`, { jar: await signedIn() }))).toContain(
      "<b>The key’s holder</b> revoked the key",
    );
  });
});

test("a form without anything in it is 415", async () => {
  const headers = { Origin: ORIGIN, Accept: "application/json" };
  const answer = await visit("/dashboard/keys", { jar: await signedIn(), method: "POST", headers });
  await expectError(answer, "UNSUPPORTED_MEDIA_TYPE");
});

test("a page that is not there is said so", async () => {
  expect(await pageOf(await visit("/dashboard/nothing", { jar: await signedIn() }), 404)).toContain(
    "No such page",
  );
});

test("the management limit of a person holds here too", async () => {
  const limit = { limit: async ({ key }: { key: string }) => ({ success: !key.includes("acme") }) };
  const target = withDashboard({ MANAGEMENT_LIMIT: limit });
  const answer = await visit("/dashboard", { jar: await signedIn(), target });
  expect(answer.headers.get("Retry-After")).toBe("60");
  expect(await pageOf(answer, 429)).toContain("Wait a little");
  await pageOf(await visit("/dashboard", { jar: await signedIn({ company: "globex" }), target }));
});
