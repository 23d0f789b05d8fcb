import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { appWith, createKey, type ManageOptions, manage, ORIGIN, token } from "../support/api.ts";
import { expectError, logged, stored } from "../support/expect.ts";
import { ask, operated, pathOf } from "../support/routes.ts";

const AUDIENCE = env.OPERATOR_AUDIENCE;
const MINE = "operator:read operator:write";

describe.each(operated)("$method $path", (route) => {
  test.each<[string, ManageOptions]>([
    ["a company", { scope: MINE }],
    ["a company, with every scope", { scope: `api-keys:read api-keys:write ${MINE}` }],
    ["both audiences", { claims: { aud: [AUDIENCE, env.OAUTH_AUDIENCE] } }],
    ["another audience", { claims: { aud: "urn:other" } }],
    ["no audience", { claims: { aud: undefined } }],
    ["another issuer", { claims: { aud: AUDIENCE, iss: "https://evil.example" } }],
    ["a time that is over", { claims: { aud: AUDIENCE, exp: 1 } }],
    ["sign-in, an ID token", { claims: { aud: AUDIENCE, nonce: "x" }, header: { typ: "JWT" } }],
  ])("with a token of %s is 401 and changes nothing", async (_, options) => {
    const key = await createKey();
    const before = await stored();
    logged();
    const answer = await ask(route, key, {
      ...options,
      claims: { aud: env.OAUTH_AUDIENCE, company_id: "acme", sub: "ada", ...options.claims },
    });
    await expectError(answer, options.claims?.exp ? "TOKEN_EXPIRED" : "UNAUTHORIZED", pathOf(route, key));
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="latchkey"/);
    expect(await stored()).toEqual(before);
  });

  test("where there is no operator's audience does not exist, whoever asks", async () => {
    const key = await createKey();
    const path = pathOf(route, key);
    const Authorization = `Bearer ${await token({ scope: MINE, claims: { aud: AUDIENCE } })}`;
    const request = new Request(ORIGIN + path, { method: route.method, headers: { Authorization } });
    // Past the document, which tells of the route.
    await expectError(await appWith({ OPERATOR_AUDIENCE: "" })(request), "NOT_FOUND", path);
  });

  test.each([
    ["the audience of companies", { OPERATOR_AUDIENCE: env.OAUTH_AUDIENCE }],
    ["an issuer that is no URL", { OPERATOR_ISSUER: "x" }],
  ])("with %s in the settings is 500", async (_, settings) => {
    logged();
    const key = await createKey();
    await expectError(await ask(route, key, { target: appWith(settings) }), "INTERNAL_ERROR");
  });

  test("with the operator's issuer down is 503", async () => {
    const target = appWith({ OAUTH_JWKS_URL: `${env.OAUTH_ISSUER}/nowhere` });
    await expectError(await ask(route, await createKey(), { target }), "UNAVAILABLE");
  });

  test("over the limit is 429 for that subject alone, but never where it revokes", async () => {
    const names: string[] = [];
    const limit = async ({ key }: { key: string }) => ({ success: names.push(key) < 0 });
    const target = appWith({ MANAGEMENT_LIMIT: { limit } });
    const answer = await ask(route, await createKey(), { target });
    const isRevocation = /\/revoke/.test(route.path);
    if (isRevocation) expect(answer.status).toBe(route.success);
    else await expectError(answer, "RATE_LIMITED");
    expect(names).toEqual(isRevocation ? [] : [JSON.stringify([env.OAUTH_ISSUER, "olga"])]);
  });
});

test("an operator's token opens nothing of a company", async () => {
  logged();
  const claims = { aud: AUDIENCE };
  for (const path of ["/settings/api-keys", "/settings/events"])
    await expectError(await manage(path, { claims }), "UNAUTHORIZED");
});
