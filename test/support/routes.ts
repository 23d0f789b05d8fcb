import { type CreatedKey, call, type ManageOptions, manage, operate, operatorToken, token } from "./api.ts";

export interface Route {
  method: string;
  /** `:id` stands for the id of a key, or of its company. */
  path: string;
  /** What opens it: an access token with this scope, of a company or of the operator, or an API key. */
  needs: "api-keys:read" | "api-keys:write" | "operator:read" | "operator:write" | "key";
  /** A good body, for routes that read one; `:rawKey` stands for that of the key. */
  body?: Record<string, unknown>;
  /** The largest body that is read, in KiB: 16 where nothing else is said. */
  maxKib?: number;
  /** Changes nothing, though it is no GET. */
  isQuestion?: boolean;
  success: number;
  /** What it answers without its body. */
  bodiless?: number;
  /** Rows that its success adds. */
  adds?: { keys: number; events: number };
}

/** Every route of the contract, for the suites that hold for all of them: a new route is a line here. */
export const routes: Route[] = [
  {
    method: "POST",
    path: "/settings/api-keys",
    needs: "api-keys:write",
    body: { label: "Another key", scopes: ["jobs:read"] },
    success: 201,
    bodiless: 422,
    adds: { keys: 1, events: 1 },
  },
  { method: "GET", path: "/settings/api-keys", needs: "api-keys:read", success: 200 },
  { method: "GET", path: "/settings/api-keys/:id", needs: "api-keys:read", success: 200 },
  {
    method: "PATCH",
    path: "/settings/api-keys/:id",
    needs: "api-keys:write",
    body: { label: "Another label" },
    success: 200,
    bodiless: 200,
  },
  { method: "DELETE", path: "/settings/api-keys/:id", needs: "api-keys:write", success: 204 },
  {
    method: "POST",
    path: "/settings/api-keys/:id/rotate",
    needs: "api-keys:write",
    body: { overlapSeconds: 60 },
    success: 201,
    bodiless: 201,
    adds: { keys: 1, events: 2 },
  },
  { method: "POST", path: "/settings/api-keys/:id/suspend", needs: "api-keys:write", success: 200 },
  {
    method: "POST",
    path: "/settings/api-keys/:id/resume",
    needs: "api-keys:write",
    success: 200,
    adds: { keys: 0, events: 0 },
  },
  { method: "GET", path: "/settings/api-keys/:id/usage", needs: "api-keys:read", success: 200 },
  { method: "GET", path: "/settings/events", needs: "api-keys:read", success: 200 },
  { method: "GET", path: "/settings/scopes", needs: "api-keys:read", success: 200 },
  { method: "GET", path: "/public/v1/key", needs: "key", success: 200 },
  { method: "DELETE", path: "/public/v1/key", needs: "key", success: 204 },
  { method: "GET", path: "/public/v1/verify", needs: "key", success: 200 },
  { method: "GET", path: "/operator/companies/:id", needs: "operator:read", success: 200 },
  {
    method: "PATCH",
    path: "/operator/companies/:id",
    needs: "operator:write",
    body: { suspended: true, reason: "Unpaid since May" },
    success: 200,
    bodiless: 200,
  },
  {
    method: "POST",
    path: "/operator/companies/:id/revoke-all",
    needs: "operator:write",
    body: { dryRun: false },
    success: 200,
    bodiless: 200,
  },
  { method: "GET", path: "/operator/companies", needs: "operator:read", success: 200 },
  { method: "GET", path: "/operator/events", needs: "operator:read", success: 200 },
  { method: "GET", path: "/operator/usage", needs: "operator:read", success: 200 },
  { method: "GET", path: "/operator/status", needs: "operator:read", success: 200 },
  { method: "GET", path: "/operator/keys", needs: "operator:read", success: 200 },
  { method: "GET", path: "/operator/keys/:id", needs: "operator:read", success: 200 },
  {
    method: "POST",
    path: "/operator/keys/identify",
    needs: "operator:read",
    body: { key: ":rawKey" },
    isQuestion: true,
    success: 200,
    bodiless: 422,
    adds: { keys: 0, events: 0 },
  },
  {
    method: "POST",
    path: "/operator/keys/import",
    needs: "operator:write",
    body: {
      keys: [
        {
          companyId: "acme",
          label: "Careers page",
          scopes: ["jobs:read"],
          keyPrefix: "old_Aa",
          key: "old_AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTt",
        },
      ],
    },
    maxKib: 1024,
    success: 200,
    bodiless: 422,
    adds: { keys: 1, events: 1 },
  },
  { method: "POST", path: "/operator/keys/:id/revoke", needs: "operator:write", success: 200 },
  { method: "POST", path: "/operator/keys/:id/suspend", needs: "operator:write", success: 200 },
  {
    method: "POST",
    path: "/operator/keys/:id/resume",
    needs: "operator:write",
    success: 200,
    adds: { keys: 0, events: 0 },
  },
];

/** Of a company's admin. */
export const managed = routes.filter((route) => route.needs.startsWith("api-keys:"));
/** Of whoever runs the service. */
export const operated = routes.filter((route) => route.needs.startsWith("operator:"));
/** By an access token. */
export const byToken = [...managed, ...operated];
export const reading = byToken.filter((route) => route.method === "GET");
export const ofOneKey = routes.filter((route) => /keys\/:id/.test(route.path));
export const withBody = routes.filter((route) => route.body !== undefined);

/** The path of a route, for `key`. */
export function pathOf(route: Route, key: { id: string }): string {
  return route.path.replace("companies/:id", "companies/acme").replace(":id", key.id);
}

/** The body of a route, for `key`. */
export function bodyOf({ body }: Route, key: CreatedKey): string | undefined {
  return body && JSON.stringify(body).replace(":rawKey", key.rawKey);
}

/** The access token that opens a route. */
export function tokenOf({ needs }: Route): Promise<string> {
  return needs.startsWith("operator:") ? operatorToken() : token();
}

/** The scope that reads where the route needs the one that writes, and the other way round. */
export function otherScope({ needs }: Route): string {
  const [whose, what] = needs.split(":");
  return `${whose}:${what === "read" ? "write" : "read"}`;
}

/** A request that the route answers with success, but for what `options` change. */
export function ask(route: Route, key: CreatedKey, options: ManageOptions = {}): Promise<Response> {
  const { method, needs } = route;
  const path = pathOf(route, key);
  const body = bodyOf(route, key);
  const own = { method, ...(body && { body }), scope: needs, ...options };
  if (needs.startsWith("operator:")) return operate(path, own);
  if (needs !== "key") return manage(path, own);
  const headers = { "X-API-Key": key.rawKey, ...options.headers };
  return call(path, { method: options.method ?? method, headers }, options.target);
}
