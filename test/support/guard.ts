import { env } from "cloudflare:workers";
import { Hono } from "hono";
import type { JWTVerifyGetKey } from "jose";
import { parseConfig } from "../../src/lib/config.ts";
import { ApiError, errorResponse } from "../../src/lib/errors.ts";
import { type BearerOptions, bearer } from "../../src/oauth/bearer.ts";

/** An app behind `bearer` with keys and settings of one test's own; it answers with the principal. */
export function guard(keys: JWTVerifyGetKey, settings: Partial<BearerOptions> = {}) {
  const app = new Hono()
    .use(bearer({ ...parseConfig(env), ...settings, keys }))
    .all("/", (c) => c.json(c.var.principal));
  app.onError((error, c) =>
    errorResponse(error instanceof ApiError ? error : new ApiError("INTERNAL_ERROR"), c.req.url),
  );
  return (token: string, method = "GET") =>
    app.request("/", { method, headers: { Authorization: `Bearer ${token}` } });
}
