import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { manage, ORIGIN } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import {
  atLocalIssuer,
  Jar,
  pageOf,
  signedIn,
  signInAtIssuer,
  visit,
  withDashboard,
} from "../support/dashboard.ts";
import { logged } from "../support/expect.ts";
import { scenario } from "../support/scenario.ts";

const ISSUER_PATH = "/dashboard/sign-in/issuer";

/** Signs in, as far as the way back from the issuer. */
async function back(jar: Jar, { to = "/dashboard", target = atLocalIssuer() } = {}): Promise<string> {
  const answer = await visit(`${ISSUER_PATH}?${new URLSearchParams({ to })}`, { jar, target });
  expect(answer.status).toBe(302);
  const url = await signInAtIssuer(answer.headers.get("Location") ?? "");
  expect(`${url.origin}${url.pathname}`).toBe(`${ORIGIN}/dashboard/callback`);
  return url.pathname + url.search;
}

function refreshOf(html: string): string | undefined {
  return /<meta http-equiv="refresh" content="0; url=([^"]*)"/.exec(html)?.[1]?.replaceAll("&amp;", "&");
}

describe("signing in", () => {
  test("leads through the issuer to the page that was asked for, by the page itself", async () => {
    const jar = new Jar();
    const target = atLocalIssuer();
    const callback = await back(jar, { to: "/dashboard/events?cursor=", target });
    expect(refreshOf(await pageOf(await visit(callback, { jar, target })))).toBe("/dashboard/events?cursor=");
    const page = await pageOf(await visit("/dashboard", { jar, target }));
    expect(page).toContain("ada@acme.example · acme");
  });

  test("forgets the login once it is over", async () => {
    const jar = new Jar();
    await visit(await back(jar), { jar, target: atLocalIssuer() });
    expect([...jar.cookies.keys()]).toEqual(["__Host-latchkey-session"]);
  });

  test("in a browser that did not begin it is refused: nobody is signed in by somebody else's link", async () => {
    const callback = await back(new Jar());
    const victim = new Jar();
    const page = await pageOf(await visit(callback, { jar: victim, target: atLocalIssuer() }), 400);
    expect(page).toContain("This sign-in was not begun here, was used already, or took too long");
    expect(victim.cookies.size).toBe(0);
  });

  test("with another login's answer is refused", async () => {
    const [jar, other] = [new Jar(), new Jar()];
    await back(jar);
    const page = await pageOf(await visit(await back(other), { jar, target: atLocalIssuer() }), 400);
    expect(page).toContain("not begun here");
    expect([...jar.cookies.keys()].some((name) => name.includes("session"))).toBe(false);
  });

  test("that was begun in two tabs comes back in both, in either order", async () => {
    const jar = new Jar();
    const target = atLocalIssuer();
    const callbacks = [await back(jar, { to: "/dashboard/events" }), await back(jar, { to: "/dashboard" })];
    expect(refreshOf(await pageOf(await visit(callbacks[1] ?? "", { jar, target })))).toBe("/dashboard");
    expect(refreshOf(await pageOf(await visit(callbacks[0] ?? "", { jar, target })))).toBe(
      "/dashboard/events",
    );
    await pageOf(await visit("/dashboard", { jar, target }));
  });

  test("makes one token request, however often its cookie comes back, and at once", async () => {
    const jar = new Jar();
    const target = atLocalIssuer();
    const callback = await back(jar, { target });
    const asked = vi.spyOn(globalThis, "fetch");
    const headers = { Cookie: jar.header };
    const answers = await Promise.all(Array.from({ length: 50 }, () => visit(callback, { headers, target })));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 49 }, () => 400)]);
    const requests = asked.mock.calls.filter(([input]) => String(input).endsWith("/token"));
    expect(requests).toHaveLength(1);
  });

  test("is limited for each address, also with cookies that are good, before the issuer is asked", async () => {
    const keys: string[] = [];
    const limit = async ({ key }: { key: string }) => ({ success: keys.push(key) <= 1 });
    const target = atLocalIssuer({ FAILURES_LIMIT: { limit } });
    const jar = new Jar();
    const callbacks = [await back(jar, { target }), await back(jar, { target })];
    const asked = vi.spyOn(globalThis, "fetch");
    const answers = [];
    for (const callback of callbacks) {
      const headers = { "CF-Connecting-IP": "2001:db8:0:1::7", Cookie: jar.header };
      answers.push((await visit(callback, { headers, target })).status);
    }
    expect(answers).toEqual([200, 429]);
    expect(asked.mock.calls.filter(([input]) => String(input).endsWith("/token"))).toHaveLength(1);
    expect(keys).toEqual(["sign-in 2001:db8:0:1::/64", "sign-in 2001:db8:0:1::/64"]);
  });

  test("begins nothing without an answer of the issuer", async () => {
    await pageOf(await visit("/dashboard/callback", { target: atLocalIssuer() }), 400);
  });

  test("is 503 while the issuer does not answer, and signs nobody in", async () => {
    logged();
    const jar = new Jar();
    const target = atLocalIssuer();
    const callback = await back(jar, { target });
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("Network connection lost."));
    await pageOf(await visit(callback, { jar, target }), 503);
    expect([...jar.cookies.keys()].some((name) => name.includes("session"))).toBe(false);
  });

  test("asks the issuer nothing with a state of an odd form", async () => {
    const asked = vi.spyOn(globalThis, "fetch");
    for (const state of ["", "a b", "x".repeat(5_000), "__proto__", "a=b;c"]) {
      const query = new URLSearchParams({ code: "x", state });
      await pageOf(await visit(`/dashboard/callback?${query}`, { target: atLocalIssuer() }), 400);
    }
    expect(asked).not.toHaveBeenCalled();
  });

  test("to an address that no cookie can hold leads to the first page", async () => {
    const jar = new Jar();
    const callback = await back(jar, { to: `/dashboard?q=${"x".repeat(5_000)}` });
    expect(refreshOf(await pageOf(await visit(callback, { jar, target: atLocalIssuer() })))).toBe(
      "/dashboard",
    );
  });

  test("that the issuer refuses is said so, and not tried again", async () => {
    const jar = new Jar();
    const answer = await visit(ISSUER_PATH, { jar, target: atLocalIssuer() });
    const asked = new URL(answer.headers.get("Location") ?? "");
    const query = { error: "access_denied", state: asked.searchParams.get("state") ?? "", iss: asked.origin };
    const target = atLocalIssuer();
    const page = await pageOf(
      await visit(`/dashboard/callback?${new URLSearchParams(query)}`, { jar, target }),
      400,
    );
    expect(page).toContain("The issuer did not sign you in");
  });

  test("with a token that is not accepted here tells whoever runs this what to look at", async () => {
    const lines = logged();
    const jar = new Jar();
    const target = atLocalIssuer({ OAUTH_TOKEN_TYPES: "JWT" });
    const page = await pageOf(await visit(await back(jar, { target }), { jar, target }), 403);
    expect(page).toContain("access token is not accepted here");
    expect(lines.join()).toContain("OAUTH_AUDIENCE, OAUTH_TOKEN_TYPES, OAUTH_ALGORITHMS: ");
    expect([...jar.cookies.keys()].some((name) => name.includes("session"))).toBe(false);
  });

  test("with a token that names no company is refused", async () => {
    const jar = new Jar();
    const target = atLocalIssuer({ OAUTH_COMPANY_CLAIM: "org_id" });
    expect(await pageOf(await visit(await back(jar, { target }), { jar, target }), 403)).toContain(
      "no company",
    );
  });

  test("while the issuer is down is a page that says so", async () => {
    const target = withDashboard({ OAUTH_ISSUER: (await scenario({ status: 503 })).url });
    const answer = await visit(ISSUER_PATH, { target });
    expect(answer.headers.get("Retry-After")).toBe("5");
    expect(await pageOf(answer, 503)).toContain("Nothing was changed");
  });

  test("puts no code, state or token into the log", async () => {
    const lines = logged();
    const jar = new Jar();
    const target = atLocalIssuer();
    const callback = await back(jar, { target });
    await visit(callback, { jar, target });
    await visit(callback, { jar, target });
    const code = new URLSearchParams(callback.split("?")[1]).get("code") ?? "none";
    expect(lines.join()).not.toContain(code);
  });
});

test("after signing in one goes to no other site, whatever the link says", async () => {
  const odd = fc.oneof(
    fc.constantFrom(
      "//evil.example",
      "/\\evil.example",
      "https://evil.example/dashboard",
      "javascript:alert(1)",
    ),
    fc.constantFrom(
      "/settings/api-keys",
      "/dashboardx",
      "/dashboard/../settings",
      "\t//evil.example",
      "/%2e%2e/x",
    ),
    fc.webUrl(),
    fc.string(),
  );
  const target = withDashboard();
  await fc.assert(
    fc.asyncProperty(odd, async (to) => {
      const page = await (
        await visit(`/dashboard/sign-in?${new URLSearchParams({ to })}`, { target })
      ).text();
      const link = /href="(\/dashboard\/sign-in\/issuer\?[^"]*)"/.exec(page)?.[1] ?? "none";
      const url = new URL(new URL(link, ORIGIN).searchParams.get("to") ?? "none", ORIGIN);
      expect(url.origin).toBe(ORIGIN);
      expect(url.pathname).toMatch(/^\/dashboard(\/|$)/);
    }),
    { numRuns: 60 },
  );
}, 20_000);

describe("signing out", () => {
  test("takes the session and sends to the issuer, which ends its own", async () => {
    const jar = await signedIn({ session: { logoutHint: "ada" } });
    const page = await pageOf(await visit("/dashboard/sign-out", { jar, form: {}, target: atLocalIssuer() }));
    expect(refreshOf(page)).toMatch(/\/session\/end\?client_id=dashboard&.*logout_hint=ada$/);
    expect(jar.cookies.size).toBe(0);
  });

  test("ends the session for whoever has copied the cookie, and its refresh token", async () => {
    const jar = new Jar();
    const target = atLocalIssuer();
    await visit(await back(jar, { target }), { jar, target });
    const copied = new Jar();
    for (const [name, value] of jar.cookies) copied.cookies.set(name, value);
    await pageOf(await visit("/dashboard", { jar: copied, target }));
    const asked = vi.spyOn(globalThis, "fetch");
    await visit("/dashboard/sign-out", { jar, form: {}, target });
    const form = { label: "Stolen", scopes: "jobs:read", expiry: "never" };
    const answer = await visit("/dashboard/keys", { jar: copied, form, target });
    expect(answer.headers.get("Location")).toBe("/dashboard/sign-in?to=%2Fdashboard%2Fkeys%2Fnew&ended=1");
    expect(await (await manage("/settings/api-keys")).json()).toEqual([]);
    await vi.waitFor(() =>
      expect(asked.mock.calls.map(([input]) => new URL(String(input)).pathname)).toContain(
        "/token/revocation",
      ),
    );
  });

  test("is not said to be done while the database is out of reach, and can be done again", async () => {
    logged();
    const jar = await signedIn();
    const target = withDashboard({
      DB: hooked(env.DB, () => Promise.reject(new Error("D1_ERROR: Network connection lost."))),
    });
    await pageOf(await visit("/dashboard/sign-out", { jar, form: {}, target }), 503);
    expect(jar.cookies.size).toBe(1);
  });

  test("takes the session also while the issuer is down", async () => {
    const jar = await signedIn();
    const target = withDashboard({ OAUTH_ISSUER: (await scenario({ status: 503 })).url });
    const answer = await visit("/dashboard/sign-out", { jar, form: {}, target });
    expect(answer.headers.get("Location")).toBe("/dashboard/sign-in");
    expect(jar.cookies.size).toBe(0);
  });

  test("takes the cookies also where the session has ended already", async () => {
    const jar = await signedIn();
    await env.DB.exec("DELETE FROM dashboard_sessions");
    const page = await pageOf(await visit("/dashboard/sign-out", { jar, form: {}, target: atLocalIssuer() }));
    expect(refreshOf(page)).not.toContain("logout_hint");
    expect(jar.cookies.size).toBe(0);
  });

  test("is not done by another site", async () => {
    const jar = await signedIn();
    const headers = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
    await pageOf(await visit("/dashboard/sign-out", { jar, form: {}, headers }), 403);
    expect(jar.cookies.size).toBe(1);
  });
});

test("somebody whose account names no company is led out: the page has a sign-out", async () => {
  const answer = await visit("/dashboard", { jar: await signedIn({ company: "" }) });
  expect(await pageOf(answer, 403)).toContain('action="/dashboard/sign-out"');
});
