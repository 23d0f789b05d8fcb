import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from "jose";
import * as z from "zod";
import type { Background } from "../lib/background.ts";
import { fetchJson, remote } from "../lib/remote.ts";
import { discover, keyMetadataSchema } from "./discovery.ts";
import type { OAuthSettings } from "./settings.ts";

/**
 * A key set older than this is fetched anew, behind the answer: a withdrawn key stops within this time where
 * requests come, and with the second request after a pause.
 */
export const MAX_AGE_MS = 5 * 60_000;
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

export type IssuerKeysOptions = Pick<
  OAuthSettings,
  "OAUTH_ISSUER" | "OAUTH_JWKS_URL" | "OAUTH_METADATA_URL"
> & {
  /** Milliseconds since the epoch. */
  now: () => number;
  background: Background;
};

export interface IssuerKeys {
  /**
   * For `jwtVerify` of jose.
   *
   * @throws IssuerUnavailableError while no key set can be had.
   * @throws JWKSNoMatchingKey, JWKSMultipleMatchingKeys of jose.
   */
  select: JWTVerifyGetKey;
  /** Whether there is a key set to check tokens with. Nothing is fetched. */
  areHeld(): boolean;
}

/**
 * The issuer's keys, from `OAUTH_JWKS_URL`, or from where its metadata says.
 *
 * jose's own remote key set fetches again for every unknown `kid` while the issuer fails, refuses
 * known keys once its cache is old, and takes a set without a usable key for a good one. Here a fetch, good or bad,
 * is followed by a cool-down, and the last good set stays until a better one has come.
 */
export function issuerKeys({ now, background, ...settings }: IssuerKeysOptions): IssuerKeys {
  const keySet = remote({
    load: async () => createLocalJWKSet({ keys: await fetchKeys(settings) }),
    maxAgeMs: MAX_AGE_MS,
    staleLimitMs: STALE_LIMIT_MS,
    cooldownMs: COOLDOWN_MS,
    event: "jwks_fetch_failed",
    now,
    background,
  });

  function usable(select: JWTVerifyGetKey | undefined): JWTVerifyGetKey {
    if (select === undefined) throw new IssuerUnavailableError("No key set");
    return select;
  }

  return {
    areHeld: () => keySet.held() !== undefined,
    async select(header, token) {
      try {
        return await usable(await keySet.current())(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        return usable(await keySet.renewed())(header, token);
      }
    },
  };
}

const jwksSchema = z.object({ keys: z.array(z.unknown()) });
const jwkSchema = z.looseObject({ kty: z.string(), alg: z.string().optional(), crv: z.string().optional() });

/** What signatures over Ed25519 are called. */
export const ED25519_NAMES = ["EdDSA", "Ed25519"];
const EC_ALGORITHMS: Record<string, string> = { "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" };

async function fetchKeys(
  settings: Pick<OAuthSettings, "OAUTH_ISSUER" | "OAUTH_JWKS_URL" | "OAUTH_METADATA_URL">,
): Promise<JWK[]> {
  const url = settings.OAUTH_JWKS_URL || (await discover(keyMetadataSchema, settings)).jwks_uri;
  const { keys } = jwksSchema.parse(await fetchJson(url));
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

/**
 * One key serves one algorithm (RFC 8725 §3.1), also where the set does not say which. That of Ed25519 has two
 * names (RFC 9864 §2.2), so jose is left to tell it by the curve.
 */
function withAlgorithm({ alg: said, ...jwk }: JWK): JWK {
  if (jwk.crv === "Ed25519" && (said === undefined || ED25519_NAMES.includes(said))) return jwk;
  const alg = said ?? (jwk.kty === "RSA" ? "RS256" : EC_ALGORITHMS[jwk.crv ?? ""]);
  return alg === undefined ? jwk : { ...jwk, alg };
}
