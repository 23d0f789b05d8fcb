import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ShownCompany } from "../../src/operator/schema.ts";
import {
  appWith,
  call,
  createKey,
  type ManageOptions,
  manage,
  ORIGIN,
  type TokenOptions,
  token,
} from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { brokenFields, expectError, logged, stored } from "../support/expect.ts";
import { BOUND_MS, isolate } from "../support/verifier.ts";

const AUDIENCE = "urn:latchkey:operator";
const PATH = "/operator/companies/acme";
const BODY = { suspended: true, reason: "Unpaid since May" };
const target = appWith({ OPERATOR_AUDIENCE: AUDIENCE });

/** A request with an access token of the operator. */
function operate(path: string, { claims, ...options }: ManageOptions = {}) {
  return manage(path, {
    target,
    scope: "operator:read operator:write",
    claims: { aud: AUDIENCE, company_id: undefined, sub: "olga", ...claims },
    ...options,
  });
}
const get = (id = "acme") => operate(`/operator/companies/${encodeURIComponent(id)}`);
const patch = (body: unknown, id = "acme") => operate(`/operator/companies/${id}`, { method: "PATCH", body });

const routes = [
  { method: "GET", path: PATH, scope: "operator:read", other: "operator:write" },
  { method: "PATCH", path: PATH, scope: "operator:write", other: "operator:read", body: BODY },
];

describe.each(routes)("$method $path", ({ method, path, scope, other, ...rest }) => {
  const ask = (options: ManageOptions = {}) => operate(path, { method, scope, ...rest, ...options });

  test("answers 200 to the operator", async () => {
    expect((await ask()).status).toBe(200);
  });

  const mine: TokenOptions = { scope: "operator:read operator:write" };
  test.each<[string, TokenOptions]>([
    ["a company", mine],
    ["a company, with every scope", { scope: "api-keys:read api-keys:write operator:read operator:write" }],
    ["both audiences", { ...mine, claims: { aud: [AUDIENCE, env.OAUTH_AUDIENCE] } }],
    ["another audience", { ...mine, claims: { aud: "urn:other" } }],
    ["no audience", { ...mine, claims: { aud: undefined } }],
    ["another issuer", { ...mine, claims: { aud: AUDIENCE, iss: "https://evil.example" } }],
    ["a time that is over", { ...mine, claims: { aud: AUDIENCE, exp: 1 } }],
    ["sign-in, an ID token", { ...mine, claims: { aud: AUDIENCE, nonce: "x" }, header: { typ: "JWT" } }],
  ])("with a token of %s is 401 and changes nothing", async (_, options) => {
    const before = await stored();
    logged();
    const answer = await call(path, await requestOf(method, options, rest.body), target);
    await expectError(
      answer,
      answer.status === 401 && options.claims?.exp ? "TOKEN_EXPIRED" : "UNAUTHORIZED",
      path,
    );
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="latchkey"/);
    expect(await stored()).toEqual(before);
  });

  test("without a credential, or with an API key, is 401", async () => {
    const { rawKey } = await createKey();
    logged();
    for (const headers of [{}, { "X-API-Key": rawKey }, { Authorization: `Bearer ${rawKey}` }])
      await expectError(
        await call(path, { method, headers: headers as HeadersInit }, target),
        "UNAUTHORIZED",
      );
  });

  test("with the other scope is 403 and names the one it needs", async () => {
    logged();
    const { message } = await expectError(await ask({ scope: other }), "FORBIDDEN");
    expect(message).toBe(`Missing scope: ${scope}`);
  });

  test("with a query is 400, with another method 405, with too long an id 400", async () => {
    await expectError(await operate(`${path}?x=1`, { method, ...rest }), "BAD_REQUEST");
    const other = await operate(path, { method: "DELETE" });
    await expectError(other, "METHOD_NOT_ALLOWED");
    expect(other.headers.get("Allow")).toBe("GET, HEAD, PATCH");
    const long = await operate(`/operator/companies/${"x ".repeat(200)}`, { method, ...rest });
    await expectError(long, "BAD_REQUEST");
  });

  test("where there is no operator's audience does not exist, whoever asks", async () => {
    const init = await requestOf(method, { ...mine, claims: { aud: AUDIENCE } }, rest.body);
    // Past the document, which tells of the route.
    await expectError(await appWith({})(new Request(ORIGIN + path, init)), "NOT_FOUND");
  });

  test("with a wrong setting is 500, and with the database or the issuer down 503", async () => {
    logged();
    const off = (settings: object) => ask({ target: appWith({ OPERATOR_AUDIENCE: AUDIENCE, ...settings }) });
    await expectError(await off({ OPERATOR_AUDIENCE: env.OAUTH_AUDIENCE }), "INTERNAL_ERROR");
    await expectError(await off({ OPERATOR_ISSUER: "x" }), "INTERNAL_ERROR");
    await expectError(await off({ OAUTH_JWKS_URL: `${env.OAUTH_ISSUER}/nowhere` }), "UNAVAILABLE");
    const DB = hooked(env.DB, () => {
      throw new Error("D1_ERROR: Network connection lost.");
    });
    await expectError(await off({ DB }), "UNAVAILABLE");
  });
});

async function requestOf(method: string, options: TokenOptions, body?: unknown): Promise<RequestInit> {
  return {
    method,
    headers: {
      Authorization: `Bearer ${await token(options)}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
}

test("an operator's token opens nothing of a company", async () => {
  logged();
  const claims = { aud: AUDIENCE };
  for (const path of ["/settings/api-keys", "/settings/events"])
    await expectError(await manage(path, { target, claims }), "UNAUTHORIZED");
});

describe("a company", () => {
  test("for which nothing was set has what the settings say", async () => {
    expect(await (await get("Größe & Söhne/1")).json()).toEqual({
      id: "Größe & Söhne/1",
      suspendedAt: null,
      suspendedReason: null,
      maxLiveKeys: null,
      maxKeyLifetimeDays: null,
      scopes: null,
      allowedIps: null,
      rateTier: null,
    });
    expect((await env.DB.prepare("SELECT * FROM companies").all()).results).toEqual([]);
  });

  test("is suspended and resumed, and its keys everywhere within the bound", async () => {
    const { rawKey } = await createKey();
    const { clock, verify } = isolate();
    expect(await verify(rawKey)).toMatchObject({ valid: true });
    const suspended = await (await patch(BODY)).json<ShownCompany>();
    expect(suspended).toMatchObject({ suspendedAt: expect.any(String), suspendedReason: BODY.reason });
    expect(await (await get()).json()).toEqual(suspended);
    clock.now += BOUND_MS;
    expect(await verify(rawKey)).toMatchObject({ error: "KEY_SUSPENDED" });
    expect(await (await patch({ suspended: false })).json()).toMatchObject({
      suspendedAt: null,
      suspendedReason: null,
    });
    clock.now += BOUND_MS;
    expect(await verify(rawKey)).toMatchObject({ valid: true });
    const { audit_events = [] } = await stored();
    expect(audit_events.slice(1)).toMatchObject([
      { action: "suspend_company", actor_issuer: env.OAUTH_ISSUER, actor_subject: "olga", is_operator: 1 },
      { action: "resume_company", actor_subject: "olga", is_operator: 1 },
    ]);
  });

  test("gets a policy, of which what is left out stays and null is as before", async () => {
    const allowedIps = ["192.0.2.1/24", "::FFFF:198.51.100.1"];
    const policy = {
      maxLiveKeys: 2,
      maxKeyLifetimeDays: 0,
      scopes: ["jobs:read"],
      allowedIps,
      rateTier: "free",
    };
    expect(await (await patch(policy)).json()).toMatchObject({
      ...policy,
      allowedIps: ["192.0.2.0/24", "198.51.100.1"],
    });
    expect(await (await patch({ maxLiveKeys: null, allowedIps: null, rateTier: null })).json()).toMatchObject(
      {
        maxLiveKeys: null,
        maxKeyLifetimeDays: 0,
        scopes: ["jobs:read"],
        allowedIps: null,
        rateTier: null,
      },
    );
  });

  test("cannot have a rate tier that wrangler.toml has no limit for, and is told those that it has", async () => {
    const limit = { limit: async () => ({ success: true }) };
    const ask = (settings: object) =>
      operate(PATH, {
        method: "PATCH",
        body: { rateTier: "gold" },
        target: appWith({ OPERATOR_AUDIENCE: AUDIENCE, ...settings }),
      });
    const told = "must be a tier that wrangler.toml has a limit for: ";
    expect(await brokenFields(await ask({ LIMIT_PRO_PLUS: limit }))).toEqual({
      rateTier: `${told}free (LIMIT_FREE), pro_plus (LIMIT_PRO_PLUS)`,
    });
    expect(await brokenFields(await ask({ LIMIT_FREE: undefined, LIMIT_GOLD: "100" }))).toEqual({
      rateTier: `${told}it has none`,
    });
  });

  test("stays as it is with an empty body, and nothing is recorded", async () => {
    await patch({ maxLiveKeys: 2 });
    const before = await stored();
    expect(await (await patch({})).json()).toMatchObject({ maxLiveKeys: 2 });
    expect(await stored()).toEqual(before);
  });
});

test.each<[unknown, string]>([
  [{ suspended: "yes" }, "suspended"],
  [{ suspended: true, reason: 1 }, "reason"],
  [{ suspended: true, reason: "x".repeat(501) }, "reason"],
  [{ suspended: true, reason: "a\nb" }, "reason"],
  [{ reason: "x" }, "reason"],
  [{ suspended: false, reason: "x" }, "reason"],
  [{ maxLiveKeys: -1 }, "maxLiveKeys"],
  [{ maxLiveKeys: 1.5 }, "maxLiveKeys"],
  [{ maxLiveKeys: 100_001 }, "maxLiveKeys"],
  [{ maxKeyLifetimeDays: 36_501 }, "maxKeyLifetimeDays"],
  [{ scopes: ["none"] }, "scopes"],
  [{ scopes: "jobs:read" }, "scopes"],
  [{ allowedIps: [] }, "allowedIps"],
  [{ allowedIps: ["x"] }, "allowedIps"],
  [{ rateTier: "FREE" }, "rateTier"],
  [{ rateTier: "" }, "rateTier"],
  [{ rateTier: 1 }, "rateTier"],
  [{ id: "x" }, "id"],
  [[], "body"],
])("%j is 422, names %s and changes nothing", async (body, field) => {
  const before = await stored();
  expect(Object.keys(await brokenFields(await patch(body)))).toEqual([field]);
  expect(await stored()).toEqual(before);
});

test("a body that is no JSON, too long, or of another type is refused", async () => {
  const send = (body: string, headers = {}) => operate(PATH, { method: "PATCH", body, headers });
  await expectError(await send("{"), "BAD_REQUEST");
  await expectError(await send(" ".repeat(20_000)), "PAYLOAD_TOO_LARGE");
  await expectError(await send("{}", { "Content-Type": "text/plain" }), "UNSUPPORTED_MEDIA_TYPE");
});
