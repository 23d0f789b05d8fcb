import type { JWK } from "jose";
import { beforeEach, expect, test, vi } from "vitest";
import { TIMEOUT_MS } from "../../src/lib/remote.ts";
import type { Answer } from "../support/answer.ts";
import { logged } from "../support/expect.ts";
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
  return { ...server, ...lookup({ OAUTH_ISSUER: server.url }) };
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
  const { keyOf } = lookup({ OAUTH_ISSUER: name });
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
  ["that is a text", () => ({ body: '"issuer"' })],
  ["that is null", () => ({ body: "null" })],
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

test("each request has a time limit of its own: three slow answers are an answer", async () => {
  const slow = { delayMs: 0.6 * TIMEOUT_MS };
  const { keyOf, asked } = await discovered((url) => ({
    [OPENID]: { status: 404, ...slow },
    [OAUTH]: { ...metadata(url, `${url}/jwks`), ...slow },
    "/jwks": { ...keySet(one), ...slow },
  }));
  expect(await keyOf("one")).toBe(one.x);
  expect(await asked()).toEqual([OPENID, OAUTH, "/jwks"]);
});

test("an OpenID Connect answer that never comes does not hide RFC 8414", async () => {
  const { keyOf } = await discovered((url) => ({
    [OPENID]: { delayMs: 10 * TIMEOUT_MS },
    [OAUTH]: metadata(url, `${url}/jwks`),
  }));
  expect(await keyOf("one")).toBe(one.x);
});

test("OAUTH_METADATA_URL is the only place that is asked, and its issuer must be the setting's", async () => {
  const { url, answer, asked } = await scenario({ status: 404 });
  const issuer = "https://login.example/tenant/v2.0/";
  const paths = {
    "/jwks": keySet(one),
    "/policy/metadata": metadata(issuer, `${url}/jwks`),
    "/other/metadata": metadata("https://login.example/tenant/v2.0", `${url}/jwks`),
  };
  await answer({ status: 404, paths });
  const at = (path: string) => lookup({ OAUTH_ISSUER: issuer, OAUTH_METADATA_URL: url + path });
  expect(await at("/policy/metadata").keyOf("one")).toBe(one.x);
  expect(await at("/other/metadata").keyOf("one")).toBe(UNAVAILABLE);
  expect(await asked()).toEqual(["/policy/metadata", "/jwks", "/other/metadata"]);
});

test("the metadata of every tenant is that of organizations, and names the template", async () => {
  const { url, answer, asked } = await scenario({ status: 404 });
  const issuer = `${url}/{tenantid}/v2.0`;
  const place = `/organizations/v2.0${OPENID}`;
  await answer({ status: 404, paths: { "/jwks": keySet(one), [place]: metadata(issuer, `${url}/jwks`) } });
  expect(await lookup({ OAUTH_ISSUER: issuer }).keyOf("one")).toBe(one.x);
  expect(await asked()).toEqual([place, "/jwks"]);
});

test("a set by plain http elsewhere than on loopback is not fetched", async () => {
  const { keyOf, asked } = await discovered((url) => ({
    [OPENID]: metadata(url, "http://issuer.example/jwks"),
  }));
  const fetched = vi.spyOn(globalThis, "fetch");
  expect(await keyOf("one")).toBe(UNAVAILABLE);
  expect(fetched.mock.calls.map(([url]) => String(url)).join()).not.toContain("issuer.example");
  expect(await asked()).toEqual([OPENID, OAUTH]);
});

test("metadata that names another issuer is logged in both spellings", async () => {
  const log = logged();
  const { keyOf, url } = await discovered((url) => ({ [OPENID]: metadata(`${url}/`, `${url}/jwks`) }));
  expect(await keyOf("one")).toBe(UNAVAILABLE);
  const { fault } = JSON.parse(log[0] ?? "");
  expect(fault).toContain(`expected "${url}" (OAUTH_ISSUER), found "${url}/"`);
});
