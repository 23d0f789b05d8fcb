import { Hono } from "hono";
import { anyOrigin } from "../http/cors.ts";
import { ApiError } from "../http/errors.ts";
import { DAY_MS } from "../lib/time.ts";
import { type ResourceSettings, resources } from "../oauth/metadata.ts";
import type { ContactSettings } from "./settings.ts";

/** How long the contact is good for, from each answer on: RFC 9116 §2.5.5 wants less than a year. */
const CONTACT_DAYS = 90;

/** Where tokens come from (RFC 9728), below `/.well-known/oauth-protected-resource`. */
export function metadataRoutes(settings: ResourceSettings) {
  const all = resources(settings);
  return new Hono().use(anyOrigin).get("*", (c) => {
    const { origin, pathname } = new URL(c.req.url);
    const found = all.find(({ url, path }) => url.origin === origin && path === pathname);
    if (found === undefined) throw new ApiError("NOT_FOUND", { message: "No such route" });
    return c.json(found.metadata);
  });
}

/** Whom to tell of a fault (RFC 9116), at `/.well-known/security.txt`. */
export function contactRoutes({ SECURITY_CONTACT }: ContactSettings, now: () => number) {
  const routes = new Hono();
  if (SECURITY_CONTACT === "") return routes;
  return routes.get("/", (c) => {
    const expires = new Date(now() + CONTACT_DAYS * DAY_MS).toISOString();
    return c.text(`Contact: ${SECURITY_CONTACT}\nExpires: ${expires}\n`);
  });
}
