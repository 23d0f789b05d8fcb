import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";

/** What a browser asks before each call is asked again after so many seconds. */
const MAX_AGE_SECONDS = 600;

/** Hono middleware: web pages of every origin may read what comes next. */
export const anyOrigin: MiddlewareHandler = cors({ allowMethods: ["GET", "HEAD"], maxAge: MAX_AGE_SECONDS });

/**
 * Hono middleware: web pages of these origins, and of no other, may call what comes next, with an access token. Never
 * with credentials of the browser, such as cookies. Wants to stand before `bearer`, as pre-flights have no token.
 *
 * @param origins - As browsers send them. None: nothing is changed.
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler {
  const allow = cors({
    origin: [...origins],
    allowMethods: ["GET", "HEAD", "POST", "PATCH", "DELETE"],
    allowHeaders: ["Authorization", "Content-Type", "Idempotency-Key"],
    exposeHeaders: ["Link", "Location", "Retry-After", "WWW-Authenticate"],
    maxAge: MAX_AGE_SECONDS,
  });

  return async function allowOrigins(c, next) {
    if (origins.includes(c.req.header("Origin") ?? "")) return allow(c, next);
    await next();
    if (origins.length > 0) c.header("Vary", "Origin", { append: true });
  };
}
