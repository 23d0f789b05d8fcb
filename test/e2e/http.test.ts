import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { startTestIssuer } from "../support/issuer.ts";
import {
  type Answer,
  bash,
  type CreatedKey,
  call,
  copyProject,
  expectEnvelope,
  raw,
  signToken,
  startLatchkey,
} from "./support.ts";

const HOST = "Host: localhost\r\nConnection: close\r\n";
const JSON_TYPE = "Content-Type: application/json\r\n";
const NEW_KEY = '{"label":"A key","scopes":["jobs:read"]}';
const NO_KEY = "Invalid or missing API key";
const NO_TOKEN = "Invalid or missing access token";
const TEN_MB = "x".repeat(10_000_000);

let latchkey: Awaited<ReturnType<typeof startLatchkey>>;
let token: string;
let rawKey: string;
let bearer: string;
let apiKey: string;
/** Keys of the company: what a test made on purpose, and nothing else. */
let keys = 0;

beforeAll(async () => {
  const [issuer, dir] = await Promise.all([startTestIssuer(), copyProject()]);
  expect(await bash(dir, "npm run setup")).toMatchObject({ code: 0 });
  latchkey = await startLatchkey(dir, { OAUTH_ISSUER: issuer.url });
  const claims = {
    aud: "urn:latchkey:management",
    company_id: "acme",
    scope: "api-keys:read api-keys:write",
  };
  token = await signToken(issuer, "ES256", "at+jwt", claims);
  bearer = `Authorization: Bearer ${token}\r\n`;
  const created = await call(`${latchkey.url}/settings/api-keys`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: NEW_KEY,
  });
  keys = 1;
  ({ rawKey } = created.body as CreatedKey);
  apiKey = `X-API-Key: ${rawKey}\r\n`;
});

afterEach(async () => {
  const list = await call(`${latchkey.url}/settings/api-keys`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(list.status, "it goes on serving").toBe(200);
  expect(list.body, "and nothing was made or lost").toHaveLength(keys);
  const self = await call(`${latchkey.url}/public/v1/key`, { headers: { "X-API-Key": rawKey } });
  expect(self.status).toBe(200);
  expect(
    latchkey.output().includes(token) || latchkey.output().includes(rawKey),
    "no credential in the log",
  ).toBe(false);
});

/** One request, as it stands. */
function send(requestLine: string, headersAndBody = "\r\n"): Promise<Answer | undefined> {
  return raw(latchkey.port, `${requestLine} HTTP/1.1\r\n${HOST}${headersAndBody}`);
}

function whole(body: string): string {
  return `Content-Length: ${body.length}\r\n\r\n${body}`;
}

function chunked(...chunks: string[]): string {
  const framed = [...chunks, ""].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  return `Transfer-Encoding: chunked\r\n\r\n${framed.join("")}`;
}

/** Refused by the Worker with a 4xx, or by the server before it: then not as JSON. */
function expectRefused(answer: Answer | undefined): void {
  if (answer === undefined) return; // The connection was closed without an answer.
  expect(answer.status).toBeGreaterThanOrEqual(400);
  if (answer.body === "" && Number(answer.headers.get("Content-Length")) > 0) return; // Or in the middle of it.
  if (answer.headers.get("Content-Type")?.startsWith("application/json")) {
    expect(answer.status).toBeLessThan(500);
    expectEnvelope(answer, answer.status, (answer.body as { error: string }).error);
  }
}

test.each(["TRACE", "PUT", "OPTIONS", "PROPFIND", "PURGE", "QUERY"])(
  "%s is not allowed on keys",
  async (method) => {
    const answer = await send(`${method} /settings/api-keys`, `${bearer}\r\n`);
    expectEnvelope(answer, 405, "METHOD_NOT_ALLOWED");
    expect(answer?.headers.get("Allow")?.split(", ").sort()).toEqual(["GET", "HEAD", "POST"]);
    expectEnvelope(await send(`${method} /settings/api-keys`), 401, "UNAUTHORIZED", NO_TOKEN);
  },
);

test.each(["POST", "PUT", "PATCH", "OPTIONS"])("%s asks about a key like GET", async (method) => {
  const answer = await send(`${method} /public/v1/verify`, `${apiKey}\r\n`);
  expect(answer).toMatchObject({ status: 200, body: { companyId: "acme" } });
  expectEnvelope(await send(`${method} /public/v1/verify`), 401, "UNAUTHORIZED", NO_KEY);
});

test.each(["TRACE", "PROPFIND", "PURGE", "QUERY"])("%s needs a key as well", async (method) => {
  expectRefused(await send(`${method} /public/v1/key`));
});

test("HEAD answers like GET, without a body", async () => {
  expect(await send("HEAD /settings/api-keys", `${bearer}\r\n`)).toMatchObject({ status: 200, body: "" });
  expect(await send("HEAD /public/v1/key", `${apiKey}\r\n`)).toMatchObject({ status: 200, body: "" });
  expect(await send("HEAD /settings/api-keys")).toMatchObject({ status: 401, body: "" });
});

test.each(["FOO", "get", "CONNECT", "\u0016\u0003\u0001"])(
  "a method that HTTP does not know opens nothing: %j",
  async (method) => {
    expectRefused(await send(`${method} /settings/api-keys`, `${bearer}\r\n`));
    expectRefused(await send(`${method} /public/v1/key`, `${apiKey}\r\n`));
  },
);

test("two Authorization headers are none", async () => {
  for (const second of [bearer, "Authorization: Bearer a.b.c\r\n"]) {
    for (const headers of [bearer + second, second + bearer]) {
      const post = headers + JSON_TYPE + whole(NEW_KEY);
      expectEnvelope(await send("GET /settings/api-keys", `${headers}\r\n`), 401, "UNAUTHORIZED", NO_TOKEN);
      expectEnvelope(await send("POST /settings/api-keys", post), 401, "UNAUTHORIZED", NO_TOKEN);
    }
  }
});

test("two X-API-Key headers are none", async () => {
  for (const second of [apiKey, "X-API-Key: \r\n", "X-API-Key: lk_live_\r\n"]) {
    for (const headers of [apiKey + second, second + apiKey]) {
      expectEnvelope(await send("GET /public/v1/key", `${headers}\r\n`), 401, "UNAUTHORIZED", NO_KEY);
      expectEnvelope(await send("DELETE /public/v1/key", `${headers}\r\n`), 401, "UNAUTHORIZED", NO_KEY);
    }
  }
});

test("neither credential does the other's work", async () => {
  expectEnvelope(await send("GET /settings/api-keys", `${apiKey}\r\n`), 401, "UNAUTHORIZED", NO_TOKEN);
  expectEnvelope(await send("GET /public/v1/key", `${bearer}\r\n`), 401, "UNAUTHORIZED", NO_KEY);
});

test("a body may come in chunks of any size", async () => {
  for (const chunks of [[NEW_KEY], [...NEW_KEY], [NEW_KEY.slice(0, 9), NEW_KEY.slice(9)]]) {
    const answer = await send("POST /settings/api-keys", bearer + JSON_TYPE + chunked(...chunks));
    expect(answer).toMatchObject({ status: 201, body: { label: "A key" } });
    keys += 1;
  }
});

test("a missing body is the caller's mistake where one is needed", async () => {
  const id = "00000000-0000-4000-8000-000000000000";
  for (const framing of ["\r\n", "Content-Length: 0\r\n\r\n", chunked()]) {
    for (const type of [JSON_TYPE, ""]) {
      const answer = await send("POST /settings/api-keys", bearer + type + framing);
      expectRefused(answer);
      expect([400, 415, 422]).toContain(answer?.status);
      expectRefused(await send(`DELETE /settings/api-keys/${id}`, bearer + type + framing));
    }
  }
});

test("a key can be revoked with and without an empty body", async () => {
  for (const framing of ["Content-Length: 0\r\n\r\n", "\r\n", `${JSON_TYPE}Content-Length: 0\r\n\r\n`]) {
    const created = await send("POST /settings/api-keys", bearer + JSON_TYPE + whole(NEW_KEY));
    keys += 1;
    const path = created?.headers.get("Location");
    expect(await send(`DELETE ${path}`, bearer + framing)).toMatchObject({ status: 204 });
  }
});

test("a body of 10 MB is too large", async () => {
  const answer = await send("POST /settings/api-keys", bearer + JSON_TYPE + whole(TEN_MB));
  expectEnvelope(answer, 413, "PAYLOAD_TOO_LARGE");
  expectRefused(await send("POST /settings/api-keys", bearer + JSON_TYPE + chunked(TEN_MB)));
  expectRefused(await send("POST /settings/api-keys", JSON_TYPE + whole(TEN_MB)));
  expectRefused(await send("GET /public/v1/key", whole(TEN_MB)));
});

test("a body in chunks is counted as it comes", async () => {
  const body = chunked("x".repeat(16 * 1024 + 1));
  // Now and then wrangler's proxy answers first, in plain text: the connection that it writes to was lost.
  const answer = await vi.waitUntil(async () => {
    const told = await send("POST /settings/api-keys", bearer + JSON_TYPE + body);
    return typeof told?.body === "object" && told;
  });
  expectEnvelope(answer, 413, "PAYLOAD_TOO_LARGE");
});

test.each([
  ["a length that is no number", `Content-Length: abc\r\n\r\n${NEW_KEY}`],
  ["a negative length", `Content-Length: -1\r\n\r\n${NEW_KEY}`],
  ["two lengths", `Content-Length: 3\r\nContent-Length: 4\r\n\r\n${NEW_KEY}`],
  ["a length that never comes", `Content-Length: 99999999999\r\n\r\n${NEW_KEY}`],
  ["a body shorter than its length", `Content-Length: ${NEW_KEY.length + 10}\r\n\r\n${NEW_KEY}`],
  ["a body cut off in the middle", `Content-Length: ${NEW_KEY.length}\r\n\r\n${NEW_KEY.slice(0, 20)}`],
  ["a chunk without a size", `Transfer-Encoding: chunked\r\n\r\nzz\r\n${NEW_KEY}\r\n0\r\n\r\n`],
  ["a chunk cut off", `Transfer-Encoding: chunked\r\n\r\n28\r\n${NEW_KEY.slice(0, 20)}`],
  ["a chunk cut off before its size", "Transfer-Encoding: chunked\r\n\r\n2"],
  ["another coding", `Transfer-Encoding: gzip, chunked\r\n\r\n28\r\n${NEW_KEY}\r\n0\r\n\r\n`],
])("makes no key of %s", async (_rule, framed) => {
  expectRefused(await send("POST /settings/api-keys", bearer + JSON_TYPE + framed));
});

const ODD_PATHS = [
  "/settings/api-keys/%00",
  "/settings/api-keys/%",
  "/settings/api-keys/%ff",
  "/settings/api-keys/%2e%2e",
  "/settings/api-keys/..%2f",
  "/settings/api-keys/",
  `/settings/api-keys/${"a".repeat(8_000)}`,
  "/settings/api-keys?limit=%",
  "/settings/api-keys?cursor=%00",
  "/settings//api-keys",
  "/settings%2fapi-keys",
  "/SETTINGS/api-keys",
  "//settings/api-keys",
  "/public/v1/key/",
  "/public/v1/key/..",
  "/%E2%98%83",
  "//",
  "*",
  "",
  "settings",
  "http://",
  "http://other.example/settings/api-keys",
];

test("an odd path is refused, with a good token and without", async () => {
  for (const path of ODD_PATHS) {
    expectRefused(await send(`GET ${path}`, `${bearer}\r\n`));
    expectRefused(await send(`GET ${path}`, `${apiKey}\r\n`));
    expectRefused(await send(`GET ${path}`));
  }
});

test("a path written in another way asks for the same credential", async () => {
  for (const path of ["/settings/%61pi-keys", "/./settings/../settings/api-keys", "/settings\\api-keys"]) {
    expect(await send(`GET ${path}`, `${bearer}\r\n`)).toMatchObject({ status: 200 });
    expectEnvelope(await send(`GET ${path}`), 401, "UNAUTHORIZED", NO_TOKEN);
  }
  expectEnvelope(await send("GET /public/v1/%6bey"), 401, "UNAUTHORIZED", NO_KEY);
});

test("a header of any length or alphabet is no credential", async () => {
  for (const value of ["a".repeat(10_000), "a".repeat(100_000), "\u00ff\u00fe", "☃"]) {
    const key = await send("GET /public/v1/key", `X-API-Key: ${value}\r\n\r\n`);
    expectEnvelope(key, 401, "UNAUTHORIZED", NO_KEY);
    const bearer = await send("GET /settings/api-keys", `Authorization: Bearer ${value}\r\n\r\n`);
    expectEnvelope(bearer, 401, "UNAUTHORIZED", NO_TOKEN);
  }
  for (const value of ["a".repeat(1_000_000), "\0"]) {
    expectRefused(await send("GET /public/v1/key", `X-API-Key: ${value}\r\n\r\n`));
  }
});

test("a thousand headers hide no key", async () => {
  const many = Array.from({ length: 1_000 }, (_, index) => `X-${index}: ${index}\r\n`).join("");
  expect(await send("GET /public/v1/key", `${many}${apiKey}\r\n`)).toMatchObject({ status: 200 });
});

test("a request without a host, or with a strange one, opens nothing", async () => {
  for (const host of ["", "Host: a b\r\n", "Host: [\r\n"]) {
    expectRefused(await raw(latchkey.port, `GET /settings/api-keys HTTP/1.1\r\n${host}${bearer}\r\n`));
    expectRefused(await raw(latchkey.port, `GET /public/v1/key HTTP/1.1\r\n${host}${apiKey}\r\n`));
  }
});

test("no mistake of a caller is logged as a fault of the Worker", async () => {
  await latchkey.says(/request_refused/);
  expect(latchkey.output().match(/.*"request_failed".*/g) ?? []).toEqual([]);
});
