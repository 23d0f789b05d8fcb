// JavaScript, as its package is there only once `npm run test:browser` has installed it: after the types are checked.
import { ClientCredentialsProvider, withOAuth } from "@modelcontextprotocol/client";

/**
 * A `fetch` that gets its tokens by itself, as clients of the Model Context Protocol do: from a 401 by the API's
 * metadata to the issuer, and back.
 *
 * @param {string} resource - A URL of the API.
 * @param {{ id: string, secret: string, issuer: string }} client - Its secret goes to this issuer alone.
 * @returns {typeof fetch}
 */
export function discoveringFetch(resource, client) {
  const provider = new ClientCredentialsProvider({
    clientId: client.id,
    clientSecret: client.secret,
    expectedIssuer: client.issuer,
  });
  return withOAuth(provider, resource)(fetch);
}
