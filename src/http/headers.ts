import type { MiddlewareHandler } from "hono";
import { YEAR_SECONDS } from "../lib/time.ts";

/** What every answer carries, but for what it has of its own: OWASP's REST Security Cheat Sheet. */
const OVER_HTTP = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};
/** RFC 6797 §7.2 forbids its header over plain http. */
const OVER_HTTPS = {
  ...OVER_HTTP,
  "Strict-Transport-Security": `max-age=${YEAR_SECONDS}; includeSubDomains`,
};
const JSON_TYPE = { "Content-Type": "application/json; charset=utf-8" };
const JSON_OVER_HTTP = new Response(null, { headers: { ...OVER_HTTP, ...JSON_TYPE } });
const JSON_OVER_HTTPS = new Response(null, { headers: { ...OVER_HTTPS, ...JSON_TYPE } });

/**
 * Status and headers of an answer in JSON to a request for `url`: shared, to be copied and never changed. Of a Response
 * the runtime copies them at once; `{ headers }` it reads member by member.
 */
export function jsonHead(url: string): Response {
  return isHttps(url) ? JSON_OVER_HTTPS : JSON_OVER_HTTP;
}

/** Gives `answer`, to a request for `url`, the headers that it still lacks. */
export function completeHeaders({ headers }: Response, url: string): void {
  for (const [name, value] of Object.entries(isHttps(url) ? OVER_HTTPS : OVER_HTTP)) {
    if (!headers.has(name)) headers.set(name, value);
  }
  if (headers.get("Content-Type") === "application/json") {
    headers.set("Content-Type", JSON_TYPE["Content-Type"]);
  }
}

/** Hono middleware: `completeHeaders` for every answer of what comes next. */
export const answerHeaders: MiddlewareHandler = async function answerHeaders(c, next) {
  await next();
  completeHeaders(c.res, c.req.url);
};

function isHttps(url: string): boolean {
  return url.startsWith("https:");
}
