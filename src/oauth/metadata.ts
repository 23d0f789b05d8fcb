import * as z from "zod";
import { isSecureUrl } from "../lib/settings.ts";
import type { OAuthSettings } from "./settings.ts";

export const WELL_KNOWN = "/.well-known/oauth-protected-resource";

export const resourceMetadataSchema = z.object({
  resource: z.string(),
  authorization_servers: z.array(z.string()),
  scopes_supported: z.array(z.string()),
  bearer_methods_supported: z.array(z.literal("header")),
});

export type ResourceMetadata = z.output<typeof resourceMetadataSchema>;

/**
 * The audiences that are URLs, each with its metadata (RFC 9728 §2) and the path where clients look for it: that of
 * the resource comes after the well-known one (§3.1).
 */
export interface Resource {
  url: URL;
  path: string;
  metadata: ResourceMetadata;
}

export type ResourceSettings = Pick<
  OAuthSettings,
  "OAUTH_ISSUER" | "OAUTH_AUDIENCE" | "OAUTH_READ_SCOPE" | "OAUTH_WRITE_SCOPE"
>;

/** An audience without the form of a URL is none: clients refuse metadata whose `resource` is not the URL they ask (§3.3). */
export function resources(settings: ResourceSettings): Resource[] {
  const scopes = [settings.OAUTH_READ_SCOPE, settings.OAUTH_WRITE_SCOPE];
  return settings.OAUTH_AUDIENCE.filter(isSecureUrl).map((resource) => {
    const url = new URL(resource);
    return {
      url,
      path: url.pathname === "/" ? WELL_KNOWN : WELL_KNOWN + url.pathname,
      metadata: {
        resource,
        authorization_servers: [settings.OAUTH_ISSUER],
        scopes_supported: [...new Set(scopes)].filter(Boolean),
        bearer_methods_supported: ["header"],
      },
    };
  });
}

/** Where `url` is told of its metadata: nowhere, where no audience is a URL of the same origin. */
export function metadataUrl(all: readonly Resource[], url: string): URL | undefined {
  const { origin } = new URL(url);
  const resource = all.find((one) => one.url.origin === origin);
  return resource && new URL(resource.path, origin);
}
