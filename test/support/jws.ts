import { env } from "cloudflare:workers";
import { base64url, decodeJwt, importJWK, type JWTPayload } from "jose";
import { type TokenOptions, token } from "./api.ts";

/** The header of a usual access token. */
export const HEADER = { alg: "ES256", kid: "ES256", typ: "at+jwt" };

/** The claims of a usual access token. */
export async function claimsOf(options?: TokenOptions): Promise<JWTPayload> {
  return decodeJwt(await token(options));
}

/** The trusted issuer's own key. */
export async function signingKey(alg: string): Promise<CryptoKey> {
  const key = await importJWK(env.TEST_SIGNING_KEYS[alg] ?? {}, alg);
  if (key instanceof Uint8Array) throw new TypeError(`no signing key for ${alg}`);
  return key;
}

/**
 * A JWS in compact form that jose would not make: header and payload go in as they are, text
 * included, and `key` signs with SHA-256 whatever the header says. By default the issuer signs.
 */
export async function compact(
  header: string | object,
  payload: string | object | Uint8Array,
  key?: CryptoKey,
): Promise<string> {
  const signer = key ?? (await signingKey("ES256"));
  const input = `${encode(header)}.${encode(payload)}`;
  const algorithm = { name: signer.algorithm.name, hash: "SHA-256", saltLength: 32 };
  const signature = await crypto.subtle.sign(algorithm, signer, new TextEncoder().encode(input));
  return `${input}.${base64url.encode(new Uint8Array(signature))}`;
}

export function encode(part: string | object | Uint8Array): string {
  const plain = typeof part === "string" || part instanceof Uint8Array;
  return base64url.encode(plain ? part : JSON.stringify(part));
}
