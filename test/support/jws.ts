import { env } from "cloudflare:workers";
import { base64url, decodeJwt, exportJWK, importJWK, type JWK, type JWTPayload } from "jose";
import type { ErrorEnvelope } from "../../src/http/errors.ts";
import { call, type Target, type TokenOptions, token } from "./api.ts";

/** The header of a usual access token. */
export const HEADER = { alg: "ES256", kid: "ES256", typ: "at+jwt" };

/** The claims of a usual access token. */
export async function claimsOf(options?: TokenOptions): Promise<JWTPayload> {
  return decodeJwt(await token(options));
}

/** The trusted issuer's own key named `kid`, for signatures by `alg`. */
export async function signingKey(kid: string, alg = kid): Promise<CryptoKey> {
  const key = await importJWK({ ...env.TEST_SIGNING_KEYS[kid], alg }, alg);
  if (key instanceof Uint8Array) throw new TypeError(`${kid} is no key pair`);
  return key;
}

/** WebCrypto's name of an algorithm for `keyPair`. */
export const P256 = { name: "ECDSA", namedCurve: "P-256" };

export interface KeyPair {
  /** Signs. */
  key: CryptoKey;
  /** What an issuer publishes: bare, without `kid`, `alg` and `use`. */
  jwk: JWK;
  /** What it keeps to itself. */
  privateJwk: JWK;
}

/** A new key pair, good or bad. */
export async function keyPair(algorithm: object = P256): Promise<KeyPair> {
  const pair = await crypto.subtle.generateKey(algorithm as typeof P256, true, ["sign", "verify"]);
  if (pair instanceof CryptoKey) throw new TypeError("not a key pair");
  return {
    key: pair.privateKey,
    jwk: publicPart(await exportJWK(pair.publicKey)),
    privateJwk: await exportJWK(pair.privateKey),
  };
}

export function publicPart({ kty, crv, x, y, n, e }: JWK = {}): JWK {
  return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e }));
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

/** What `verdict` says of a bad token. */
export const REFUSED = "401 UNAUTHORIZED";

/** What the management API says to a token. */
export async function verdict(credential: string, target?: Target): Promise<string> {
  const headers = { Authorization: `Bearer ${credential}` };
  const answer = await call("/settings/scopes", { headers }, target);
  if (answer.status === 200) return "accepted";
  const { status, error } = await answer.json<ErrorEnvelope>();
  return `${status} ${error}`;
}
