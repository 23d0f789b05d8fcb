import { type CreatedKey, call, type ManageOptions, manage } from "./api.ts";

export interface Route {
  method: string;
  /** `:id` stands for the id of a key. */
  path: string;
  /** What opens it: an access token with this scope, or an API key. */
  needs: "api-keys:read" | "api-keys:write" | "key";
  /** A good body, for routes that read one. */
  body?: Record<string, unknown>;
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
];

export const managed = routes.filter((route) => route.needs !== "key");
export const reading = managed.filter((route) => route.method === "GET");
export const ofOneKey = routes.filter((route) => route.path.includes(":id"));
export const withBody = routes.filter((route) => route.body !== undefined);

/** The path of a route, for `key`. */
export function pathOf(route: Route, key: { id: string }): string {
  return route.path.replace(":id", key.id);
}

/** A request that the route answers with success, but for what `options` change. */
export function ask(route: Route, key: CreatedKey, options: ManageOptions = {}): Promise<Response> {
  const { method, body, needs } = route;
  const path = pathOf(route, key);
  if (needs !== "key") return manage(path, { method, ...(body && { body }), scope: needs, ...options });
  const headers = { "X-API-Key": key.rawKey, ...options.headers };
  return call(path, { method: options.method ?? method, headers }, options.target);
}
