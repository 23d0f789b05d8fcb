import * as z from "zod";
import type { OAuthSettings } from "./settings.ts";

export const WELL_KNOWN = "/.well-known/oauth-protected-resource";

export const resourceMetadataSchema = z.object({
  resource: z.string(),
  authorization_servers: z.array(z.string()),
  scopes_supported: z.array(z.string()),
  bearer_methods_supported: z.array(z.literal("header")),
});

/**
 * What clients learn of this API as an OAuth2 resource (RFC 9728 §2). The RFC wants an https URL for
 * `resource`, and clients that check it (§3.3) refuse a URN: they need `OAUTH_AUDIENCE` to be this API's URL.
 */
export function resourceMetadata(config: OAuthSettings): z.output<typeof resourceMetadataSchema> {
  return {
    resource: config.OAUTH_AUDIENCE,
    authorization_servers: [config.OAUTH_ISSUER],
    scopes_supported: [...new Set([config.OAUTH_READ_SCOPE, config.OAUTH_WRITE_SCOPE])].filter(Boolean),
    bearer_methods_supported: ["header"],
  };
}

/** Where the metadata is: a path of the resource comes after the well-known one (RFC 9728 §3.1). */
export function metadataPath(audience: string): string {
  const path = /^https?:/.test(audience) && URL.canParse(audience) ? new URL(audience).pathname : "/";
  return path === "/" ? WELL_KNOWN : WELL_KNOWN + path;
}
