import { env } from "cloudflare:workers";
import type { JWK } from "jose";
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
