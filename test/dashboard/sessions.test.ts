import { describe, expect, test } from "vitest";
import { browserOf } from "../../src/dashboard/sessions.tsx";
import { createKey, manage } from "../support/api.ts";
import { Jar, operatorSignedIn, pageOf, signedIn, visit } from "../support/dashboard.ts";
import { logged } from "../support/expect.ts";

const SESSIONS = "/dashboard/sessions";
const locationOf = (answer: Response) => answer.headers.get("Location") ?? "none";
const lines = (page: string) => page.match(/<li><div>/g)?.length ?? 0;

describe("where somebody is signed in", () => {
  test("is shown, this browser among them, and nobody else's", async () => {
    const jar = await signedIn();
    await signedIn();
    await signedIn({ claims: { sub: "grace" } });
    const page = await pageOf(await visit(SESSIONS, { jar }));
    expect(lines(page)).toBe(2);
    expect(page.match(/This browser/g)).toHaveLength(1);
    expect(page).toContain("ada@acme.example · acme");
  });

  test("can be ended everywhere else: the others sign in again, this one goes on", async () => {
    const [jar, other, grace] = [
      await signedIn(),
      await signedIn(),
      await signedIn({ claims: { sub: "grace" } }),
    ];
    const answer = await visit(`${SESSIONS}/end-others`, { jar, form: {} });
    expect(locationOf(answer)).toBe(`${SESSIONS}?done=1`);
    const page = await pageOf(await visit(locationOf(answer), { jar }));
    expect(page).toContain("You are signed out everywhere else.");
    expect(lines(page)).toBe(1);
    expect(page).not.toContain("end-others");
    expect(locationOf(await visit("/dashboard", { jar: other }))).toBe(
      "/dashboard/sign-in?to=%2Fdashboard&ended=1",
    );
    await pageOf(await visit("/dashboard", { jar: grace }));
  });

  test("is shown to somebody of several companies, who may have chosen none", async () => {
    const jar = await signedIn({ claims: { company_id: ["acme", "globex"] } });
    const page = await pageOf(await visit(SESSIONS, { jar }));
    expect(lines(page)).toBe(1);
    expect(page).toContain("This browser");
  });

  test("is shown as of the company that was chosen of several", async () => {
    const jar = await signedIn({ claims: { company_id: ["acme", "globex"] } });
    await visit("/dashboard/organizations", { jar, form: { company: "globex" } });
    const page = await pageOf(await visit(SESSIONS, { jar }));
    expect(page).toContain(">globex</a>");
    expect(page).toContain("Sign out");
  });

  test("is shown to whoever runs the service on pages of their own", async () => {
    await signedIn();
    const jar = await operatorSignedIn();
    const page = await pageOf(await visit("/operator/dashboard/sessions", { jar }));
    expect(lines(page)).toBe(1);
    expect(page).toContain("· operator");
  });

  test("is ended by no other site", async () => {
    const [jar, other] = [await signedIn(), await signedIn()];
    const headers = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
    await pageOf(await visit(`${SESSIONS}/end-others`, { jar, form: {}, headers }), 403);
    await pageOf(await visit("/dashboard", { jar: other }));
  });

  test("is in German for who reads German", async () => {
    const headers = { "Accept-Language": "de" };
    const page = await pageOf(await visit(SESSIONS, { jar: await signedIn(), headers }));
    expect(page).toContain("Wo Sie angemeldet sind");
  });
});

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox, Linux"],
  [
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36",
    "Chrome, Windows",
  ],
  ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge, Windows"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
    "Safari, iPhone",
  ],
  ["curl/8.0", ""],
  ["", ""],
])("“%s” is called “%s”", (userAgent, name) => {
  expect(browserOf(userAgent)).toBe(name);
});

describe("the form that creates a key, sent when the session has ended", () => {
  const typed = {
    label: "Typed <long> ago",
    scopes: ["jobs:read", "jobs:write"],
    expiry: "30",
    allowedIps: "192.0.2.7",
    metadata: "a=b",
  };
  const send = (jar: Jar, form: Record<string, string | string[]>) => visit("/dashboard/keys", { jar, form });
  const afterwards = async (jar: Jar) => {
    for (const [name, value] of (await signedIn()).cookies) jar.cookies.set(name, value);
    return pageOf(await visit("/dashboard/keys/new", { jar }));
  };

  test("makes no key, and is filled in again after signing in, once", async () => {
    const jar = await signedIn({ startedAt: Date.now() - 13 * 3_600_000 });
    const answer = await send(jar, typed);
    const to = locationOf(answer);
    expect(to).toMatch(/^\/dashboard\/sign-in\?to=%2Fdashboard%2Fkeys%2Fnew/);
    expect(await pageOf(await visit(to, { jar }))).toContain("What you had typed is kept");
    const page = await afterwards(jar);
    expect(page).toContain("What you had typed is still here.");
    expect(page).toContain('value="Typed &lt;long&gt; ago"');
    expect(page.match(/name="scopes"[^>]* checked/g)).toHaveLength(2);
    expect(page).toMatch(/value="30"[^>]* checked/);
    expect(page).toContain(">192.0.2.7</textarea>");
    expect(page).toContain(">a=b</textarea>");
    expect(await pageOf(await visit("/dashboard/keys/new", { jar }))).not.toContain("Typed");
    expect(await (await manage("/settings/api-keys")).json()).toEqual([]);
  });

  test("is not kept in clear", async () => {
    const jar = new Jar();
    await send(jar, typed);
    expect(jar.cookies.size).toBe(1);
    expect(jar.header).not.toContain("Typed");
  });

  test.each([
    ["is too large for a cookie", { ...typed, metadata: "x".repeat(5_000) }],
    ["has very many scopes", { ...typed, scopes: Array.from({ length: 300 }, (_, i) => `scope:${i}`) }],
  ])("that %s is not kept", async (_, form) => {
    const jar = new Jar();
    expect(locationOf(await send(jar, form))).toBe("/dashboard/sign-in?to=%2Fdashboard");
    expect(jar.cookies.size).toBe(0);
  });

  test("that holds an API key is not kept", async () => {
    const jar = new Jar();
    const { rawKey } = await createKey();
    await send(jar, { ...typed, label: rawKey });
    expect(jar.cookies.size).toBe(0);
  });

  test("by another site is not kept", async () => {
    const jar = new Jar();
    const headers = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
    await pageOf(await visit("/dashboard/keys", { jar, form: typed, headers }), 403);
    expect(jar.cookies.size).toBe(0);
  });
});

describe("somebody of several companies", () => {
  const ofSeveral = { claims: { company_id: ["acme", "globex"] } };
  const choose = (jar: Jar, company: string) => visit("/dashboard/organizations", { jar, form: { company } });

  test("chooses one, acts for it alone, and can change to the other", async () => {
    await createKey({ label: "Of acme" });
    await createKey({ label: "Of globex" }, { company: "globex" });
    const jar = await signedIn(ofSeveral);
    expect(locationOf(await visit("/dashboard/events", { jar }))).toBe("/dashboard/organizations");
    const page = await pageOf(await visit("/dashboard/organizations", { jar }));
    expect([...page.matchAll(/name="company" value="([^"]+)"/g)].map(([, name]) => name)).toEqual([
      "acme",
      "globex",
    ]);
    for (const [company, own, other] of [
      ["acme", "Of acme", "Of globex"],
      ["globex", "Of globex", "Of acme"],
    ] as const) {
      expect(locationOf(await choose(jar, company))).toBe("/dashboard");
      const list = await pageOf(await visit("/dashboard", { jar }));
      expect(list).toContain(own);
      expect(list).not.toContain(other);
      expect(list).toContain(`<a href="/dashboard/organizations">${company}</a>`);
    }
  });

  test("cannot choose one that the access token does not name", async () => {
    logged();
    const jar = await signedIn(ofSeveral);
    await pageOf(await choose(jar, "initech"), 403);
    expect(locationOf(await visit("/dashboard", { jar }))).toBe("/dashboard/organizations");
  });

  test("whose access token no longer names the one that was chosen chooses again", async () => {
    const jar = await signedIn(ofSeveral);
    await choose(jar, "acme");
    const later = await signedIn({ claims: { company_id: ["globex", "initech"] } });
    for (const [name, value] of jar.cookies) if (name.includes("company")) later.cookies.set(name, value);
    expect(locationOf(await visit("/dashboard", { jar: later }))).toBe("/dashboard/organizations");
  });

  test("is refused by the API, which nobody could ask", async () => {
    expect((await manage("/settings/api-keys", ofSeveral)).status).toBe(403);
  });

  test.each([
    [["acme", 42]],
    [["acme", " "]],
    [["acme", "acme"]],
    [[]],
    [Array.from({ length: 101 }, (_, i) => `c${i}`)],
  ])("is nobody whose claim is %j: it names no companies", async (company_id) => {
    logged();
    const jar = await signedIn({ claims: { company_id } });
    expect(await pageOf(await visit("/dashboard", { jar }), 403)).toContain(
      "Your account belongs to no company",
    );
  });
});

test("the way to another account asks the issuer for a choice", async () => {
  const jar = await signedIn();
  expect(await pageOf(await visit(SESSIONS, { jar }))).toContain(
    'href="/dashboard/sign-in/issuer?another=1"',
  );
});
