import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ShownEvent } from "../../../src/audit/schema.ts";
import { createKey, manage, operate } from "../../support/api.ts";
import { setCompany } from "../../support/companies.ts";
import {
  operatorSignedIn,
  pageOf,
  type VisitOptions,
  visit,
  withDashboard,
} from "../../support/dashboard.ts";
import { logged, stored } from "../../support/expect.ts";

const HOME = "/operator/dashboard";
const ACME = `${HOME}/companies/acme`;

const look = async (path: string, options: VisitOptions = {}) =>
  pageOf(await visit(path, { jar: await operatorSignedIn(), ...options }));
const send = async (path: string, form: VisitOptions["form"] = {}, options: VisitOptions = {}) =>
  visit(path, { jar: await operatorSignedIn(), form, ...options });
const companyOf = async (id = "acme") =>
  (await operate(`/operator/companies/${id}`)).json<Record<string, unknown>>();
const eventsOf = async (action: string) =>
  (await operate(`/operator/events?action=${action}`)).json<(ShownEvent & { isOperator: boolean })[]>();
const rowsIn = (page: string) =>
  [...page.matchAll(/<a href="\/operator\/dashboard\/companies\/([^"]+)">/g)].map(([, id = ""]) =>
    decodeURIComponent(id.replaceAll("&#39;", "'")),
  );
const nextOf = (page: string) => /rel="next" href="([^"]*)"/.exec(page)?.[1]?.replaceAll("&amp;", "&");

describe("the companies", () => {
  test("are all that ever had a key or a setting, with what they have", async () => {
    await createKey({}, { company: "globex" });
    await createKey();
    await setCompany({ suspended: true, rateTier: "free" }, "initech");
    const page = await look(HOME);
    expect(rowsIn(page)).toEqual(["acme", "globex", "initech"]);
    expect(page.match(/class="tag suspended"/g)).toHaveLength(1);
    expect(page).toContain("free");
  });

  test("are sorted by their keys and searched by a part of their id", async () => {
    await createKey();
    for (let i = 0; i < 2; i++) await createKey({}, { company: "globex" });
    expect(rowsIn(await look(`${HOME}?sort=keys`))).toEqual(["globex", "acme"]);
    expect(rowsIn(await look(`${HOME}?q=cm`))).toEqual(["acme"]);
    const answer = await send(`${HOME}/search`, { q: " cm ", sort: "keys" });
    expect(answer.headers.get("Location")).toBe(`${HOME}?q=cm&sort=keys`);
    expect(await look(`${HOME}?q=cm&sort=keys`)).toContain('value="keys" selected');
  });

  test("are sorted by yesterday's use", async () => {
    const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    const insert = env.DB.prepare(
      "INSERT INTO company_days (company_id, day, allowed, denied) VALUES (?, ?, ?, 0)",
    );
    await env.DB.batch([insert.bind("acme", day, 3), insert.bind("globex", day, 1_234_567)]);
    const page = await look(`${HOME}?sort=use`);
    expect(rowsIn(page)).toEqual(["globex", "acme"]);
    expect(page).toContain("1,234,567");
  });

  test("come page by page, each once", async () => {
    const insert = env.DB.prepare("INSERT INTO key_counts (company_id, keys) VALUES (?, 1)");
    const ids = Array.from({ length: 30 }, (_, i) => `company-${String(i).padStart(2, "0")}`);
    await env.DB.batch(ids.map((id) => insert.bind(id)));
    const seen: string[] = [];
    for (let path: string | undefined = HOME; path !== undefined; ) {
      const page: string = await look(path);
      seen.push(...rowsIn(page));
      path = nextOf(page);
    }
    expect(seen).toEqual(ids);
  });

  test("of which none is like the search can be opened all the same", async () => {
    const page = await look(`${HOME}?q=${encodeURIComponent("new/one")}`);
    expect(page).toContain(`<a href="${HOME}/companies/new%2Fone">open it all the same</a>`);
    expect(await look(HOME)).toContain("No company has a key");
  });

  test("are not searched by a whole key, which leads to its page and is in no URL", async () => {
    const { id, rawKey } = await createKey();
    const answer = await send(`${HOME}/search`, { q: rawKey });
    expect(answer.headers.get("Location")).toBe(`${HOME}/keys/${id}`);
    expect(JSON.stringify([...answer.headers])).not.toContain(rawKey);
  });

  test.each(["sort=x", "cursor=x", "cursor=[1,2,3]", `q=${"x".repeat(101)}`, "limit=1", "x=1"])(
    "with ?%s are 400",
    async (query) => {
      await pageOf(await visit(`${HOME}?${query}`, { jar: await operatorSignedIn() }), 400);
    },
  );
});

describe("a company", () => {
  test("is shown with its keys, page by page, and leads to each", async () => {
    for (let i = 0; i < 27; i++) await createKey({ label: `Key ${i}` });
    await createKey({ label: "Not its own" }, { company: "globex" });
    const page = await look(ACME);
    const labels = (text: string) =>
      [...text.matchAll(/<a href="\/operator\/dashboard\/keys\/[0-9a-f-]{36}" dir="auto">([^<]*)</g)].map(
        ([, one]) => one,
      );
    const second = await look(nextOf(page) ?? "");
    expect([...labels(page), ...labels(second)]).toEqual(
      Array.from({ length: 27 }, (_, i) => `Key ${26 - i}`),
    );
    expect(page).toContain("27 that are not revoked");
    expect(nextOf(second)).toBeUndefined();
  });

  test("of any name is text, in its page and in links", async () => {
    const id = `<b>"Größe" & Söhne/1?#'`;
    await createKey({}, { company: id });
    const link = rowsIn(await look(HOME));
    expect(link).toEqual([id]);
    const page = await look(`${HOME}/companies/${encodeURIComponent(id)}`);
    expect(page).toContain("<h1>&lt;b&gt;&quot;Größe&quot; &amp; Söhne/1?#&#39;</h1>");
    const answer = await send(`${HOME}/companies/${encodeURIComponent(id)}/suspend`, { reason: "<i>" });
    expect(answer.headers.get("Location")).toBe(`${HOME}/companies/${encodeURIComponent(id)}`);
    expect(await look(answer.headers.get("Location") ?? "")).toContain("&lt;i&gt;");
  });

  test("of too long a name is 400", async () => {
    const path = `${HOME}/companies/${"x".repeat(256)}`;
    await pageOf(await visit(path, { jar: await operatorSignedIn() }), 400);
    await pageOf(await send(`${path}/suspend`), 400);
  });

  test("is shown to who may only read without any form", async () => {
    const jar = await operatorSignedIn({ scope: "operator:read" });
    const page = await look(ACME, { jar });
    expect(page.match(/<form/g)).toHaveLength(2); // to sign out, and to choose a language
    expect(page).toContain("As MAX_LIVE_KEYS has it");
  });

  test("is suspended with a reason and resumed, by who is named in the log", async () => {
    await createKey();
    expect((await send(`${ACME}/suspend`, { reason: " Unpaid since May " })).headers.get("Location")).toBe(
      ACME,
    );
    expect(await companyOf()).toMatchObject({ suspendedReason: "Unpaid since May" });
    expect(await look(ACME)).toContain("The reason it reads: Unpaid since May");
    expect(await eventsOf("suspend_company")).toMatchObject([
      { actor: { subject: "olga" }, isOperator: true },
    ]);
    expect(
      (await manage("/settings/api-keys", { method: "POST", body: { label: "x", scopes: ["jobs:read"] } }))
        .status,
    ).toBe(403);
    await send(`${ACME}/resume`);
    expect(await companyOf()).toMatchObject({ suspendedAt: null, suspendedReason: null });
    expect(await look(ACME)).toContain("Suspend company");
  });

  test("is suspended without a reason as well", async () => {
    await send(`${ACME}/suspend`, { reason: " " });
    expect(await companyOf()).toMatchObject({ suspendedAt: expect.any(String), suspendedReason: null });
  });

  test("is not suspended with a reason that breaks a rule, which is said", async () => {
    const page = await pageOf(await send(`${ACME}/suspend`, { reason: "x".repeat(501) }), 422);
    expect(page).toContain("must have at most 500 characters");
    expect(page).toContain("x".repeat(501));
    expect(await companyOf()).toMatchObject({ suspendedAt: null });
  });
});

describe("a policy", () => {
  const WHOLE = {
    maxLiveKeys: "5",
    maxKeyLifetimeDays: "0",
    hasAllScopes: "no",
    scopes: ["jobs:read", "webhooks:manage"],
    allowedIps: "192.0.2.7\r\n2001:db8::/32,\r\n",
    rateTier: "free",
  };

  test("is set as a whole, shown, and taken back by what is empty", async () => {
    expect((await send(`${ACME}/policy`, WHOLE)).headers.get("Location")).toBe(ACME);
    expect(await companyOf()).toMatchObject({
      maxLiveKeys: 5,
      maxKeyLifetimeDays: 0,
      scopes: ["jobs:read", "webhooks:manage"],
      allowedIps: ["192.0.2.7", "2001:db8::/32"],
      rateTier: "free",
    });
    const page = await look(ACME);
    expect(page).toContain('name="maxLiveKeys" value="5"');
    expect(page).toContain('value="jobs:read" checked');
    expect(page).toContain('value="no" checked');
    expect(page).toContain('value="free" selected');
    expect(page).toContain("192.0.2.7\n2001:db8::/32</textarea>");
    await send(`${ACME}/policy`, {
      maxLiveKeys: "",
      maxKeyLifetimeDays: " ",
      hasAllScopes: "yes",
      allowedIps: "",
      rateTier: "",
    });
    expect(await companyOf()).toMatchObject({
      maxLiveKeys: null,
      maxKeyLifetimeDays: null,
      scopes: null,
      allowedIps: null,
      rateTier: null,
    });
  });

  test("changes only what the form changes: that alone is in the log", async () => {
    await setCompany({ scopes: ["webhooks:manage", "jobs:read"], rateTier: "free" });
    await send(`${ACME}/policy`, { ...WHOLE, allowedIps: "", maxKeyLifetimeDays: "" });
    expect((await eventsOf("update_company"))[0]?.detail).toEqual({ maxLiveKeys: "5" });
    const before = await stored();
    await send(`${ACME}/policy`, { ...WHOLE, allowedIps: "", maxKeyLifetimeDays: "" });
    expect(await stored()).toEqual(before);
  });

  test("that breaks rules names every field, keeps what was typed and changes nothing", async () => {
    const before = await stored();
    const answer = await send(`${ACME}/policy`, {
      maxLiveKeys: "many",
      maxKeyLifetimeDays: "99999999999",
      hasAllScopes: "no",
      scopes: "no:such",
      allowedIps: "not an address",
      rateTier: "gold",
    });
    const page = await pageOf(answer, 422);
    for (const field of ["maxLiveKeys", "maxKeyLifetimeDays", "scopes", "allowedIps", "rateTier"]) {
      expect(page).toContain(`id="${field}-fault"`);
      expect(page).toContain(`aria-describedby="${field}-fault"`);
    }
    expect(page).toContain("must be a whole number from 0 to 100000, or empty");
    expect(page).toContain('value="many"');
    expect(page).toContain("not an address</textarea>");
    expect(await stored()).toEqual(before);
    expect((await env.DB.prepare("SELECT * FROM companies").all()).results).toEqual([]);
  });

  test("with scopes that are ticked beside all of them is asked about, where they are new", async () => {
    const both = { hasAllScopes: "yes", scopes: "jobs:read" };
    const page = await pageOf(await send(`${ACME}/policy`, both), 422);
    expect(page).toContain("choose “Only these” for what is ticked");
    expect(await companyOf()).toMatchObject({ scopes: null });
    await setCompany({ scopes: ["jobs:read"] });
    expect((await send(`${ACME}/policy`, both)).status).toBe(303);
    expect(await companyOf()).toMatchObject({ scopes: null });
  });

  test("keeps what is there no longer until somebody changes it", async () => {
    await setCompany({ scopes: ["gone:scope"], rateTier: "gone" });
    const form = { maxLiveKeys: "9", hasAllScopes: "no", scopes: "gone:scope", rateTier: "gone" };
    expect(await look(ACME)).toContain('value="gone" selected');
    expect((await send(`${ACME}/policy`, form)).status).toBe(303);
    expect(await companyOf()).toMatchObject({ maxLiveKeys: 9, scopes: ["gone:scope"], rateTier: "gone" });
    await pageOf(await send(`${ACME}/policy`, { ...form, scopes: ["gone:scope", "jobs:read"] }), 422);
  });
});

describe("all keys of a company", () => {
  test("are counted first, and nothing changes", async () => {
    for (let i = 0; i < 2; i++) await createKey();
    const before = await stored();
    const page = await look(`${ACME}/revoke-all`);
    expect(page).toContain("Revoke all 2 keys of acme?");
    expect(page).toContain("Suspend it first");
    expect(await stored()).toEqual(before);
    await setCompany({ suspended: true });
    expect(await look(`${ACME}/revoke-all`)).not.toContain("Suspend it first");
  });

  test("are revoked once that is confirmed, those of others not", async () => {
    await createKey();
    await createKey();
    const other = await createKey({}, { company: "globex" });
    expect((await send(`${ACME}/revoke-all`)).headers.get("Location")).toBe(ACME);
    expect(await look(`${ACME}/revoke-all`)).toContain("No key of acme is left to revoke");
    const { rows = [] } = { rows: (await stored()).api_keys as { id: string; revoked_at: number | null }[] };
    expect(rows.filter(({ revoked_at }) => revoked_at === null).map(({ id }) => id)).toEqual([other.id]);
    expect(await eventsOf("revoke")).toHaveLength(2);
  });

  test("are asked about again where one call did not revoke all of them", async () => {
    await createKey();
    // Of a count that is ahead of the keys, as one call's bound leaves it.
    await env.DB.exec("UPDATE key_counts SET keys = keys + 1");
    expect((await send(`${ACME}/revoke-all`)).headers.get("Location")).toBe(`${ACME}/revoke-all`);
    expect(await look(`${ACME}/revoke-all`)).toContain("Revoke the one key of acme?");
  });
});

test("no page says a raw key, nor the log", async () => {
  const lines = logged();
  const { rawKey, id } = await createKey();
  for (const path of [HOME, ACME, `${HOME}/keys/${id}`, `${HOME}/keys?prefix=lk_live_`])
    expect(await look(path, { target: withDashboard() })).not.toContain(rawKey);
  expect(lines.join()).not.toContain(rawKey);
});
