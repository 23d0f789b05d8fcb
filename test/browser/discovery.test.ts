import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeJwt } from "jose";
import * as oauth from "oauth4webapi";
import { beforeAll, expect, test } from "vitest";
import { discoveringFetch } from "./mcp.js";
import { type Site, startSite } from "./support.ts";

/** Everything is on loopback. */
const INSECURE = { [oauth.allowInsecureRequests]: true };

let site: Site;
let keysUrl: URL;
let client: { id: string; secret: string; issuer: string };

beforeAll(async () => {
  site = await startSite();
  keysUrl = new URL("/settings/api-keys", site.latchkey);
  const { secrets } = JSON.parse(await readFile(join(site.dir, ".wrangler/local/state.json"), "utf8"));
  client = { id: "acme-machine", secret: secrets.clients["acme-machine"], issuer: site.issuer };
});

/** What a challenge says of where the metadata is. */
async function challenged(): Promise<URL> {
  const asked = oauth.protectedResourceRequest("none", "GET", keysUrl, undefined, undefined, INSECURE);
  const refusal = await asked.catch((error: unknown) => error);
  if (!(refusal instanceof oauth.WWWAuthenticateChallengeError)) throw refusal;
  return new URL(refusal.cause[0]?.parameters.resource_metadata ?? "");
}

/** A token for a resource in this spelling, from the issuer that the API's metadata names. */
async function tokenFor(resource: string): Promise<string> {
  const api = new URL(site.latchkey);
  const described = await oauth.resourceDiscoveryRequest(api, INSECURE);
  const { authorization_servers = [] } = await oauth.processResourceDiscoveryResponse(api, described);
  const issuer = new URL(authorization_servers[0] ?? "");
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
  const answer = await oauth.clientCredentialsGrantRequest(
    server,
    { client_id: client.id },
    oauth.ClientSecretBasic(client.secret),
    { resource, scope: "api-keys:read" },
    INSECURE,
  );
  const { access_token } = await oauth.processClientCredentialsResponse(
    server,
    { client_id: client.id },
    answer,
  );
  return access_token;
}

test("oauth4webapi finds the issuer by the API's URL, and the token that it gets there is good", async () => {
  expect((await challenged()).href).toBe(`${site.latchkey}/.well-known/oauth-protected-resource`);
  for (const resource of [site.latchkey, `${site.latchkey}/`]) {
    const token = await tokenFor(resource);
    expect(decodeJwt(token)).toMatchObject({ iss: site.issuer, aud: site.latchkey });
    const list = await oauth.protectedResourceRequest(token, "GET", keysUrl, undefined, undefined, INSECURE);
    expect(await list.json()).toEqual([]);
  }
});

test("a client of the MCP SDK gets from a 401 to the keys by itself", async () => {
  const answer = await discoveringFetch(keysUrl.href, client)(keysUrl);
  expect({ status: answer.status, body: await answer.json() }).toEqual({ status: 200, body: [] });
});
