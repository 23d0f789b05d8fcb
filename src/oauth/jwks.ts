import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from "jose";
import * as z from "zod";
import { fetchJson, remote } from "../lib/remote.ts";

/** A key set older than this is fetched anew: a withdrawn key stops within this time. */
export const MAX_AGE_MS = 10 * 60_000;
/** While the issuer fails, the last good key set goes on this long after it was fetched. */
export const STALE_LIMIT_MS = 60 * 60_000;
/** Least time between two fetches, whatever tokens ask for. */
export const COOLDOWN_MS = 30_000;
/** RFC 7518 §3.3. */
const MIN_RSA_BITS = 2048;

/** There is no key set to check a token with: neither a good token nor a bad one. */
export class IssuerUnavailableError extends Error {
  override readonly name = "IssuerUnavailableError";
}

export interface IssuerKeysOptions {
  /** Exact `iss` of the tokens. */
  issuer: string;
  /** Where the keys are; empty: found by discovery (RFC 8414, OpenID Connect Discovery). */
  jwksUrl: string;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/**
 * The issuer's keys, for `jwtVerify` of jose.
 *
 * jose's own remote key set fetches again for every unknown `kid` while the issuer fails, refuses
 * known keys once its cache is old, and takes a set without a usable key for a good one. Here a fetch, good or bad,
 * is followed by a cool-down, and the last good set stays until a better one has come.
 *
 * @throws IssuerUnavailableError while no key set can be had.
 * @throws JWKSNoMatchingKey, JWKSMultipleMatchingKeys of jose.
 */
export function issuerKeys({ issuer, jwksUrl, now }: IssuerKeysOptions): JWTVerifyGetKey {
  const held = remote({
    load: async (signal) => createLocalJWKSet({ keys: await fetchKeys(issuer, jwksUrl, signal) }),
    maxAgeMs: MAX_AGE_MS,
    staleLimitMs: STALE_LIMIT_MS,
    cooldownMs: COOLDOWN_MS,
    event: "jwks_fetch_failed",
    now,
  });

  async function keySet(renewed?: boolean): Promise<JWTVerifyGetKey> {
    const select = await held(renewed);
    if (select === undefined) throw new IssuerUnavailableError("No key set");
    return select;
  }

  return async function issuerKey(header, token) {
    const select = await keySet();
    try {
      return await select(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return (await keySet(true))(header, token);
    }
  };
}

const jwksSchema = z.object({ keys: z.array(z.unknown()) });
const jwkSchema = z.looseObject({ kty: z.string(), alg: z.string().optional(), crv: z.string().optional() });

const EC_ALGORITHMS: Record<string, string> = { "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" };

async function fetchKeys(issuer: string, jwksUrl: string, signal: AbortSignal): Promise<JWK[]> {
  const { keys } = jwksSchema.parse(await fetchJson(jwksUrl || (await discover(issuer, signal)), signal));
  const usable = (await Promise.all(keys.map(signatureKey))).filter((key) => key !== undefined);
  if (usable.length === 0) throw new Error("The key set holds no key for signatures");
  return usable;
}

/** The key with its one algorithm; nothing, where no signature can be checked with it. */
async function signatureKey(value: unknown): Promise<JWK | undefined> {
  try {
    const jwk = withAlgorithm(jwkSchema.parse(value) as JWK);
    const key = await createLocalJWKSet({ keys: [jwk] })({ alg: jwk.alg ?? "EdDSA" });
    const { modulusLength = MIN_RSA_BITS } = key.algorithm as { modulusLength?: number };
    return modulusLength < MIN_RSA_BITS ? undefined : jwk;
  } catch {
    return undefined;
  }
}

/** One key serves one algorithm (RFC 8725 §3.1), also where the set does not say which. */
function withAlgorithm(jwk: JWK): JWK {
  const alg = jwk.alg ?? (jwk.kty === "RSA" ? "RS256" : EC_ALGORITHMS[jwk.crv ?? ""]);
  return alg === undefined ? jwk : { ...jwk, alg };
}

async function discover(issuer: string, signal: AbortSignal): Promise<string> {
  const metadataSchema = z.object({ issuer: z.literal(issuer), jwks_uri: z.url({ protocol: /^https?$/ }) });
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  try {
    const metadata = await fetchJson(`${origin}${path}/.well-known/openid-configuration`, signal);
    return metadataSchema.parse(metadata).jwks_uri;
  } catch {
    const metadata = await fetchJson(`${origin}/.well-known/oauth-authorization-server${path}`, signal);
    return metadataSchema.parse(metadata).jwks_uri;
  }
}
