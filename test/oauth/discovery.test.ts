import type { JWK } from "jose";
import { beforeEach, expect, test } from "vitest";
import { TIMEOUT_MS } from "../../src/lib/remote.ts";
import { issuerKeys } from "../../src/oauth/jwks.ts";
import type { Answer } from "../support/answer.ts";
import { keyPair } from "../support/jws.ts";
import { keySet, lookup, scenario, UNAVAILABLE } from "../support/scenario.ts";

let one: JWK;

beforeEach(async () => {
  one = { ...(await keyPair()).jwk, kid: "one" };
});

const OPENID = "/.well-known/openid-configuration";
const OAUTH = "/.well-known/oauth-authorization-server";

async function discovered(describe: (url: string) => Record<string, Answer>) {
  const server = await scenario({ status: 404 });
  await server.answer({ status: 404, paths: { "/jwks": keySet(one), ...describe(server.url) } });
  const keys = issuerKeys({ issuer: server.url, jwksUrl: "", now: Date.now });
  return { ...server, ...lookup(keys) };
}

function metadata(issuer: unknown, jwks_uri: unknown): Answer {
  return { body: JSON.stringify({ issuer, jwks_uri }) };
}

test("without OAUTH_JWKS_URL the keys are found by OpenID Connect Discovery", async () => {
  const { keyOf, asked } = await discovered((url) => ({ [OPENID]: metadata(url, `${url}/jwks`) }));
  expect(await keyOf("one")).toBe(one.x);
  expect(await asked()).toEqual([OPENID, "/jwks"]);
});

test("an issuer without OpenID Connect is found by RFC 8414, its path after the well-known one", async () => {
  const { keyOf, asked } = await discovered((url) => ({ [OAUTH]: metadata(url, `${url}/jwks`) }));
  expect(await keyOf("one")).toBe(one.x);
  expect(await asked()).toEqual([OPENID, OAUTH, "/jwks"]);
});

test("a slash at the issuer's end is part of its name, but makes no second one in a URL", async () => {
  const server = await scenario({ status: 404 });
  const name = `${server.url}/`;
  const paths = { "/jwks": keySet(one), [OPENID]: metadata(name, server.jwksUrl) };
  await server.answer({ status: 404, paths });
  const { keyOf } = lookup(issuerKeys({ issuer: name, jwksUrl: "", now: Date.now }));
  expect(await keyOf("one")).toBe(one.x);
});

test.each<[string, (url: string) => Answer]>([
  ["of another issuer", (url) => metadata("https://elsewhere.example", `${url}/jwks`)],
  ["of the issuer with a slash", (url) => metadata(`${url}/`, `${url}/jwks`)],
  ["of no issuer", (url) => metadata(undefined, `${url}/jwks`)],
  ["without jwks_uri", (url) => metadata(url, undefined)],
  ["with a jwks_uri that is no URL", (url) => metadata(url, "/jwks")],
  ["with a jwks_uri of another scheme", (url) => metadata(url, "file:///jwks")],
  ["in HTML", () => ({ body: "<!doctype html>" })],
  ["that redirects", (url) => ({ status: 302, headers: { Location: `${url}/elsewhere` } })],
])("metadata %s leads to no keys", async (_, describe) => {
  const { keyOf, asked } = await discovered((url) => ({
    [OPENID]: describe(url),
    [OAUTH]: describe(url),
    "/elsewhere": metadata(url, `${url}/jwks`),
  }));
  expect(await keyOf("one")).toBe(UNAVAILABLE);
  expect(await asked()).toEqual([OPENID, OAUTH]);
});

test("discovery and keys together have failed after 2 s", async () => {
  const slow = { delayMs: 0.75 * TIMEOUT_MS };
  const { keyOf } = await discovered((url) => ({
    [OPENID]: { ...metadata(url, `${url}/jwks`), ...slow },
    "/jwks": { ...keySet(one), ...slow },
  }));
  const begun = performance.now();
  expect(await keyOf("one")).toBe(UNAVAILABLE);
  expect(performance.now() - begun).toBeLessThan(TIMEOUT_MS + 500);
});
