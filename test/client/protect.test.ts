import { exports } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { protect } from "../../src/client/protect.ts";
import { VERIFY_DEADLINE_MS } from "../../src/client/question.ts";
import type { Acceptance, KeyVerifier, VerifyResult } from "../../src/verify/contract.ts";
import { UNAVAILABLE } from "../../src/verify/decide.ts";
import { createKey, manage } from "../support/api.ts";

const GOOD: Acceptance = {
  valid: true,
  key: { id: "1", companyId: "acme", scopes: ["jobs:read"], expiresAt: null, metadata: {} },
  checkedAt: "2026-01-01T00:00:00.000Z",
  stale: false,
};

function request(headers: Record<string, string> = { "X-API-Key": "k" }): Request {
  return new Request("https://api.example/jobs?page=1", { headers });
}

/** A verifier that answers always the same. */
function always(verdict: VerifyResult) {
  return { verify: vi.fn<KeyVerifier["verify"]>().mockResolvedValue(verdict) };
}

/** The answer that is given instead of a caller. */
async function refused(answer: Promise<Acceptance | Response>) {
  const response = await answer;
  if (!(response instanceof Response)) throw new Error("let pass");
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe("protect", () => {
  test("gives the verdict on a good key: whose it is, and how fresh that is", async () => {
    const key = await createKey({ scopes: ["jobs:read"] });
    const asked = request({ "X-API-Key": key.rawKey });
    expect(await protect(asked, exports.ApiKeyVerifier, { scopes: ["jobs:read"] })).toMatchObject({
      valid: true,
      key: { id: key.id, companyId: "acme", scopes: ["jobs:read"], expiresAt: null, metadata: {} },
      checkedAt: expect.stringMatching(/Z$/),
      stale: false,
    });
  });

  test.each([
    ["UNAUTHORIZED", 401],
    ["TOKEN_EXPIRED", 401],
    ["KEY_REVOKED", 401],
    ["KEY_SUSPENDED", 403],
    ["FORBIDDEN", 403],
    ["RATE_LIMITED", 429],
    ["UNAVAILABLE", 503],
  ] as const)(
    "answers %s with %i in the envelope, and with the headers that belong to it",
    async (error, status) => {
      const message = error === "UNAVAILABLE" ? UNAVAILABLE.message : "no";
      const { headers, ...answer } = await refused(
        protect(request(), always({ valid: false, error, message })),
      );
      expect(answer).toEqual({
        status,
        body: { status, error, message, timestamp: expect.any(String), path: "/jobs" },
      });
      expect(headers.get("WWW-Authenticate")).toBe(status === 401 ? 'ApiKey realm="latchkey"' : null);
      expect(headers.get("Retry-After")).toBe({ 429: "60", 503: "5" }[Number(status)] ?? null);
      expect(headers.get("Cache-Control")).toBe("no-store");
    },
  );

  test("asks nobody about a key that is not there", async () => {
    const verifier = always(GOOD);
    expect(await refused(protect(request({}), verifier))).toMatchObject({ status: 401 });
    expect(verifier.verify).not.toHaveBeenCalled();
  });

  test("passes on the scopes, the consistency and the address that Cloudflare tells", async () => {
    const verifier = always(GOOD);
    const asked = request({ "X-API-Key": "k", "CF-Connecting-IP": "192.0.2.1" });
    await protect(asked, verifier, { scopes: ["a"], consistency: "strong" });
    await protect(asked, verifier, { clientIp: "192.0.2.2" });
    await protect(request(), verifier);
    expect(verifier.verify.mock.calls).toEqual([
      ["k", { scopes: ["a"], consistency: "strong", clientIp: "192.0.2.1" }],
      ["k", { scopes: [], clientIp: "192.0.2.2" }],
      ["k", { scopes: [] }],
    ]);
  });

  test("reads the key from another header where it is told to", async () => {
    const verifier = always(GOOD);
    const asked = request({ "X-API-Key": "k", "X-Job-Key": "j" });
    await protect(asked, verifier, { headerName: "x-job-key" });
    expect(verifier.verify.mock.calls).toEqual([["j", { scopes: [] }]]);
  });

  test("lets a stale verdict pass, or refuses it with 503 where it is told to", async () => {
    const verifier = always({ ...GOOD, stale: true });
    expect(await protect(request(), verifier)).toMatchObject({ stale: true });
    expect(await protect(request(), verifier, { stale: "accept" })).toMatchObject({ stale: true });
    const answer = await refused(protect(request(), verifier, { stale: "refuse" }));
    expect(answer).toMatchObject({ status: 503, body: { error: "UNAVAILABLE" } });
    expect(await protect(request(), always(GOOD), { stale: "refuse" })).toEqual(GOOD);
  });
});

describe("a bearer token", () => {
  const asks = async (headers: Record<string, string>, bearer?: boolean) => {
    const verifier = always(GOOD);
    const answer = await protect(request(headers), verifier, bearer === undefined ? {} : { bearer });
    return answer instanceof Response ? answer : verifier.verify.mock.calls[0]?.[0];
  };

  test.each(["Bearer k", "bearer  k", "BEARER k"])("is a key where that is allowed: %s", async (value) => {
    expect(await asks({ Authorization: value }, true)).toBe("k");
  });

  test.each(["Basic k", "Bearer", "Bearer ", "Bearer k k", "Bearer\tk", "k", ""])(
    "is nothing else: %j",
    async (value) => {
      expect(await asks({ Authorization: value }, true)).toMatchObject({ status: 401 });
    },
  );

  test("is no key where it is not allowed", async () => {
    expect(await asks({ Authorization: "Bearer k" })).toMatchObject({ status: 401 });
    expect(await asks({ Authorization: "Bearer a.jwt", "X-API-Key": "k" })).toBe("k");
  });

  test("and another key in the header are refused, as nobody can tell which is meant", async () => {
    expect(await asks({ Authorization: "Bearer k", "X-API-Key": "l" }, true)).toMatchObject({ status: 401 });
    expect(await asks({ Authorization: "Bearer k", "X-API-Key": "k" }, true)).toBe("k");
    expect(await asks({ Authorization: "Basic x", "X-API-Key": "k" }, true)).toBe("k");
  });

  test("is named by the challenge where it is allowed", async () => {
    const { headers } = await refused(protect(request({}), always(GOOD), { bearer: true }));
    expect(headers.get("WWW-Authenticate")).toBe('ApiKey realm="latchkey", Bearer realm="latchkey"');
  });
});

describe("protect never throws, and opens for a good key alone:", () => {
  test("a verifier that cannot be reached is 503, and its words stay in the log", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    const verify = vi.fn<KeyVerifier["verify"]>().mockRejectedValue(new Error("the other Worker is gone"));
    const { status, headers, body } = await refused(protect(request(), { verify }));
    expect(status).toBe(503);
    expect(headers.get("Retry-After")).toBe("5");
    expect(JSON.stringify(body)).not.toContain("gone");
    expect(log.mock.lastCall?.[0]).toContain("gone");
    log.mockRestore();
  });

  test("one that does not answer in time is 503", async () => {
    vi.useFakeTimers();
    try {
      const answer = refused(protect(request(), { verify: () => new Promise(() => {}) }));
      await vi.advanceTimersByTimeAsync(VERIFY_DEADLINE_MS);
      expect((await answer).status).toBe(503);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([
    undefined,
    null,
    "yes",
    {},
    { valid: "true", key: {} },
    { valid: 1 },
    { valid: false, error: "KEY_MELTED", message: "" },
    { valid: false, error: "toString", message: "" },
  ])("an answer that is no verdict is 503: %j", async (verdict) => {
    expect((await refused(protect(request(), always(verdict as never)))).status).toBe(503);
  });

  test.each([undefined, null, {}, { verify: "yes" }, "LATCHKEY"])(
    "what is no verifier is 500, and the log says so: %j",
    async (verifier) => {
      const log = vi.spyOn(console, "error").mockReturnValue();
      expect((await refused(protect(request(), verifier as never))).status).toBe(500);
      expect(log.mock.lastCall?.[0]).toContain("no service binding");
      log.mockRestore();
    },
  );

  test.each([
    ["scope", { scope: ["a"] }],
    ["scopes", { scopes: "a" }],
    ["scopes", { scopes: [""] }],
    ["scopes", { scopes: [1] }],
    ["consistency", { consistency: "weak" }],
    ["headerName", { headerName: "X API" }],
    ["headerName", { headerName: "" }],
    ["headerName", { headerName: "authorization" }],
    ["bearer", { bearer: "yes" }],
    ["stale", { stale: true }],
  ])("a wrong %s is 500, and the log names it: %j", async (name, options) => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    const verifier = always(GOOD);
    expect((await refused(protect(request(), verifier, options as never))).status).toBe(500);
    expect(verifier.verify).not.toHaveBeenCalled();
    expect(log.mock.lastCall?.[0]).toContain(name);
    log.mockRestore();
  });

  test("a scope that Latchkey does not know is 503, and the log of who asked says why, not the answer", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    const { rawKey } = await createKey();
    const options = { scopes: ["jobs:raed"] };
    const answer = await refused(protect(request({ "X-API-Key": rawKey }), exports.ApiKeyVerifier, options));
    expect(answer).toMatchObject({ status: 503, body: { message: UNAVAILABLE.message } });
    expect(JSON.parse(log.mock.lastCall?.[0])).toEqual({
      event: "verify_misused",
      fault: "Wrong question: a scope must be one of the catalogue: see SCOPES",
    });
    log.mockRestore();
  });

  test("a revoked key is refused", async () => {
    const key = await createKey();
    await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
    const answer = await refused(protect(request({ "X-API-Key": key.rawKey }), exports.ApiKeyVerifier));
    expect(answer).toMatchObject({ status: 401, body: { error: "KEY_REVOKED" } });
  });
});
