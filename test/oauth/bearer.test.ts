import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { appWith, call, createKey, manage, token } from "../support/api.ts";
import { logged } from "../support/expect.ts";

const REALM = 'Bearer realm="latchkey"';
const INVALID_TOKEN = `${REALM}, error="invalid_token"`;
const CREATE = { label: "Careers page", scopes: ["jobs:read"] };
const ID = "0196b5f0-0000-7000-8000-000000000000";

function present(authorization: string): Promise<Response> {
  return call("/settings/api-keys", { headers: { Authorization: authorization } });
}

function unauthorized(path = "/settings/api-keys") {
  return {
    status: 401,
    error: "UNAUTHORIZED",
    message: "Invalid or missing access token",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    path,
  };
}

test.each([
  ["GET", "/settings/api-keys"],
  ["POST", "/settings/api-keys"],
  ["GET", `/settings/api-keys/${ID}`],
  ["PATCH", `/settings/api-keys/${ID}`],
  ["DELETE", `/settings/api-keys/${ID}`],
  ["POST", `/settings/api-keys/${ID}/rotate`],
  ["GET", `/settings/api-keys/${ID}/usage`],
  ["GET", "/settings/scopes"],
  ["GET", "/settings/events"],
  ["GET", "/settings/nowhere"],
])("%s %s without credentials is 401, and the challenge names no error", async (method, path) => {
  const answer = await call(path, { method });
  expect(answer.status).toBe(401);
  expect(answer.headers.get("WWW-Authenticate")).toBe(REALM);
  expect(await answer.json()).toEqual(unauthorized(path));
});

test.each(["", "Basic YWRhOmxvdmVsYWNl", "Bearerish abc", "Token abc"])(
  "credentials of another scheme, %j, are no credentials",
  async (authorization) => {
    const answer = await present(authorization);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toBe(REALM);
  },
);

test("an API key does not open the management API, in either header", async () => {
  const { rawKey } = await createKey();
  expect((await call("/settings/api-keys", { headers: { "X-API-Key": rawKey } })).status).toBe(401);
  expect((await present(`Bearer ${rawKey}`)).status).toBe(401);
});

test.each<[string, () => Promise<string>]>([
  ["malformed", async () => "abc"],
  ["absent after the scheme", async () => ""],
  ["signed by another", async () => (await token()).replace(/[^.]+$/, "A".repeat(86))],
  ["of another issuer", () => token({ claims: { iss: "https://elsewhere.example" } })],
  ["for another audience", () => token({ claims: { aud: "urn:elsewhere" } })],
  ["not valid yet", () => token({ claims: { nbf: 9_999_999_999 } })],
  ["of another type", () => token({ header: { typ: "JWT" } })],
  ["signed by an unknown key", () => token({ header: { kid: "unknown" } })],
  ["without a subject", () => token({ claims: { sub: undefined } })],
])("a token that is %s is 401 invalid_token, and nothing tells which check failed", async (_, make) => {
  const answer = await present(`Bearer ${await make()}`);
  expect(answer.status).toBe(401);
  expect(answer.headers.get("WWW-Authenticate")).toBe(INVALID_TOKEN);
  expect(await answer.json()).toEqual(unauthorized());
});

test("an expired token is 401 TOKEN_EXPIRED, with the same challenge as every bad token", async () => {
  const answer = await manage("/settings/api-keys", { claims: { exp: 1_700_000_000 } });
  expect(answer.status).toBe(401);
  expect(answer.headers.get("WWW-Authenticate")).toBe(INVALID_TOKEN);
  expect(await answer.json()).toEqual({
    ...unauthorized(),
    error: "TOKEN_EXPIRED",
    message: "The access token has expired",
  });
});

test("a refusal is logged with its reason, and without any part of the token", async () => {
  const log = logged();
  const reasons: [string, string][] = [
    ["exp: expected a time to come, found 1700000000", await token({ claims: { exp: 1_700_000_000 } })],
    [
      "nbf: expected a time that has come, found 9999999999",
      await token({ claims: { nbf: 9_999_999_999, exp: 99_999_999_999 } }),
    ],
    [
      'aud: expected "urn:latchkey:management", found "urn:elsewhere"',
      await token({ claims: { aud: "urn:elsewhere" } }),
    ],
    [
      `iss: expected "${env.OAUTH_ISSUER}", found "${env.OAUTH_ISSUER}/"`,
      await token({ claims: { iss: `${env.OAUTH_ISSUER}/` } }),
    ],
    ['typ: expected "at+jwt", found "JWT"', await token({ header: { typ: "JWT" } })],
    ["sub: expected a name, found nothing", await token({ claims: { sub: undefined } })],
    ["ERR_JWS_SIGNATURE_VERIFICATION_FAILED", (await token()).replace(/[^.]+$/, "A".repeat(86))],
    ['kid: expected a key of the issuer, found "unknown"', await token({ header: { kid: "unknown" } })],
    ["company (company_id): expected a name, found 7", await token({ company: 7 })],
    ['scope: expected "api-keys:read", found "openid"', await token({ scope: "openid" })],
    ["not a signed JWT: opaque, encrypted or malformed", `${await token()}=`],
  ];
  for (const [, bad] of reasons) await present(`Bearer ${bad}`);
  expect(log.map((line) => JSON.parse(line).reason)).toEqual(reasons.map(([reason]) => reason));
  for (const part of reasons.flatMap(([, bad]) => bad.split("."))) expect(log.join()).not.toContain(part);
});

test.each([
  ["GET", "api-keys:write", "api-keys:read"],
  ["HEAD", "api-keys:write", "api-keys:read"],
  ["POST", "api-keys:read", "api-keys:write"],
])("%s with the scope %s alone is 403 insufficient_scope, which names %s", async (method, scope, missing) => {
  const answer = await manage("/settings/api-keys", { method, scope });
  expect(answer.status).toBe(403);
  expect(answer.headers.get("WWW-Authenticate")).toBe(
    `${REALM}, error="insufficient_scope", scope="${missing}"`,
  );
  if (method === "HEAD") return;
  expect(await answer.json()).toMatchObject({ error: "FORBIDDEN", message: `Missing scope: ${missing}` });
});

test.each(["PATCH", "DELETE"])("a token that may only read changes nothing by %s", async (method) => {
  const { id, label } = await createKey();
  const refused = await manage(`/settings/api-keys/${id}`, {
    method,
    scope: "api-keys:read",
    ...(method === "PATCH" && { body: { label: "changed" } }),
  });
  expect(refused.status).toBe(403);
  const key = await manage(`/settings/api-keys/${id}`);
  expect(await key.json()).toMatchObject({ label, active: true });
});

test.each(["api-keys:read", "openid api-keys:read", "api-keys:read profile", "a  api-keys:read "])(
  "the scope %j may read",
  async (scope) => {
    expect((await manage("/settings/api-keys", { scope })).status).toBe(200);
  },
);

test.each<[unknown]>([
  ["api-keys"],
  ["api-keys:readonly"],
  ["xapi-keys:read"],
  ["API-KEYS:READ"],
  ["openid,api-keys:read"],
  ["openid\tapi-keys:read"],
  ["openid\napi-keys:read"],
  ["api-keys:read\u00a0"],
  [""],
  [undefined],
  [["api-keys:read"]],
  [{ "api-keys:read": true }],
  [true],
])("scopes are separated by spaces and compared whole: %j may not read", async (scope) => {
  const answer = await manage("/settings/api-keys", { claims: { scope, scp: "api-keys:read" } });
  expect(answer.status).toBe(403);
});

test("a scope that is set empty is not asked for, and only that one", async () => {
  const target = appWith({ OAUTH_READ_SCOPE: "" });
  expect((await manage("/settings/api-keys", { target, scope: "openid" })).status).toBe(200);
  expect((await manage("/settings/api-keys", { target, claims: { scope: undefined } })).status).toBe(200);
  const write = { target, method: "POST", body: CREATE };
  expect((await manage("/settings/api-keys", { ...write, scope: "openid" })).status).toBe(403);
  expect((await manage("/settings/api-keys", write)).status).toBe(201);
});

test.each(["bearer", "Bearer", "BEARER", "bEARER"])("%s is the scheme", async (scheme) => {
  const good = await token();
  expect((await present(`${scheme} ${good}`)).status).toBe(200);
  expect((await present(`${scheme}   ${good}`)).status).toBe(200);
});

test.each(["", "\t", " \t", ":", "=", ",", ", ", ' "', " Bearer "])(
  "between scheme and token, %j is refused",
  async (separator) => {
    expect((await present(`Bearer${separator}${await token()}`)).status).toBe(401);
  },
);

test("two Authorization fields are refused, even if both are good", async () => {
  const good = await token();
  for (const [first, second] of [
    [`Bearer ${good}`, `Bearer ${good}`],
    [`Bearer ${good}`, "Basic YWRhOmxvdmVsYWNl"],
    ["Basic YWRhOmxvdmVsYWNl", `Bearer ${good}`],
  ] as const) {
    const headers = new Headers({ Authorization: first });
    headers.append("Authorization", second);
    expect((await call("/settings/api-keys", { headers })).status).toBe(401);
  }
});

const FORM = "application/x-www-form-urlencoded";

test.each<[string, (token: string) => [string, RequestInit]]>([
  ["query", (token) => [`/settings/api-keys?access_token=${token}`, {}]],
  ["query of a POST", (token) => [`/settings/api-keys?access_token=${token}`, json(CREATE)]],
  [
    "form body",
    (token) => [
      "/settings/api-keys",
      { method: "POST", headers: { "Content-Type": FORM }, body: `access_token=${token}` },
    ],
  ],
  ["JSON body", (token) => ["/settings/api-keys", json({ ...CREATE, access_token: token })]],
  ["cookie", (token) => ["/settings/api-keys", { headers: { Cookie: `access_token=${token}` } }]],
  ["header of another name", (token) => ["/settings/api-keys", { headers: { "X-Access-Token": token } }]],
  [
    "proxy's header",
    (token) => ["/settings/api-keys", { headers: { "Proxy-Authorization": `Bearer ${token}` } }],
  ],
])("a token in the %s is no credential", async (_, request) => {
  const answer = await call(...request(await token()));
  expect(answer.status).toBe(401);
  expect(answer.headers.get("WWW-Authenticate")).toBe(REALM);
});

function json(body: unknown): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

test.each<[string, string, RequestInit]>([
  ["malformed JSON", "/settings/api-keys", { ...json({}), body: "{" }],
  ["bytes that are not UTF-8", "/settings/api-keys", { ...json({}), body: new Uint8Array([0xff]) }],
  ["a body that breaks a rule", "/settings/api-keys", json({ label: "" })],
  ["a body over 16 KiB", "/settings/api-keys", json({ label: "a".repeat(20_000) })],
  ["a body of another media type", "/settings/api-keys", { method: "POST", body: "label=a" }],
  ["a malformed id", "/settings/api-keys/x", {}],
  ["a malformed query", "/settings/api-keys?limit=x", {}],
])("credentials come before the request: %s without a token is 401", async (_, path, init) => {
  expect((await call(path, init)).status).toBe(401);
  const expired = await token({ claims: { exp: 1_700_000_000 } });
  const headers = { ...init.headers, Authorization: `Bearer ${expired}` };
  expect((await call(path, { ...init, headers })).status).toBe(401);
});

const OUTSIDERS = {
  "X-Company-Id": "globex",
  "X-Tenant-Id": "globex",
  "X-User-Id": "root",
  "X-Remote-User": "root",
  "X-Key-Scopes": "api-keys:write",
  "X-Forwarded-User": "root",
  "X-Forwarded-Host": "evil.example",
  "X-Forwarded-Proto": "gopher",
  "X-Forwarded-For": "127.0.0.1",
  "X-Original-URL": "/settings/scopes",
  "X-HTTP-Method-Override": "GET",
  Forwarded: "for=127.0.0.1;host=evil.example",
};

test("identity headers of outsiders do not authenticate", async () => {
  expect((await call("/settings/api-keys", { headers: OUTSIDERS })).status).toBe(401);
});

test("identity headers of outsiders change neither tenant, scope nor answer", async () => {
  const { id } = await createKey();
  await createKey({}, { company: "globex" });
  const path = "/settings/api-keys?limit=1";
  const [plain, dressed] = [await manage(path), await manage(path, { headers: OUTSIDERS })];
  expect([...dressed.headers]).toEqual([...plain.headers]);
  expect(await dressed.json()).toEqual(await plain.json());
  expect(await (await manage("/settings/api-keys", { headers: OUTSIDERS })).json()).toMatchObject([{ id }]);
  const write = { method: "POST", scope: "api-keys:read", headers: OUTSIDERS, body: CREATE };
  expect((await manage("/settings/api-keys", write)).status).toBe(403);
});

test.each<[unknown]>([
  [undefined],
  [null],
  [""],
  [" "],
  ["\t"],
  ["\u00a0\u3000"],
  ["\u200b\u2060"],
  ["\u0000"],
  [0],
  [7],
  [true],
  [[]],
  [["acme", "globex"]],
  [["acme", "acme"]],
  [[""]],
  [[7]],
  [[["acme"]]],
  [{}],
  [{ acme: {} }],
  [{ company_id: "acme" }],
  ["acme\ud800"],
])("a company claim of %j is 403: it is never turned into text", async (company) => {
  const answer = await manage("/settings/api-keys", { claims: { company_id: company } });
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({
    error: "FORBIDDEN",
    message: "The access token names no company",
  });
});

test("a list of exactly one company names it", async () => {
  const { id } = await createKey();
  expect(await (await manage("/settings/api-keys", { company: ["acme"] })).json()).toMatchObject([{ id }]);
});

test.each([" acme", "acme ", "ACME", "Acmé", "Acme\u0301", "acme\u0000", "acme\u200b", "аcme", "acm_", "%"])(
  "the company claim is compared as it is: %j is not acme",
  async (company) => {
    const { id } = await createKey();
    expect(await (await manage("/settings/api-keys", { company })).json()).toEqual([]);
    expect((await manage(`/settings/api-keys/${id}`, { company })).status).toBe(404);
    const own = await createKey({}, { company });
    expect(await (await manage("/settings/api-keys", { company })).json()).toMatchObject([{ id: own.id }]);
  },
);
