import { env } from "cloudflare:workers";
import { errors, exportJWK, type JWK } from "jose";
import { type IssuerKeysOptions, IssuerUnavailableError, issuerKeys } from "../../src/oauth/jwks.ts";
import type { Answer } from "./answer.ts";

/** An issuer of one test's own, on the server of `issuer.ts`. */
export async function scenario(first: Answer) {
  const path = `/scenarios/${crypto.randomUUID()}`;
  const url = env.OAUTH_ISSUER + path;

  async function answer(next: Answer): Promise<void> {
    await fetch(url, { method: "PUT", body: JSON.stringify(next) });
  }
  await answer(first);

  return {
    url,
    jwksUrl: `${url}/jwks`,
    /** Sets what is answered from now on. */
    answer,
    /** The paths asked for so far. */
    async asked(): Promise<string[]> {
      return (await fetch(url)).json();
    },
  };
}

/** The answer that publishes `keys`. */
export function keySet(...keys: JWK[]): Answer {
  return { body: JSON.stringify({ keys }) };
}

/** What `keyOf` says of a key that is not in the set, and where there is no set. */
export const UNKNOWN = errors.JWKSNoMatchingKey.name;
export const UNAVAILABLE = IssuerUnavailableError.name;

/** The keys of an issuer of these settings. What is fetched behind an answer is over once `settled` is. */
export function lookup(settings: Partial<Omit<IssuerKeysOptions, "background">>) {
  const { works, background, settled } = behind();
  const keys = issuerKeys({
    OAUTH_ISSUER: env.OAUTH_ISSUER,
    OAUTH_JWKS_URL: "",
    OAUTH_METADATA_URL: "",
    now: Date.now,
    ...settings,
    background,
  });
  return {
    works,
    settled,
    areHeld: keys.areHeld,
    /** `x` of the key that a token of this `kid` is checked with, or the name of what went wrong. */
    async keyOf(kid: string): Promise<string | undefined> {
      try {
        const key = await keys.select({ alg: "ES256", kid }, { payload: "", signature: "" });
        return (await exportJWK(key as CryptoKey)).x;
      } catch (error) {
        return error instanceof Error ? error.constructor.name : undefined;
      }
    },
  };
}

/** What goes on behind an answer. */
export function behind() {
  const works: Promise<unknown>[] = [];
  return {
    works,
    background: (work: Promise<unknown>) => void works.push(work),
    settled: () => Promise.all(works),
  };
}
