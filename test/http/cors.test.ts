import { describe, expect, test } from "vitest";
import { appWith, call, createKey, manage, ORIGIN } from "../support/api.ts";
import { expectError } from "../support/expect.ts";

const APP = "https://app.example";
const KEYS = "/settings/api-keys";

function corsHeaders({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => /^(access-control-|vary$)/.test(name)));
}

function preflight(path: string, origin: string, method: string, target?: ReturnType<typeof appWith>) {
  const headers = {
    Origin: origin,
    "Access-Control-Request-Method": method,
    "Access-Control-Request-Headers": "authorization,content-type",
  };
  return call(path, { method: "OPTIONS", headers }, target);
}

describe("MANAGEMENT_ORIGINS", () => {
  const target = appWith({ MANAGEMENT_ORIGINS: `${APP} http://localhost:5173` });

  test.each([APP, "http://localhost:5173"])(
    "the pre-flight of %s passes, without a token",
    async (origin) => {
      const answer = await preflight(KEYS, origin, "POST", target);
      expect(answer.status).toBe(204);
      expect(corsHeaders(answer)).toEqual({
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET,HEAD,POST,PATCH,DELETE",
        "access-control-allow-headers": "Authorization,Content-Type,Idempotency-Key",
        "access-control-expose-headers": "Link,Location,Retry-After,WWW-Authenticate",
        "access-control-max-age": "600",
        vary: "Origin, Access-Control-Request-Headers",
      });
    },
  );

  test("a page of a listed origin may call, on success and on refusal, without credentials", async () => {
    const headers = { Origin: APP };
    const answers = [
      await manage(KEYS, { headers, target }),
      await manage(KEYS, { method: "POST", body: {}, headers, target }),
      await call(KEYS, { headers }, target),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 422, 401]);
    for (const answer of answers) {
      expect(corsHeaders(answer)).toEqual({
        "access-control-allow-origin": APP,
        "access-control-expose-headers": "Link,Location,Retry-After,WWW-Authenticate",
        vary: "Origin",
      });
    }
  });

  test.each([
    "https://evil.example",
    "https://app.example.evil.example",
    "https://sub.app.example",
    "http://app.example",
    "https://app.example:8443",
    "https://APP.example",
    "null",
  ])("a page of %s may not, and no cache gives it what another may have", async (origin) => {
    const before = await preflight(KEYS, origin, "POST", target);
    await expectError(before, "UNAUTHORIZED");
    const answer = await manage(KEYS, { headers: { Origin: origin }, target });
    for (const one of [before, answer]) expect(corsHeaders(one)).toEqual({ vary: "Origin" });
  });

  test("nothing but /settings is opened by it", async () => {
    const { rawKey } = await createKey();
    const headers = { Origin: APP, "X-API-Key": rawKey };
    for (const path of ["/public/v1/key", "/public/v1/verify", "/dashboard", "/health"]) {
      expect(corsHeaders(await call(path, { headers }, target))).toEqual({});
    }
  });
});

test.each([
  ["/openapi.json", {}],
  ["/.well-known/oauth-protected-resource", { OAUTH_AUDIENCE: ORIGIN }],
])("%s can be read from anywhere, pre-flights included", async (path, settings) => {
  const target = appWith(settings);
  const answer = await call(path, { headers: { Origin: "https://anything.example" } }, target);
  expect(answer.status).toBe(200);
  expect(corsHeaders(answer)).toEqual({ "access-control-allow-origin": "*" });
  const before = await preflight(path, "https://anything.example", "GET", target);
  expect(before.status).toBe(204);
  expect(before.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(before.headers.get("Access-Control-Allow-Headers")).toBe("authorization,content-type");
});
