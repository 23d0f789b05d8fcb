import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";
import fastify from "fastify";
import { afterEach, describe, expect, test } from "vitest";
import { expressApiKey, fastifyApiKey, type QuestionOptions } from "../../src/client/node.ts";
import { type FakeVerifier, fakeVerifier } from "../../src/client/testing.ts";
import type { Acceptance, KeyVerifier, VerifiedKey, VerifyErrorCode } from "../../src/verify/contract.ts";

declare module "fastify" {
  interface FastifyRequest {
    apiKey: VerifiedKey;
    apiKeyVerdict: Acceptance;
  }
}

const GOOD = { rawKey: "good", companyId: "acme", scopes: ["jobs:read"] };
const SCOPES = { scopes: ["jobs:read"] };

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** The framework's server, with one protected route, that trusts a proxy on this machine. */
const SERVERS = {
  async Express(verifier: KeyVerifier, options?: QuestionOptions): Promise<string> {
    const app = express().set("trust proxy", "127.0.0.1");
    app.get("/jobs", expressApiKey(verifier, options), (_, response) => {
      const { apiKey, apiKeyVerdict } = response.locals;
      response.json({ company: apiKey.companyId, stale: apiKeyVerdict.stale });
    });
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    ends.push(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
  async Fastify(verifier: KeyVerifier, options?: QuestionOptions): Promise<string> {
    const app = fastify({ trustProxy: "127.0.0.1" });
    app.decorateRequest("apiKey");
    app.decorateRequest("apiKeyVerdict");
    app.get("/jobs", { onRequest: fastifyApiKey(verifier, options) }, async ({ apiKey, apiKeyVerdict }) => {
      return { company: apiKey.companyId, stale: apiKeyVerdict.stale };
    });
    ends.push(() => app.close());
    return app.listen({ port: 0, host: "127.0.0.1" });
  },
};

async function ask(
  server: keyof typeof SERVERS,
  verifier: FakeVerifier,
  headers: Record<string, string>,
  options: QuestionOptions = SCOPES,
): Promise<Response> {
  return fetch(`${await SERVERS[server](verifier, options)}/jobs?page=1`, { headers });
}

describe.each(["Express", "Fastify"] as const)("in %s", (server) => {
  test("a good key passes, and the handler knows whose it is", async () => {
    const answer = await ask(server, fakeVerifier({ keys: [GOOD] }), { "X-API-Key": "good" });
    expect([answer.status, await answer.json()]).toEqual([200, { company: "acme", stale: false }]);
  });

  test.each([
    ["UNAUTHORIZED", 401],
    ["TOKEN_EXPIRED", 401],
    ["KEY_REVOKED", 401],
    ["KEY_SUSPENDED", 403],
    ["FORBIDDEN", 403],
    ["RATE_LIMITED", 429],
    ["UNAVAILABLE", 503],
  ] satisfies [VerifyErrorCode, number][])(
    "%s is %i in the envelope, with its headers",
    async (error, status) => {
      const verifier = fakeVerifier({ keys: [{ ...GOOD, error }] });
      const answer = await ask(server, verifier, { "X-API-Key": "good" });
      expect(answer.status).toBe(status);
      expect(await answer.json()).toEqual({
        status,
        error,
        message: expect.any(String),
        timestamp: expect.any(String),
        path: "/jobs",
      });
      expect(answer.headers.get("Content-Type")).toBe("application/json; charset=utf-8");
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
      expect(answer.headers.get("WWW-Authenticate")).toBe(status === 401 ? 'ApiKey realm="latchkey"' : null);
      expect(answer.headers.get("Retry-After")).toBe({ 429: "60", 503: "5" }[status as number] ?? null);
    },
  );

  test("any good key passes where nothing is asked of it", async () => {
    const verifier = fakeVerifier({ keys: [{ ...GOOD, scopes: [] }] });
    const answer = await fetch(`${await SERVERS[server](verifier)}/jobs`, {
      headers: { "X-API-Key": "good" },
    });
    expect(answer.status).toBe(200);
  });

  test("a key that is not there is 401", async () => {
    expect((await ask(server, fakeVerifier({ keys: [GOOD] }), {})).status).toBe(401);
  });

  test("a key may come as a bearer token where that is allowed", async () => {
    const verifier = fakeVerifier({ keys: [GOOD] });
    const headers = { Authorization: "Bearer good" };
    expect((await ask(server, verifier, headers)).status).toBe(401);
    expect((await ask(server, verifier, headers, { bearer: true })).status).toBe(200);
  });

  test("the caller's address is the framework's: of Cloudflare's header anybody could write one", async () => {
    const verifier = fakeVerifier({ keys: [GOOD] });
    await ask(server, verifier, { "X-API-Key": "good", "CF-Connecting-IP": "192.0.2.1" });
    await ask(server, verifier, { "X-API-Key": "good", "X-Forwarded-For": "192.0.2.2, 192.0.2.3" });
    expect(verifier.calls.map(({ options }) => options)).toEqual([
      { scopes: ["jobs:read"], clientIp: "127.0.0.1" },
      { scopes: ["jobs:read"], clientIp: "192.0.2.3" },
    ]);
  });

  test("a wrong option, and what is no verifier, throw where the route is made", async () => {
    const verifier = fakeVerifier();
    await expect(ask(server, verifier, {}, { scope: [] } as never)).rejects.toThrow("scope");
    await expect(ask(server, {} as never, {})).rejects.toThrow("verifier");
  });
});
