import type { MiddlewareHandler } from "hono";
import { ApiError } from "../http/errors.ts";

const SAFE_METHOD = /^(GET|HEAD|OPTIONS)$/;
const LOOPBACK = /^(localhost|[^/]*\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Hono middleware: what changes something comes from a page of this origin, whatever its content type. Browsers say
 * so in Sec-Fetch-Site, older ones in Origin.
 */
export const sameOrigin: MiddlewareHandler = async function sameOrigin(c, next) {
  const site = c.req.header("Sec-Fetch-Site");
  const isOwn =
    site === undefined ? c.req.header("Origin") === new URL(c.req.url).origin : site === "same-origin";
  if (!isOwn && !SAFE_METHOD.test(c.req.method)) {
    throw new ApiError("FORBIDDEN", { message: "The form was sent by another site", reason: "csrf" });
  }
  return next();
};

/** Hono middleware: cookies without `Secure` are for loopback alone. */
export const secureOrigin: MiddlewareHandler = async function secureOrigin(c, next) {
  const { protocol, hostname } = new URL(c.req.url);
  if (protocol !== "https:" && !LOOPBACK.test(hostname)) {
    throw new ApiError("FORBIDDEN", { message: "The dashboard needs https", reason: "plain_http" });
  }
  return next();
};
