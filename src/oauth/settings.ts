import * as z from "zod/mini";
import { list, optionalUrl, SCOPE, text, url } from "../lib/settings.ts";

/** Signature algorithms a token may have: asymmetric only (RFC 8725 §3.1, RFC 9068 §4). */
const ASYMMETRIC = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

const optionalScope = z.union([
  z.literal(""),
  z.string().check(z.regex(SCOPE, "must be scope names without spaces")),
]);

/** Which access tokens are good, and what they must allow. */
export const oauthSettings = z.object({
  OAUTH_ISSUER: url,
  OAUTH_AUDIENCE: text,
  OAUTH_JWKS_URL: optionalUrl,
  OAUTH_ALGORITHMS: z.pipe(list, z.array(z.enum(ASYMMETRIC, "must be asymmetric signature algorithms"))),
  OAUTH_TOKEN_TYPES: list,
  OAUTH_COMPANY_CLAIM: text,
  OAUTH_READ_SCOPE: optionalScope,
  OAUTH_WRITE_SCOPE: optionalScope,
});

export type OAuthSettings = z.output<typeof oauthSettings>;

/** The dashboard's client at the issuer; without `OAUTH_CLIENT_ID` there is no dashboard. */
export const clientSettings = z
  .object({ OAUTH_CLIENT_ID: z.string(), OAUTH_CLIENT_SECRET: z.optional(text) })
  .check(
    z.refine((client) => client.OAUTH_CLIENT_ID === "" || client.OAUTH_CLIENT_SECRET !== undefined, {
      path: ["OAUTH_CLIENT_SECRET"],
      error: "is missing, and OAUTH_CLIENT_ID is set",
    }),
  );

export type ClientSettings = z.output<typeof clientSettings>;
