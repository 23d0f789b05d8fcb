import { beforeAll, expect, test } from "vitest";
import { startTestIssuer } from "../support/issuer.ts";
import {
  bash,
  type CreatedKey,
  call,
  copyProject,
  expectEnvelope,
  signToken,
  startLatchkey,
  type TestIssuer,
} from "./support.ts";

const COMPANY_CLAIM = "https://issuer.example/organization";
const CLAIMS = {
  aud: ["https://api.example/", "other"],
  [COMPANY_CLAIM]: "acme",
  scope: "openid keys.manage",
};

let issuer: TestIssuer;
let keysUrl: string;

beforeAll(async () => {
  const dir = await copyProject();
  issuer = await startTestIssuer();
  expect(await bash(dir, "npm run setup")).toMatchObject({ code: 0 });
  const latchkey = await startLatchkey(dir, {
    OAUTH_ISSUER: issuer.url,
    OAUTH_AUDIENCE: "https://api.example/",
    OAUTH_ALGORITHMS: "RS256",
    OAUTH_TOKEN_TYPES: "at+jwt JWT",
    OAUTH_COMPANY_CLAIM: COMPANY_CLAIM,
    OAUTH_READ_SCOPE: "",
    OAUTH_WRITE_SCOPE: "keys.manage",
  });
  keysUrl = `${latchkey.url}/settings/api-keys`;
});

function createKey(token: string) {
  return call(keysUrl, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ label: "A key", scopes: ["jobs:read"] }),
  });
}

test("a token of another issuer manages keys once the settings name that issuer", async () => {
  const token = await signToken(issuer, "RS256", "JWT", CLAIMS);
  const headers = { Authorization: `Bearer ${token}` };
  const created = await createKey(token);
  expect(created).toMatchObject({ status: 201, body: { label: "A key", active: true } });
  const { id, rawKey } = created.body as CreatedKey;

  const self = keysUrl.replace("/settings/api-keys", "/public/v1/key");
  expect(await call(self, { headers: { "X-API-Key": rawKey } })).toMatchObject({
    status: 200,
    body: { id, companyId: "acme" },
  });
  expect((await call(`${keysUrl}/${id}`, { method: "DELETE", headers })).status).toBe(204);
  expect(await call(keysUrl, { headers })).toMatchObject({ status: 200, body: [{ id, active: false }] });
});

test("a token that differs from the settings in one point manages nothing", async () => {
  const other = await startTestIssuer();
  const { [COMPANY_CLAIM]: company, ...nameless } = CLAIMS;
  const unauthorized = {
    "another issuer": await signToken(other, "RS256", "JWT", CLAIMS),
    "another issuer under this name": await signToken(other, "RS256", "JWT", { ...CLAIMS, iss: issuer.url }),
    "another audience": await signToken(issuer, "RS256", "JWT", {
      ...CLAIMS,
      aud: "urn:latchkey:management",
    }),
    "another algorithm": await signToken(issuer, "ES256", "JWT", CLAIMS),
    "another type": await signToken(issuer, "RS256", "id+jwt", CLAIMS),
  };
  for (const [rule, token] of Object.entries(unauthorized)) {
    const answer = await createKey(token);
    expect(answer.status, rule).toBe(401);
    expectEnvelope(answer, 401, "UNAUTHORIZED", "Invalid or missing access token");
  }
  const elsewhere = await signToken(issuer, "RS256", "JWT", { ...nameless, company_id: company });
  expectEnvelope(await createKey(elsewhere), 403, "FORBIDDEN", "The access token names no company");
  const reader = await signToken(issuer, "RS256", "JWT", { ...CLAIMS, scope: "api-keys:write" });
  expectEnvelope(await createKey(reader), 403, "FORBIDDEN", "Missing scope: keys.manage");
});

test("a wrong setting and a missing secret close what needs them and are named in the log", async () => {
  const latchkey = await startLatchkey(await copyProject(), { OAUTH_ALGORITHMS: "HS256" });
  const credentials = {
    Authorization: `Bearer ${await signToken(issuer, "RS256", "JWT", CLAIMS)}`,
    "X-API-Key": `lk_live_${"a".repeat(50)}`,
  };
  for (const path of ["/settings/api-keys", "/settings/scopes", "/public/v1/key"]) {
    for (const method of ["GET", "POST", "DELETE"]) {
      const answer = await call(latchkey.url + path, { method, headers: credentials });
      expectEnvelope(answer, 500, "INTERNAL_ERROR", "Internal error");
    }
  }
  expect((await call(`${latchkey.url}/health`)).status).toBe(200);
  expect((await call(`${latchkey.url}/openapi.json`)).status).toBe(500);
  await latchkey.says(/OAUTH_ALGORITHMS: must be asymmetric signature algorithms/);
  await latchkey.says(/KEY_PEPPERS: is missing/);
});
