import { exports } from "cloudflare:workers";
import { Hono } from "hono";
import { describe, expect, test, vi } from "vitest";
import { ApiError, type ApiKeyOptions, apiKey, errorResponse } from "../../src/client/hono.ts";
import { VERIFY_DEADLINE_MS } from "../../src/client/question.ts";
import type { KeyVerifier } from "../../src/verify/contract.ts";
import { createKey, manage } from "../support/api.ts";

function api(options?: ApiKeyOptions) {
  const app = new Hono().get("/jobs", apiKey(options), (c) => c.json(c.var.apiKey));
  return (rawKey: string | null, bindings: object = { LATCHKEY: exports.ApiKeyVerifier }) =>
    app.request("/jobs?page=1", { headers: rawKey === null ? {} : { "X-API-Key": rawKey } }, bindings);
}

describe("the middleware", () => {
  test("lets a good key pass and tells the handler whose it is", async () => {
    const key = await createKey({ scopes: ["jobs:read"] });
    const answer = await api({ scopes: ["jobs:read"] })(key.rawKey);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      id: key.id,
      companyId: "acme",
      scopes: ["jobs:read"],
      expiresAt: null,
      metadata: {},
    });
  });

  test("without scopes asks for a good key only", async () => {
    const { rawKey } = await createKey();
    expect((await api()(rawKey)).status).toBe(200);
  });

  test("answers a missing or bad key with 401 in the envelope, and a challenge", async () => {
    for (const rawKey of [null, "", "lk_live_x", "a, b"]) {
      const answer = await api()(rawKey);
      expect(answer.status).toBe(401);
      expect(answer.headers.get("WWW-Authenticate")).toBe('ApiKey realm="latchkey"');
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
      expect(await answer.json()).toEqual({
        status: 401,
        error: "UNAUTHORIZED",
        message: "Invalid or missing API key",
        timestamp: expect.any(String),
        path: "/jobs",
      });
    }
  });

  test("answers a revoked key with 401 KEY_REVOKED", async () => {
    const key = await createKey();
    await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
    const answer = await api()(key.rawKey);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: "KEY_REVOKED" });
  });

  test("answers a missing scope with 403 and its name", async () => {
    const { rawKey } = await createKey({ scopes: ["jobs:read"] });
    const answer = await api({ scopes: ["jobs:read", "jobs:write"] })(rawKey);
    expect(answer.status).toBe(403);
    expect(answer.headers.get("WWW-Authenticate")).toBeNull();
    expect(await answer.json()).toMatchObject({ error: "FORBIDDEN", message: "Missing scope: jobs:write" });
  });

  test("passes the client's address on", async () => {
    const verify = vi
      .fn<KeyVerifier["verify"]>()
      .mockResolvedValue({ valid: false, error: "RATE_LIMITED", message: "Too many" });
    const app = new Hono().get("/", apiKey({ scopes: ["a"], verifier: "KEYS" }));
    const headers = { "X-API-Key": "k", "CF-Connecting-IP": "192.0.2.1" };
    const answer = await app.request("/", { headers }, { KEYS: { verify } });
    expect(verify).toHaveBeenCalledExactlyOnceWith("k", { scopes: ["a"], clientIp: "192.0.2.1" });
    expect(answer.status).toBe(429);
  });
});

describe("a verifier that cannot tell is 503, neither good nor bad:", () => {
  const ask = (verify: KeyVerifier["verify"]) => api()("k", { LATCHKEY: { verify } });

  test("one that throws", async () => {
    const answer = await ask(() => Promise.reject(new Error("the other Worker is gone")));
    expect(answer.status).toBe(503);
    expect(answer.headers.get("Retry-After")).toBe("5");
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ error: "UNAVAILABLE" });
    expect(text).not.toContain("gone");
  });

  test("one that says so", async () => {
    const answer = await ask(() =>
      Promise.resolve({ valid: false, error: "UNAVAILABLE", message: "The API key cannot be checked now" }),
    );
    expect(answer.status).toBe(503);
  });

  test("one that does not answer in time", async () => {
    vi.useFakeTimers();
    try {
      const answer = ask(() => new Promise(() => {}));
      await vi.advanceTimersByTimeAsync(VERIFY_DEADLINE_MS);
      expect((await answer).status).toBe(503);
    } finally {
      vi.useRealTimers();
    }
  });
});

const REFUSED = { valid: false, error: "RATE_LIMITED", message: "Too many" } as const;
const STALE = {
  valid: true,
  key: { id: "1", companyId: "acme", scopes: [], expiresAt: null, metadata: {} },
  checkedAt: "2026-01-01T00:00:00.000Z",
  stale: true,
} as const;

/** Asks an app that has the middleware, and a verifier that answers always the same. */
function askWith(options: ApiKeyOptions, verdict: Awaited<ReturnType<KeyVerifier["verify"]>>) {
  const verify = vi.fn<KeyVerifier["verify"]>().mockResolvedValue(verdict);
  const app = new Hono().get("/", apiKey(options), (c) => c.json(c.var.apiKeyVerdict));
  app.onError((error, c) =>
    error instanceof ApiError
      ? c.text(`onError: ${error.code}`, error.status)
      : errorResponse(new ApiError("INTERNAL_ERROR"), c.req.url),
  );
  const headers = { "X-API-Key": "k", "X-Job-Key": "j" };
  return { verify, answer: app.request("/", { headers }, { LATCHKEY: { verify }, OTHER: { verify } }) };
}

describe("its options", () => {
  test("ask as protect does: consistency, another header", async () => {
    const { verify, answer } = askWith({ consistency: "strong", headerName: "X-Job-Key" }, STALE);
    expect((await answer).status).toBe(200);
    expect(verify.mock.calls).toEqual([["j", { scopes: [], consistency: "strong" }]]);
  });

  test("show the handler how fresh the verdict is, and refuse a stale one where they say so", async () => {
    expect(await (await askWith({}, STALE).answer).json()).toEqual(STALE);
    expect((await askWith({ stale: "refuse" }, STALE).answer).status).toBe(503);
  });

  test("take a verifier that a function gives", async () => {
    const verify = vi.fn<KeyVerifier["verify"]>().mockResolvedValue(STALE);
    const { answer, verify: bound } = askWith({ verifier: () => ({ verify }) }, REFUSED);
    expect((await answer).status).toBe(200);
    expect(bound).not.toHaveBeenCalled();
    expect((await askWith({ verifier: (c) => c.env.OTHER }, STALE).answer).status).toBe(200);
  });

  test("answer a refusal in a form of one's own", async () => {
    const onRefusal: ApiKeyOptions["onRefusal"] = ({ code, status, headers, message }, c) =>
      c.json({ code, message }, status, headers);
    const answer = await askWith({ onRefusal }, REFUSED).answer;
    expect(answer.status).toBe(429);
    expect(answer.headers.get("Retry-After")).toBe("60");
    expect(await answer.json()).toEqual({ code: "RATE_LIMITED", message: "Too many" });
  });

  test("throw a refusal to the app's onError where they are told to", async () => {
    const onRefusal: ApiKeyOptions["onRefusal"] = (refusal) => {
      throw refusal;
    };
    const answer = await askWith({ onRefusal }, REFUSED).answer;
    expect([answer.status, await answer.text()]).toEqual([429, "onError: RATE_LIMITED"]);
  });
});

describe("a mistake in the set-up is told where it is made:", () => {
  test.each([
    ["scopes", { scopes: [""] }],
    ["scopes", { scopes: [1] }],
    ["scope", { scope: ["jobs:read"] }],
    ["clientIp", { clientIp: "192.0.2.1" }],
    ["consistency", { consistency: "weak" }],
    ["headerName", { headerName: "" }],
    ["bearer", { bearer: 1 }],
    ["stale", { stale: "no" }],
    ["verifier", { verifier: "" }],
    ["verifier", { verifier: {} }],
    ["onRefusal", { onRefusal: "no" }],
  ])("%s of %j", (name, options) => {
    expect(() => apiKey(options as never)).toThrow(name);
  });

  test("a binding that is not there, by name, and nothing is opened", async () => {
    const errors: Error[] = [];
    const app = new Hono().get("/", apiKey({ verifier: "KEYS" }), (c) => c.text("open"));
    app.onError((error, c) => {
      errors.push(error);
      return c.text("closed", 500);
    });
    for (const bindings of [{}, undefined, { KEYS: "kv" }]) {
      const answer = await app.request("/", { headers: { "X-API-Key": "k" } }, bindings);
      expect(await answer.text()).toBe("closed");
    }
    expect(errors.map((error) => error.message)).toEqual(
      Array(3).fill("apiKey: KEYS is no service binding to Latchkey"),
    );
  });

  test("options changed afterwards change nothing", async () => {
    const { rawKey } = await createKey({ scopes: ["jobs:read"] });
    const scopes = ["jobs:write"];
    const ask = api({ scopes });
    scopes.length = 0;
    expect((await ask(rawKey)).status).toBe(403);
  });
});
