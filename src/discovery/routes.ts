import { Hono } from "hono";
import type { Config } from "../lib/config.ts";
import { DAY_MS } from "../lib/time.ts";
import { metadataPath, resourceMetadata } from "../oauth/metadata.ts";

/** How long the contact is good for, from each answer on: RFC 9116 §2.5.5 wants less than a year. */
const CONTACT_DAYS = 90;

/** What machines and finders of faults look for, at the root. */
export function discoveryRoutes(config: Config, now: () => number) {
  const metadata = resourceMetadata(config);
  const routes = new Hono().get(metadataPath(config.OAUTH_AUDIENCE), (c) => c.json(metadata));
  if (config.SECURITY_CONTACT === "") return routes;
  return routes.get("/.well-known/security.txt", (c) => {
    const expires = new Date(now() + CONTACT_DAYS * DAY_MS).toISOString();
    return c.text(`Contact: ${config.SECURITY_CONTACT}\nExpires: ${expires}\n`);
  });
}
