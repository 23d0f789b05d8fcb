import * as z from "zod";
import { fetchJson } from "../lib/remote.ts";
import { isSecureUrl } from "../lib/settings.ts";
import type { OAuthSettings } from "./settings.ts";
import { TENANT, WORK_TENANTS } from "./tenants.ts";

const endpoint = z.string().refine(isSecureUrl, "must be an https URL");

/** What tells where the keys are. */
export const keyMetadataSchema = z.object({ issuer: z.string(), jwks_uri: endpoint });

/** What a login needs. */
export const loginMetadataSchema = z.object({
  issuer: z.string(),
  authorization_endpoint: z.exactOptional(endpoint),
  token_endpoint: z.exactOptional(endpoint),
  revocation_endpoint: z.exactOptional(endpoint),
  end_session_endpoint: z.exactOptional(endpoint),
  scopes_supported: z.exactOptional(z.array(z.string())),
  /** Of "Initiating User Registration via OpenID Connect 1.0" §4. */
  prompt_values_supported: z.exactOptional(z.array(z.string())),
  token_endpoint_auth_methods_supported: z.exactOptional(z.array(z.string())),
  id_token_signing_alg_values_supported: z.exactOptional(z.array(z.string())),
  authorization_response_iss_parameter_supported: z.exactOptional(z.boolean()),
});

export type LoginMetadata = z.output<typeof loginMetadataSchema>;

/**
 * Asks the issuer for what it says of itself (RFC 8414 §2, OpenID Connect Discovery §3): at `OAUTH_METADATA_URL`, or
 * where OpenID Connect Discovery §4 and then RFC 8414 §3 have it.
 *
 * @throws Error with what is wrong at each place, both spellings of an issuer included.
 */
export async function discover<T extends { issuer: string }>(
  schema: z.ZodType<T>,
  settings: Pick<OAuthSettings, "OAUTH_ISSUER" | "OAUTH_METADATA_URL">,
): Promise<T> {
  const { OAUTH_ISSUER: issuer, OAUTH_METADATA_URL: own } = settings;
  const faults: string[] = [];
  for (const url of own === "" ? wellKnown(issuer) : [own]) {
    try {
      return metadataOf(schema, issuer, await fetchJson(url));
    } catch (fault) {
      faults.push(`${url}: ${fault instanceof Error ? fault.message : fault}`);
    }
  }
  throw new Error(faults.join("; "));
}

function wellKnown(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer.replaceAll(TENANT, WORK_TENANTS));
  const path = pathname.replace(/\/$/, "");
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
}

function metadataOf<T extends { issuer: string }>(schema: z.ZodType<T>, issuer: string, value: unknown): T {
  const { success, data, error } = schema.safeParse(present(value));
  if (!success) {
    throw new Error(error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join(", "));
  }
  // RFC 8414 §3.3: compared character by character.
  if (data.issuer !== issuer) {
    const [expected, found] = [issuer, data.issuer].map((name) => JSON.stringify(name));
    throw new Error(`the metadata is of another issuer: expected ${expected} (OAUTH_ISSUER), found ${found}`);
  }
  return data;
}

/** Without members that are null or empty, which some issuers send for what they do not have. */
function present(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null && member !== ""));
}
