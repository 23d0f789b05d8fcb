import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { httpVerifier } from "../../src/client/http.ts";
import { VERIFY_DEADLINE_MS } from "../../src/client/question.ts";

const KEY = { id: "1", companyId: "acme", scopes: ["jobs:read"], expiresAt: null, metadata: {} };
const CHECKED_AT = "2026-01-01T00:00:00.000Z";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A server in Latchkey's place, the verifier that asks it, and what it was asked. */
async function latchkey(answer: RequestListener) {
  const requests: IncomingMessage[] = [];
  const sockets = new Set<unknown>();
  const server = createServer((request, response) => {
    requests.push(request);
    sockets.add(request.socket);
    answer(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const verifier = httpVerifier(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { verifier, requests, sockets, server };
}

const good: RequestListener = (_, response) => {
  response.writeHead(200, { "X-Key-Checked-At": CHECKED_AT });
  response.end(JSON.stringify(KEY));
};

function refuses(status: number, body: unknown): RequestListener {
  return (_, response) =>
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
}

describe("the verifier over HTTP", () => {
  test("gives the verdict on a good key", async () => {
    const { verifier, requests } = await latchkey(good);
    expect(await verifier.verify("k")).toEqual({
      valid: true,
      key: KEY,
      checkedAt: CHECKED_AT,
      stale: false,
    });
    expect(requests.map(({ method, url, headers }) => [method, url, headers["x-api-key"]])).toEqual([
      ["GET", "/public/v1/verify", "k"],
    ]);
  });

  test("says that a verdict is stale where Latchkey does", async () => {
    const { verifier } = await latchkey((_, response) => {
      response.writeHead(200, { "X-Key-Checked-At": CHECKED_AT, "X-Key-Stale": "true" });
      response.end(JSON.stringify(KEY));
    });
    expect(await verifier.verify("k")).toMatchObject({ valid: true, stale: true });
  });

  test("asks for each scope, and tells the caller's address", async () => {
    const { verifier, requests } = await latchkey(good);
    await verifier.verify("k", { scopes: ["jobs:read", "a&b"], clientIp: "2001:db8::1" });
    await verifier.verify("k", { clientIp: "fe80::1%eth0" });
    await verifier.verify("k", { clientIp: "unknown" });
    expect(requests.map(({ url }) => url)).toEqual([
      "/public/v1/verify?scope=jobs%3Aread&scope=a%26b&ip=2001%3Adb8%3A%3A1",
      "/public/v1/verify?ip=fe80%3A%3A1",
      "/public/v1/verify",
    ]);
  });

  test("keeps its connections for the next questions", async () => {
    const { verifier, sockets } = await latchkey(good);
    for (let i = 0; i < 20; i++) await verifier.verify("k");
    expect(sockets.size).toBeLessThanOrEqual(2);
  });

  test("keeps no verdict: a key that is revoked is refused by the next answer", async () => {
    let answer = good;
    const { verifier } = await latchkey((...args) => answer(...args));
    expect(await verifier.verify("k")).toMatchObject({ valid: true });
    answer = refuses(401, { error: "KEY_REVOKED", message: "The API key has been revoked" });
    expect(await verifier.verify("k")).toMatchObject({ valid: false, error: "KEY_REVOKED" });
  });

  test.each([
    [401, "UNAUTHORIZED"],
    [401, "TOKEN_EXPIRED"],
    [401, "KEY_REVOKED"],
    [403, "KEY_SUSPENDED"],
    [403, "FORBIDDEN"],
    [429, "RATE_LIMITED"],
    [503, "UNAVAILABLE"],
  ])("takes a %i %s as Latchkey means it", async (status, error) => {
    const { verifier } = await latchkey(refuses(status, { status, error, message: "no" }));
    expect(await verifier.verify("k")).toEqual({ valid: false, error, message: "no" });
  });

  test.each(["", "ключ", "k\r\nX-API-Key: other", "a b"])(
    "asks nobody about what cannot be a key: %j",
    async (rawKey) => {
      const { verifier, requests } = await latchkey(good);
      expect(await verifier.verify(rawKey)).toMatchObject({ error: "UNAUTHORIZED" });
      expect(requests).toEqual([]);
    },
  );
});

describe("cannot tell, which is neither good nor bad, and says so in the log:", () => {
  test.each<[string, RequestListener]>([
    ["a page of somebody else", refuses(200, "<html>")],
    [
      "a good answer without a key",
      (_, response) => void response.setHeader("X-Key-Checked-At", CHECKED_AT).end("{}"),
    ],
    ["a good answer of an older Latchkey, which does not say when it checked", refuses(200, KEY)],
    ["JSON that is no object", refuses(200, "null")],
    ["a refusal of somebody else", refuses(403, "<html>blocked</html>")],
    ["a refusal with another status", refuses(200, { error: "KEY_REVOKED", message: "" })],
    ["a refusal that is not known", refuses(401, { error: "KEY_MELTED", message: "" })],
    ["a route that is not there", refuses(404, { error: "NOT_FOUND", message: "No such route" })],
    ["a failure", refuses(500, { error: "INTERNAL_ERROR", message: "Internal error" })],
    ["a redirect", (_, response) => void response.writeHead(302, { Location: "/elsewhere" }).end()],
    ["a connection that breaks", (request) => void request.socket.destroy()],
    ["an answer that breaks", (_, response) => void response.write("{", () => response.destroy())],
  ])("%s", async (_, answer) => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    const { verifier, requests } = await latchkey(answer);
    expect(await verifier.verify("the-raw-key")).toMatchObject({ valid: false, error: "UNAVAILABLE" });
    expect(requests).toHaveLength(1);
    expect(log.mock.lastCall?.[0]).toContain("verifier_failed");
    expect(log.mock.lastCall?.[0]).not.toContain("the-raw-key");
    log.mockRestore();
  });

  test.each<[string, RequestListener]>([
    ["no answer", () => {}],
    ["an answer that does not end", (_, response) => void response.writeHead(200).write("{")],
  ])("%s in time", async (_, answer) => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    const { verifier } = await latchkey(answer);
    const startedAt = performance.now();
    expect(await verifier.verify("k")).toMatchObject({ error: "UNAVAILABLE" });
    expect(performance.now() - startedAt).toBeLessThan(VERIFY_DEADLINE_MS + 1_000);
    log.mockRestore();
  });

  test("nobody there, and once Latchkey is back the next question is answered", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    const { verifier, server } = await latchkey(good);
    const { port } = server.address() as AddressInfo;
    server.close();
    expect(await verifier.verify("k")).toMatchObject({ error: "UNAVAILABLE" });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    expect(await verifier.verify("k")).toMatchObject({ valid: true });
    log.mockRestore();
  });
});

describe("a wrong question opens nothing:", () => {
  test.each([
    ["scope", { scope: ["jobs:read"] }],
    ["scopes", { scopes: "jobs:read" }],
    ["strong", { consistency: "strong" }],
  ])("%s", async (_, options) => {
    const { verifier, requests } = await latchkey(good);
    expect(await verifier.verify("k", options as never)).toMatchObject({
      error: "UNAVAILABLE",
      message: expect.stringMatching(/^Wrong question: /),
    });
    expect(requests).toEqual([]);
  });

  test("one that Latchkey finds wrong", async () => {
    const { verifier } = await latchkey(
      refuses(400, { error: "BAD_REQUEST", message: "scope: no such scope" }),
    );
    expect(await verifier.verify("k", { scopes: ["nope"] })).toEqual({
      valid: false,
      error: "UNAVAILABLE",
      message: "Wrong question: scope: no such scope",
    });
  });
});

test.each([
  "https://latchkey.example",
  "http://localhost:8787",
  "http://127.0.0.1:8787/",
  "http://[::1]:8787",
])("Latchkey may be at %s", (origin) => {
  expect(() => httpVerifier(origin)).not.toThrow();
});

test.each([
  "",
  "latchkey.example",
  "http://latchkey.example",
  "http://localhost.example",
  "http://127.0.0.1.example",
  "ftp://localhost",
  "https://latchkey.example/public",
  "https://latchkey.example/?a",
  "https://user:password@latchkey.example",
])("Latchkey cannot be at %j: it is told where the verifier is made", (origin) => {
  expect(() => httpVerifier(origin)).toThrow("origin");
});
