import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ORIGIN } from "../../support/api.ts";
import { atLocalIssuer, Jar, pageOf, signInAtIssuer, visit, withDashboard } from "../../support/dashboard.ts";
import { logged } from "../../support/expect.ts";

const HOME = "/operator/dashboard";
const OLGA = "olga@latchkey.example";
const ADA = "ada@acme.example";

/** Signs in at the issuer from the pages below `home`, as far as the way back. */
async function back(jar: Jar, account: string, home = HOME): Promise<string> {
  const answer = await visit(`${home}/sign-in/issuer?to=${home}`, { jar, target: atLocalIssuer() });
  const url = await signInAtIssuer(answer.headers.get("Location") ?? "", account);
  expect(url.origin + url.pathname).toBe(`${ORIGIN}${home}/callback`);
  return url.pathname + url.search;
}

/** What the issuer is asked for. */
async function asked(settings: Record<string, unknown> = {}): Promise<URLSearchParams> {
  const answer = await visit(`${HOME}/sign-in/issuer`, { target: atLocalIssuer(settings) });
  return new URL(answer.headers.get("Location") ?? "").searchParams;
}

describe("signing in", () => {
  test("leads whoever runs the service to the companies", async () => {
    const jar = new Jar();
    const target = atLocalIssuer();
    const page = await pageOf(await visit(await back(jar, OLGA), { jar, target }));
    expect(page).toContain(`<meta http-equiv="refresh" content="0; url=${HOME}"/>`);
    expect([...jar.cookies.keys()]).toEqual(["__Host-latchkey-operator-session"]);
    expect(await pageOf(await visit(HOME, { jar, target }))).toContain(`${OLGA} · operator`);
  });

  test("of a company's user leads to no page, only out", async () => {
    const jar = new Jar();
    const target = atLocalIssuer();
    await visit(await back(jar, ADA), { jar, target });
    const page = await pageOf(await visit(HOME, { jar, target }), 403);
    expect(page).toContain("Missing scope: operator:read");
    expect(page).toContain(`action="${HOME}/sign-out"`);
  });

  test("asks for the operator's API, scopes and own way back", async () => {
    const query = await asked();
    expect(query.get("resource")).toBe(env.OPERATOR_AUDIENCE);
    expect(query.get("redirect_uri")).toBe(`${ORIGIN}${HOME}/callback`);
    expect(query.get("scope")).toBe("openid operator:read operator:write offline_access");
  });

  test("asks for it also where the dashboard's settings name the companies' API", async () => {
    const query = await asked({
      OAUTH_LOGIN_PARAMETERS: { audience: env.OAUTH_AUDIENCE, prompt: "consent" },
      OAUTH_LOGIN_SCOPES: ["api-keys:read", "api-keys:write", "organization"],
    });
    expect(query.get("audience")).toBe(env.OPERATOR_AUDIENCE);
    expect(query.get("prompt")).toBe("consent");
    expect(query.get("scope")).toBe("openid operator:read operator:write organization offline_access");
    const named = await asked({ OAUTH_LOGIN_PARAMETERS: { resource: env.OAUTH_AUDIENCE } });
    expect(named.get("resource")).toBe(env.OPERATOR_AUDIENCE);
    expect((await asked({ OAUTH_LOGIN_PARAMETERS: { resource: "" } })).has("resource")).toBe(false);
  });

  test("asks the operator's own issuer where there is one", async () => {
    const target = withDashboard({ OPERATOR_ISSUER: env.TEST_LOCAL_ISSUER.url });
    const answer = await visit(`${HOME}/sign-in/issuer`, { target });
    expect(answer.headers.get("Location")).toMatch(`${env.TEST_LOCAL_ISSUER.url}/auth?`);
  });

  test("is done with the operator's own client where there is one, the dashboard's or not", async () => {
    const own = { OPERATOR_CLIENT_ID: "operators", OPERATOR_CLIENT_SECRET: "secret" };
    for (const settings of [own, { ...own, OAUTH_CLIENT_ID: "" }])
      expect((await asked(settings)).get("client_id")).toBe("operators");
    const jar = new Jar();
    const { clientId, clientSecret } = env.TEST_LOCAL_ISSUER;
    const target = atLocalIssuer({
      OAUTH_CLIENT_ID: "",
      OAUTH_CLIENT_SECRET: undefined,
      OPERATOR_CLIENT_ID: clientId,
      OPERATOR_CLIENT_SECRET: clientSecret,
    });
    await visit(await back(jar, OLGA), { jar, target });
    expect(await pageOf(await visit(HOME, { jar, target }))).toContain("olga");
  });

  test("asks for OPERATOR_LOGIN_SCOPES where they are set", async () => {
    const query = await asked({ OPERATOR_LOGIN_SCOPES: ["api://keys/operator:read", "profile"] });
    expect(query.get("scope")).toBe("openid api://keys/operator:read profile offline_access");
  });

  test("without the own client's secret is closed, and the API is not", async () => {
    const lines = logged();
    const target = atLocalIssuer({ OPERATOR_CLIENT_ID: "operators" });
    expect((await visit(`${HOME}/sign-in`, { target })).status).toBe(500);
    expect(lines.join()).toContain("OPERATOR_CLIENT_SECRET: is missing, and OPERATOR_CLIENT_ID is set");
    expect((await visit("/operator/companies", { target })).status).toBe(401);
  });

  test.each([
    ["a company's pages", "/dashboard", HOME],
    ["the operator's pages", HOME, "/dashboard"],
  ])("that was begun on %s does not end on the others", async (_, from, to) => {
    const jar = new Jar();
    const callback = (await back(jar, OLGA, from)).replace(from, to);
    const target = atLocalIssuer();
    expect(await pageOf(await visit(callback, { jar, target }), 400)).toContain("not begun here");
    const other = from === HOME ? "latchkey-operator-login-" : "latchkey-login-";
    const own = from === HOME ? "latchkey-login-" : "latchkey-operator-login-";
    for (const [name, value] of [...jar.cookies]) jar.cookies.set(name.replace(other, own), value);
    expect(await pageOf(await visit(callback, { jar, target }), 400)).toContain("not begun here");
    expect([...jar.cookies.keys()].some((name) => name.includes("session"))).toBe(false);
  });

  test("with a token that is not accepted here tells whoever runs this what to look at", async () => {
    const lines = logged();
    const jar = new Jar();
    const callback = await back(jar, OLGA);
    const target = atLocalIssuer({ OAUTH_TOKEN_TYPES: "JWT" });
    const page = await pageOf(await visit(callback, { jar, target }), 403);
    expect(page).toContain("access token is not accepted here");
    expect(lines.join()).toContain("OPERATOR_AUDIENCE, OAUTH_TOKEN_TYPES, OAUTH_ALGORITHMS: ");
    expect([...jar.cookies.keys()].some((name) => name.includes("session"))).toBe(false);
  });

  test("leads to no page of a company, nor of another site, whatever the link says", async () => {
    for (const to of [
      "/dashboard",
      "//evil.example",
      "/operator/dashboardx",
      "/operator/companies",
      "/operator/dashboard/../x",
    ]) {
      const page = await pageOf(await visit(`${HOME}/sign-in?${new URLSearchParams({ to })}`));
      expect(page).toContain(`href="${HOME}/sign-in/issuer?to=%2Foperator%2Fdashboard"`);
    }
  });
});
