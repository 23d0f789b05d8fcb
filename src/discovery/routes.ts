import { Hono } from "hono";
import { DAY_MS } from "../lib/time.ts";
import { metadataPath, resourceMetadata, WELL_KNOWN } from "../oauth/metadata.ts";
import type { OAuthSettings } from "../oauth/settings.ts";
import type { ContactSettings } from "./settings.ts";

/** How long the contact is good for, from each answer on: RFC 9116 §2.5.5 wants less than a year. */
const CONTACT_DAYS = 90;

/** Where tokens come from (RFC 9728), below `/.well-known/oauth-protected-resource`. */
export function metadataRoutes(settings: OAuthSettings) {
  const metadata = resourceMetadata(settings);
  return new Hono().get(metadataPath(settings.OAUTH_AUDIENCE).slice(WELL_KNOWN.length) || "/", (c) =>
    c.json(metadata),
  );
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
