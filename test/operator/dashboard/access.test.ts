import { env } from "cloudflare:workers";
import { dirname } from "node:path/posix";
import { describe, expect, test } from "vitest";
import { createKey, ORIGIN, operatorToken, type TokenOptions } from "../../support/api.ts";
import { hooked } from "../../support/d1.ts";
import {
  Jar,
  operatorSignedIn,
  pageOf,
  signedIn,
  type VisitOptions,
  visit,
  withDashboard,
} from "../../support/dashboard.ts";
import { expectError, logged, stored } from "../../support/expect.ts";

const HOME = "/operator/dashboard";
const JSON_ONLY = { Accept: "application/json" };
const SCOPES = "api-keys:read api-keys:write operator:read operator:write";
const AUDIENCE = env.OPERATOR_AUDIENCE;

/** `:id` stands for the id of a key. */
const PAGES = [
  HOME,
  `${HOME}/companies/acme`,
  `${HOME}/companies/acme/revoke-all`,
  `${HOME}/keys`,
  `${HOME}/keys?prefix=lk_live_`,
  `${HOME}/keys/:id`,
  `${HOME}/keys/:id/revoke`,
  `${HOME}/status`,
];
/** Every form that changes something. */
const FORMS: [string, Record<string, string>][] = [
  [`${HOME}/companies/acme/suspend`, { reason: "Unpaid since May" }],
  [`${HOME}/companies/acme/resume`, {}],
  [`${HOME}/companies/acme/policy`, { maxLiveKeys: "7", hasAllScopes: "yes" }],
  [`${HOME}/companies/acme/revoke-all`, {}],
  [`${HOME}/keys/:id/suspend`, {}],
  [`${HOME}/keys/:id/resume`, {}],
  [`${HOME}/keys/:id/revoke`, {}],
];
/** Those that ask for something. */
const SEARCHES: [string, Record<string, string>][] = [
  [`${HOME}/search`, { q: "acme" }],
  [`${HOME}/keys/search`, { q: "lk_live_" }],
];
const everything = async () => [
  await stored(),
  (await env.DB.prepare("SELECT * FROM companies").all()).results,
];

type Asked = [string, Record<string, string> | undefined];
const pages = PAGES.map((path): Asked => [path, undefined]);
const ALL: Asked[] = [...pages, ...FORMS, ...SEARCHES];

/** Asks each of these for one key, and expects that nothing is changed by it. */
async function askEach(
  paths: readonly Asked[],
  options: VisitOptions,
  check: (answer: Response, path: string) => Promise<unknown>,
): Promise<void> {
  const key = await createKey();
  const before = await everything();
  for (const [path, form] of paths) {
    const answer = await visit(path.replace(":id", key.id), { ...options, ...(form && { form }) });
    await check(answer, path);
    expect(await everything(), path).toEqual(before);
  }
}

/** The cookies of a jar under the names of the other pages. */
function renamed(jar: Jar, from: string, to: string): Jar {
  const other = new Jar();
  for (const [name, value] of jar.cookies) other.cookies.set(name.replace(from, to), value);
  return other;
}

const COMPANY_COOKIE = "__Host-latchkey-session";
const OPERATOR_COOKIE = "__Host-latchkey-operator-session";

describe("a page or a form", () => {
  test("without a session leads to the operator's own way to sign in, and back", async () => {
    const toOf = (answer: Response) => {
      expect(answer.status).toBe(303);
      const to = new URL(answer.headers.get("Location") ?? "", ORIGIN);
      expect(to.pathname).toBe(`${HOME}/sign-in`);
      return to.searchParams.get("to")?.replace(/[0-9a-f-]{36}/, ":id");
    };
    await askEach(pages, {}, async (answer, path) => expect(toOf(answer)).toBe(path));
    await askEach([...FORMS, ...SEARCHES], {}, async (answer, path) =>
      expect(toOf(answer)).toBe(dirname(path)),
    );
  });

  test("does not take an access token in place of a session", async () => {
    const headers = { ...JSON_ONLY, Authorization: `Bearer ${await operatorToken()}` };
    await askEach(ALL, { headers }, (answer) => expectError(answer, "UNAUTHORIZED"));
  });

  test.each<[string, () => Promise<Jar>]>([
    ["a company's session, with every scope", () => signedIn({ scope: SCOPES })],
    [
      "a company's session under the operator's name",
      async () => renamed(await signedIn({ scope: SCOPES }), COMPANY_COOKIE, OPERATOR_COOKIE),
    ],
    [
      "a company's session with an operator's token, under the operator's name",
      async () => {
        const jar = await signedIn({ scope: SCOPES, claims: { aud: AUDIENCE, company_id: undefined } });
        return renamed(jar, COMPANY_COOKIE, OPERATOR_COOKIE);
      },
    ],
    ["a company's token", () => operatorSignedIn({ scope: SCOPES, claims: { aud: env.OAUTH_AUDIENCE } })],
    ["a token for both", () => operatorSignedIn({ claims: { aud: [AUDIENCE, env.OAUTH_AUDIENCE] } })],
    ["a token for another API", () => operatorSignedIn({ claims: { aud: "urn:other" } })],
    ["a token for nothing", () => operatorSignedIn({ claims: { aud: undefined } })],
    ["another issuer's token", () => operatorSignedIn({ claims: { iss: "https://evil.example" } })],
    ["an ID token", () => operatorSignedIn({ claims: { nonce: "x" }, header: { typ: "JWT" } })],
  ])("with %s shows nothing and changes nothing", async (_, jar) => {
    logged();
    const options = { jar: await jar(), headers: JSON_ONLY };
    await askEach(ALL, options, (answer) => expectError(answer, "UNAUTHORIZED"));
  });

  test("with a token that is over shows nothing and changes nothing", async () => {
    const claims = { exp: Math.floor(Date.now() / 1000) - 60 };
    for (const path of ALL) {
      const options = { jar: await operatorSignedIn({ claims }), headers: JSON_ONLY };
      await askEach([path], options, (answer) => expectError(answer, "TOKEN_EXPIRED"));
    }
  });

  test("with a session that is over shows nothing and changes nothing", async () => {
    const jar = await operatorSignedIn();
    await env.DB.exec(`UPDATE dashboard_sessions SET ends_at = ${Date.now() - 1}`);
    await askEach(ALL, { jar, headers: JSON_ONLY }, (answer) => expectError(answer, "TOKEN_EXPIRED"));
  });

  test.each([{ OPERATOR_AUDIENCE: "" }, { OAUTH_CLIENT_ID: "" }])(
    "does not exist with %j, whoever asks",
    async (settings) => {
      const jar = await operatorSignedIn();
      const options = { jar, headers: JSON_ONLY, target: withDashboard(settings) };
      await askEach(ALL, options, (answer) => expectError(answer, "NOT_FOUND"));
    },
  );
});

describe("a page", () => {
  const questions = pages.filter(([path]) => /\/revoke(-all)?$/.test(path));

  test("is shown to who may read, a question to who may write as well", async () => {
    const shown = (answer: Response) => pageOf(answer);
    const reader = await operatorSignedIn({ scope: "operator:read" });
    await askEach(
      pages.filter((one) => !questions.includes(one)),
      { jar: reader },
      shown,
    );
    await askEach(questions, { jar: reader }, async (answer) =>
      expect(await pageOf(answer, 403)).toContain("Missing scope: operator:write"),
    );
    await askEach(questions, { jar: await operatorSignedIn() }, shown);
  });

  test("without the scope to read is 403, and so is a search", async () => {
    const jar = await operatorSignedIn({ scope: "operator:write" });
    await askEach([...pages, ...SEARCHES], { jar }, async (answer) =>
      expect(await pageOf(answer, 403)).toContain("Missing scope: operator:read"),
    );
  });

  test("while the database fails is a page that says so", async () => {
    logged();
    const DB = hooked(env.DB, () => Promise.reject(new Error("D1_ERROR: Network connection lost.")));
    const options = { jar: await operatorSignedIn(), target: withDashboard({ DB }) };
    await askEach(pages, options, async (answer) =>
      expect(await pageOf(answer, 503)).not.toContain("D1_ERROR"),
    );
  });
});

describe("a form", () => {
  test.each([
    ["another site", { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }],
    ["a sibling of this site", { Origin: "https://evil.latchkey.example", "Sec-Fetch-Site": "same-site" }],
    ["a page without an origin", { Origin: "null", "Sec-Fetch-Site": "cross-site" }],
    ["something that says nothing of itself", { Origin: "", "Sec-Fetch-Site": "" }],
  ])("sent by %s is refused and changes nothing", async (_, headers) => {
    await askEach(FORMS, { jar: await operatorSignedIn(), headers }, async (answer) =>
      expect(await pageOf(answer, 403)).toContain("The form was sent by another site"),
    );
  });

  test("sent by somebody who may only read is 403, names the scope and changes nothing", async () => {
    const jar = await operatorSignedIn({ scope: "operator:read" });
    await askEach(FORMS, { jar }, async (answer) =>
      expect(await pageOf(answer, 403)).toContain("Missing scope: operator:write"),
    );
  });

  test.each([
    ["as JSON", "application/json", "{}", "UNSUPPORTED_MEDIA_TYPE"],
    ["that is none", "multipart/form-data; boundary=x", "nothing", "BAD_REQUEST"],
    ["of more than 16 KiB", "application/x-www-form-urlencoded", "x".repeat(17 * 1024), "PAYLOAD_TOO_LARGE"],
  ] as const)("%s is refused and changes nothing", async (_, type, body, code) => {
    const key = await createKey();
    const before = await everything();
    const { header: Cookie } = await operatorSignedIn();
    const target = withDashboard();
    // Of a form without fields nothing is read.
    const read =
      code === "PAYLOAD_TOO_LARGE" ? FORMS : FORMS.filter(([, form]) => Object.keys(form).length > 0);
    for (const [path] of [...read, ...SEARCHES]) {
      const headers = { ...JSON_ONLY, Cookie, Origin: ORIGIN, "Content-Type": type };
      const url = ORIGIN + path.replace(":id", key.id);
      await expectError(await target(new Request(url, { method: "POST", headers, body })), code);
    }
    expect(await everything()).toEqual(before);
  });

  test("over the limit is 429 for that operator alone, but never where it revokes", async () => {
    const names: string[] = [];
    const limit = async ({ key }: { key: string }) => ({ success: names.push(key) < 0 });
    const options = { jar: await operatorSignedIn(), target: withDashboard({ MANAGEMENT_LIMIT: { limit } }) };
    const others = FORMS.filter(([path]) => !/\/revoke/.test(path));
    await askEach(others, options, async (answer) => expect(answer.status).toBe(429));
    expect(names).toEqual(others.map(() => JSON.stringify([env.OAUTH_ISSUER, "olga"])));
    const { id } = await createKey();
    for (const path of [`${HOME}/keys/${id}/revoke`, `${HOME}/companies/acme/revoke-all`])
      expect((await visit(path, { ...options, form: {} })).status).toBe(303);
    expect(names).toHaveLength(others.length);
  });
});

describe("an operator's session", () => {
  const companyPages = ["/dashboard", "/dashboard/events", "/dashboard/keys/new"];

  test.each(companyPages)("opens nothing of a company: %s", async (path) => {
    logged();
    const claims = { company_id: "acme" };
    const jar = await operatorSignedIn({ scope: SCOPES, claims });
    for (const one of [
      jar,
      renamed(jar, OPERATOR_COOKIE, COMPANY_COOKIE),
      await signedIn({ scope: SCOPES, claims: { aud: AUDIENCE } }),
    ])
      await expectError(await visit(path, { jar: one, headers: JSON_ONLY }), "UNAUTHORIZED");
  });

  test("opens nothing of the API, whose access tokens open no page", async () => {
    const jar = await operatorSignedIn();
    for (const path of ["/operator/companies", "/operator/status", "/operator/keys"])
      await expectError(await visit(path, { jar, headers: JSON_ONLY }), "UNAUTHORIZED");
  });

  test("goes on beside one of a company, in the same browser, and each ends alone", async () => {
    const jar = await operatorSignedIn();
    for (const [name, value] of (await signedIn()).cookies) jar.cookies.set(name, value);
    expect(await pageOf(await visit(HOME, { jar }))).toContain("ada@acme.example · operator");
    expect(await pageOf(await visit("/dashboard", { jar }))).toContain("ada@acme.example · acme");
    await visit("/dashboard/sign-out", { jar, form: {} });
    expect([...jar.cookies.keys()]).toEqual([OPERATOR_COOKIE]);
    await pageOf(await visit(HOME, { jar }));
    for (const [name, value] of (await signedIn()).cookies) jar.cookies.set(name, value);
    await visit(`${HOME}/sign-out`, { jar, form: {} });
    expect([...jar.cookies.keys()]).toEqual([COMPANY_COOKIE]);
    await pageOf(await visit("/dashboard", { jar }));
  });
});

test("a page that is not there is 404 to who is signed in, and the way to sign in for others", async () => {
  const path = `${HOME}/nothing`;
  await pageOf(await visit(path, { jar: await operatorSignedIn() }), 404);
  expect((await visit(path)).headers.get("Location")).toBe(
    `${HOME}/sign-in?to=%2Foperator%2Fdashboard%2Fnothing`,
  );
  const answer = await visit(`${HOME}/status`, { jar: await operatorSignedIn(), form: {} });
  expect(await pageOf(answer, 405)).toContain("This address is only for forms");
});

test("without the dashboard's settings the API goes on", async () => {
  const token: TokenOptions = { scope: "operator:read" };
  const headers = { ...JSON_ONLY, Authorization: `Bearer ${await operatorToken(token)}` };
  for (const settings of [{ OAUTH_CLIENT_ID: "" }, { OAUTH_CLIENT_SECRET: undefined }]) {
    logged();
    expect((await visit("/operator/companies", { headers, target: withDashboard(settings) })).status).toBe(
      200,
    );
  }
});
