import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { openApi } from "../../src/openapi/document.ts";
import {
  appWith,
  type CreatedKey,
  call,
  createKey,
  type ManageOptions,
  manage,
  ORIGIN,
  operate,
} from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { logged } from "../support/expect.ts";
import { REPORTS, reporter } from "../support/report.ts";
import { ask, routes } from "../support/routes.ts";
import { settingsOf } from "../support/settings.ts";

/** Switches on every route that is off by default. */
const SETTINGS = {
  SECURITY_CONTACT: "https://latchkey.example/security",
  LEAK_REPORT_KEYS_URL: "https://keys.example",
};

interface Operation {
  security: Record<string, string[]>[];
  responses: Record<string, object>;
}

type Scheme = "oauth" | "operator" | "apiKey" | "reporterKey";

/** Every status of every route of the document. */
const { paths } = openApi(settingsOf({ ...env, ...SETTINGS }), ORIGIN);
const documented = Object.entries(paths as Record<string, Record<string, Operation>>).flatMap(
  ([path, item]) =>
    Object.entries(item).flatMap(([method, { security, responses }]) =>
      Object.keys(responses).map((status) => ({
        method: method.toUpperCase(),
        path,
        status: Number(status),
        /** None where no credential is asked for. */
        scheme: Object.keys(security[0] ?? {})[0] as Scheme | undefined,
      })),
    ),
);

type Documented = (typeof documented)[number];

const NOBODY = { id: "6f1ff3f4-0000-4000-8000-000000000000" };
const LIMIT_CALLS = 100;

const usual = appWith(SETTINGS);
const withSettings = (settings: Record<string, unknown>) => appWith({ ...SETTINGS, ...settings });

/** The route's own request, but for what `options` change. */
function send(
  { method, path, scheme }: Documented,
  key: CreatedKey,
  { query = "", ...options }: ManageOptions & { query?: string } = {},
): Promise<Response> {
  const target = options.target ?? usual;
  const url = path.replace("{id}", ":id") + query;
  const route = routes.find(
    (candidate) => candidate.method === method && `${candidate.path}${query}` === url,
  );
  if (scheme === undefined) return call(url, { method }, target);
  const needs =
    scheme === "apiKey"
      ? "key"
      : (`${scheme === "operator" ? "operator" : "api-keys"}:${method === "GET" ? "read" : "write"}` as const);
  return ask({ success: 200, needs, ...route, method, path: url }, key, { ...options, target });
}

function brokenDatabase(): D1Database {
  return hooked(env.DB, () => {
    throw new Error("D1_ERROR: Network connection lost.");
  });
}

async function revoked(key: CreatedKey): Promise<void> {
  await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
}

/** A setting without which the route is closed. */
function neededBy({ scheme, path }: Documented): string {
  if (scheme === "apiKey") return "KEY_PEPPERS";
  return path.endsWith("security.txt") ? "SECURITY_CONTACT" : "OAUTH_ISSUER";
}

/** What makes a route answer with a status. */
const provocations: Record<number, (route: Documented, key: CreatedKey) => Promise<Response>> = {
  200: send,
  201: send,
  204: send,
  400(route, key) {
    if (/keys\/{id}/.test(route.path)) return send(route, { ...key, id: "x" });
    if (route.scheme === "apiKey") return send(route, key, { query: "?limit=0" });
    return route.method === "GET" ? send(route, key, { query: "?limit=0" }) : send(route, key, { body: "{" });
  },
  401: ({ method, path }, key) => call(path.replace("{id}", key.id), { method }),
  async 403(route, key) {
    if (route.scheme === "apiKey") await manage(`/settings/api-keys/${key.id}/suspend`, { method: "POST" });
    return send(route, key, { scope: "none" });
  },
  404: (route, key) => send(route, { ...key, ...NOBODY, rawKey: "none" }),
  405: (route, key) =>
    send({ ...route, method: "TRACE" }, key, { scope: "api-keys:write operator:read operator:write" }),
  async 409(route, key) {
    if (route.path.endsWith("/import"))
      return send(route, key, { target: withSettings({ IMPORTED_KEY_PATTERN: "" }) });
    if (!route.path.includes("{id}")) return send(route, key, { target: withSettings({ MAX_LIVE_KEYS: 1 }) });
    await revoked(key);
    return send(route, key);
  },
  413: (route, key) => send(route, key, { body: "x".repeat(1_100_000) }),
  415: (route, key) => send(route, key, { body: "x", headers: { "Content-Type": "text/plain" } }),
  422: (route, key) => send(route, key, { body: [] }),
  async 429(route, key) {
    const MANAGEMENT_LIMIT = { limit: async () => ({ success: false }) };
    if (route.scheme !== "apiKey") return send(route, key, { target: withSettings({ MANAGEMENT_LIMIT }) });
    const headers = { "X-API-Key": "none", "CF-Connecting-IP": crypto.randomUUID() };
    const target = withSettings({});
    for (let i = 0; i < LIMIT_CALLS; i++) {
      const answer = await send(route, key, { headers, target });
      if (answer.status === 429) return answer;
    }
    return send(route, key, { headers, target });
  },
  500: (route, key) => send(route, key, { target: withSettings({ [neededBy(route)]: "nonsense" }) }),
  async 503(route, key) {
    const settings = { DB: brokenDatabase(), OAUTH_JWKS_URL: `${env.OAUTH_ISSUER}/nowhere` };
    return send(route, key, { target: withSettings(settings) });
  },
};

const matchOf = (token: string) => ({ token, type: "latchkey_api_key", url: "https://found.example" });

/** What makes a report of leaked keys be answered with a status. */
const reportProvocations: Record<number, (key: CreatedKey) => Promise<Response>> = {
  200: async ({ rawKey }) => (await reporter()).report([matchOf(rawKey)]),
  400: async () => (await reporter()).report("["),
  401: async () => call(REPORTS, { method: "POST", body: "[]" }, withSettings({})),
  405: async () => call(REPORTS, {}, withSettings({})),
  413: async () => (await reporter()).report(" ".repeat(2_000_000)),
  415: async () => (await reporter()).report([], { "Content-Type": "text/plain" }),
  422: async () => (await reporter()).report({}),
  500: async () => call(REPORTS, { method: "POST", body: "[]" }, withSettings({ KEY_PEPPERS: "nonsense" })),
  503: async ({ rawKey }) => (await reporter({ DB: brokenDatabase() })).report([matchOf(rawKey)]),
};

test.each(documented)("$method $path answers $status, as the document says", async (route) => {
  const key = await createKey();
  logged();
  const answer = await (route.scheme === "reporterKey"
    ? reportProvocations[route.status]?.(key)
    : provocations[route.status]?.(route, key));
  expect(answer?.status).toBe(route.status);
});

test("the Allow of a 405 names the methods of the document, and HEAD where there is GET", async () => {
  for (const path of new Set(documented.map((route) => route.path))) {
    if (/\/keys\/(identify|import)$/.test(path)) continue; // where an id could stand as well
    const methods = [
      ...new Set(documented.filter((route) => route.path === path).map((route) => route.method)),
    ];
    const asked = path.startsWith("/operator/") ? operate : manage;
    const answer = await asked(path.replace("{id}", NOBODY.id), {
      method: "TRACE",
      target: withSettings({}),
    });
    if (answer.status !== 405) continue; // every method is served
    const allowed = (answer.headers.get("Allow") ?? "").split(", ").filter((method) => method !== "HEAD");
    expect([path, ...allowed.sort()]).toEqual([path, ...methods.sort()]);
  }
});
