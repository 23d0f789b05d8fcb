import { env } from "cloudflare:workers";
import type { JWK } from "jose";
import { beforeEach, expect, test, vi } from "vitest";
import { LOAD_LIMIT_MS, RETRY_MS, TIMEOUT_MS } from "../../src/lib/remote.ts";
import { COOLDOWN_MS, MAX_AGE_MS, STALE_LIMIT_MS } from "../../src/oauth/jwks.ts";
import type { Answer } from "../support/answer.ts";
import { appWith, manage, token } from "../support/api.ts";
import { logged } from "../support/expect.ts";
import { keyPair, publicPart, verdict } from "../support/jws.ts";
import { keySet, lookup, scenario, UNAVAILABLE, UNKNOWN } from "../support/scenario.ts";

let now: number;
let one: JWK;
let two: JWK;
let secret: JWK;

beforeEach(async () => {
  now = 1_800_000_000_000;
  one = { ...(await keyPair()).jwk, kid: "one" };
  const pair = await keyPair();
  two = { ...pair.jwk, kid: "two" };
  secret = pair.privateJwk;
});

/** The verifier's view of an issuer that answers `first`. */
async function issuer(first: Answer) {
  const server = await scenario(first);
  const keys = lookup({ OAUTH_JWKS_URL: server.jwksUrl, now: () => now });
  return { ...server, ...keys, fetches: async () => (await server.asked()).length };
}

// Fetches

test("50 requests that find no key set yet make one fetch, and all are served", async () => {
  const { keyOf, fetches } = await issuer({ ...keySet(one), delayMs: 100 });
  const found = await Promise.all(Array.from({ length: 50 }, () => keyOf("one")));
  expect(new Set(found)).toEqual(new Set([one.x]));
  expect(await fetches()).toBe(1);
});

test("a key set is fetched once, not for each token", async () => {
  const { keyOf, fetches } = await issuer(keySet(one));
  for (let i = 0; i < 10; i++) expect(await keyOf("one")).toBe(one.x);
  now += MAX_AGE_MS - 1;
  expect(await keyOf("one")).toBe(one.x);
  expect(await fetches()).toBe(1);
});

test("unknown kids cause one fetch a cool-down", async () => {
  const { keyOf, fetches } = await issuer(keySet(one));
  await keyOf("one");
  now += COOLDOWN_MS;
  for (let round = 1; round <= 3; round++) {
    const flood = await Promise.all(Array.from({ length: 20 }, (_, i) => keyOf(`unknown ${i}`)));
    for (let i = 0; i < 20; i++) flood.push(await keyOf(`unknown ${i}`));
    expect(new Set(flood)).toEqual(new Set([UNKNOWN]));
    expect(await fetches()).toBe(1 + round);
    now += COOLDOWN_MS - 1;
    await keyOf("unknown");
    expect(await fetches()).toBe(1 + round);
    now += 1;
  }
});

test("unknown kids cause one fetch a cool-down also while the issuer fails, and known keys go on", async () => {
  const { keyOf, fetches, answer } = await issuer(keySet(one));
  await keyOf("one");
  await answer({ status: 500 });
  for (let round = 1; round <= 3; round++) {
    now += COOLDOWN_MS;
    for (let i = 0; i < 20; i++) expect(await keyOf(`unknown ${i}`)).toBe(UNKNOWN);
    expect(await keyOf("one")).toBe(one.x);
    expect(await fetches()).toBe(1 + round);
  }
});

test("without a key set a failing issuer is asked once in 5 s, and nobody can be judged", async () => {
  const { keyOf, fetches, answer } = await issuer({ status: 503 });
  for (let i = 0; i < 20; i++) expect(await keyOf("one")).toBe(UNAVAILABLE);
  expect(await fetches()).toBe(1);
  now += RETRY_MS - 1;
  expect(await keyOf("one")).toBe(UNAVAILABLE);
  expect(await fetches()).toBe(1);
  await answer(keySet(one));
  now += 1;
  expect(await keyOf("one")).toBe(one.x);
  expect(await fetches()).toBe(2);
});

test("50 requests at a failing issuer make one fetch, and none waits longer than it", async () => {
  const { keyOf, fetches } = await issuer({ status: 500, delayMs: 100 });
  const found = await Promise.all(Array.from({ length: 50 }, () => keyOf("one")));
  expect(new Set(found)).toEqual(new Set([UNAVAILABLE]));
  expect(await fetches()).toBe(1);
});

// Rotation

test("a new key works at once, or a cool-down after the last fetch", async () => {
  const { keyOf, fetches, answer } = await issuer(keySet(one));
  await keyOf("one");
  await answer(keySet(one, two));
  now += COOLDOWN_MS - 1;
  expect(await keyOf("two")).toBe(UNKNOWN);
  now += 1;
  expect(await keyOf("two")).toBe(two.x);
  expect(await keyOf("one")).toBe(one.x);
  expect(await fetches()).toBe(2);
});

test("tokens of a new key that come at once all wait for the one fetch", async () => {
  const { keyOf, fetches, answer } = await issuer(keySet(one));
  await keyOf("one");
  await answer({ ...keySet(one, two), delayMs: 100 });
  now += COOLDOWN_MS;
  const found = await Promise.all(Array.from({ length: 20 }, () => keyOf("two")));
  expect(new Set(found)).toEqual(new Set([two.x]));
  expect(await fetches()).toBe(2);
});

test("a withdrawn key stops within 5 minutes, with the fetch behind the next answer", async () => {
  const { keyOf, answer, settled } = await issuer(keySet(one, two));
  await keyOf("one");
  await answer(keySet(two));
  now += MAX_AGE_MS - 1;
  expect(await keyOf("one")).toBe(one.x);
  now += 1;
  expect(await keyOf("one")).toBe(one.x);
  await settled();
  expect(await keyOf("one")).toBe(UNKNOWN);
  expect(await keyOf("two")).toBe(two.x);
});

test("a withdrawn key stops as soon as another token made the key set be fetched", async () => {
  const { keyOf, answer } = await issuer(keySet(one));
  await keyOf("one");
  await answer(keySet(two));
  now += COOLDOWN_MS;
  expect(await keyOf("two")).toBe(two.x);
  expect(await keyOf("one")).toBe(UNKNOWN);
});

test("a key replaced under its kid is the new one after 5 minutes", async () => {
  const { keyOf, answer, settled } = await issuer(keySet(one));
  await keyOf("one");
  await answer(keySet({ ...two, kid: "one" }));
  now += MAX_AGE_MS;
  await keyOf("one");
  await settled();
  expect(await keyOf("one")).toBe(two.x);
});

// An issuer that fails

const RSA_1024 = {
  kty: "RSA",
  n: "qLoE6OXgfcMsLYSkywo7kAADHmHQOl7Xe3A0O2qrIe7_Vtr72AIZXgeKRMj-viWYAo04ecVZEQtkyUxdYdm1eBJ8mnO_UrhmlOROzdjSkTUA4Hj4lo8zJUICAl73S9VuFP-S5lm0H1Nx4BFeB-Q_CmngTaWIrcU8XPiMEcpy-UM",
  e: "AQAB",
};
const EMPTY = { body: '{"keys":[]}' };
const failures: [string, () => Answer][] = [
  ["is not there", () => ({ status: 404 })],
  ["answers 500 with a key set", () => ({ ...keySet(two), status: 500 })],
  ["answers 203 with a key set", () => ({ ...keySet(two), status: 203 })],
  ["answers 204", () => ({ status: 204 })],
  ["limits the rate", () => ({ status: 429, headers: { "Retry-After": "1" } })],
  ["answers HTML", () => ({ body: "<!doctype html><title>Sign in</title>" })],
  ["answers JSON cut off", () => ({ body: JSON.stringify({ keys: [two] }).slice(0, -2) })],
  ["answers nothing", () => ({ body: "" })],
  ["answers null", () => ({ body: "null" })],
  ["answers {}", () => ({ body: "{}" })],
  ["answers a list", () => ({ body: JSON.stringify([two]) })],
  ["answers keys that are no list", () => ({ body: '{"keys":{"0":{}}}' })],
  ["answers an empty key set", () => EMPTY],
  ["answers no objects", () => ({ body: '{"keys":[null,1,"two",[]]}' })],
  ["answers a shared secret", () => keySet({ kty: "oct", kid: "two", k: "c2VjcmV0" })],
  ["answers a key for encryption", () => keySet({ ...two, use: "enc" })],
  ["answers a point off the curve", () => keySet({ ...two, y: two.x ?? "" })],
  ["answers a key without its parameters", () => keySet({ kty: "RSA", kid: "two" })],
  ["answers a weak key", () => keySet({ ...RSA_1024, kid: "two" })],
  ["answers a key for encryption by its algorithm", () => keySet({ ...two, alg: "ECDH-ES" })],
  ["answers a private key", () => keySet({ ...secret, kid: "two" })],
  ["answers a key of unknown type", () => keySet({ ...two, kty: "AKP" })],
  ["redirects", () => ({ status: 302, headers: { Location: "/scenarios/elsewhere/jwks" } })],
];

test.each(failures)("an issuer that %s leaves the last good key set as it is", async (_, failure) => {
  const { keyOf, fetches, answer } = await issuer(keySet(one));
  await keyOf("one");
  await answer(failure());
  now += MAX_AGE_MS;
  expect(await keyOf("one")).toBe(one.x);
  expect(await keyOf("two")).toBe(UNKNOWN);
  expect(await fetches()).toBe(2);
  await answer(keySet(two));
  now += COOLDOWN_MS;
  expect(await keyOf("two")).toBe(two.x);
});

test.each(failures)("an issuer that %s from the start opens nothing", async (_, failure) => {
  const log = logged();
  const { keyOf } = await issuer(failure());
  expect(await keyOf("two")).toBe(UNAVAILABLE);
  expect(log).toEqual([expect.stringContaining('"event":"jwks_fetch_failed"')]);
});

test("a redirect is not followed", async () => {
  const elsewhere = await scenario(keySet(one));
  for (const status of [301, 302, 303, 307, 308]) {
    const { keyOf } = await issuer({ status, headers: { Location: elsewhere.jwksUrl } });
    expect(await keyOf("one")).toBe(UNAVAILABLE);
  }
  expect(await elsewhere.asked()).toEqual([]);
});

test("one bad key does not spoil the good ones beside it", async () => {
  const { keyOf } = await issuer(keySet({ kty: "oct", k: "c2VjcmV0" }, { ...two, y: two.x ?? "" }, one));
  expect(await keyOf("one")).toBe(one.x);
});

test("an issuer that cannot be reached leaves the last good key set, for an hour after it came", async () => {
  const { keyOf, answer, fetches } = await issuer(keySet(one));
  await keyOf("one");
  await answer({ status: 500 });
  for (const age of [MAX_AGE_MS, STALE_LIMIT_MS - 1]) {
    now = 1_800_000_000_000 + age;
    expect(await keyOf("one")).toBe(one.x);
  }
  now += 1;
  expect(await keyOf("one")).toBe(UNAVAILABLE);
  expect(await fetches()).toBe(3);
  await answer(keySet(one));
  now += RETRY_MS;
  expect(await keyOf("one")).toBe(one.x);
});

test("a fetch that fails does not make the key set younger", async () => {
  const { keyOf, answer } = await issuer(keySet(one));
  await keyOf("one");
  await answer(EMPTY);
  const end = now + STALE_LIMIT_MS;
  for (; now < end; now += COOLDOWN_MS) expect(await keyOf("one")).toBe(one.x);
  expect(await keyOf("one")).toBe(UNAVAILABLE);
});

test("a key set that grows old is used at once and fetched behind the answer: nobody waits", async () => {
  const { keyOf, answer, fetches, works, settled } = await issuer(keySet(one));
  await keyOf("one");
  await answer({ ...keySet(one, two), delayMs: 500 });
  now += STALE_LIMIT_MS - 1;
  const begun = performance.now();
  for (let i = 0; i < 20; i++) expect(await keyOf("one")).toBe(one.x);
  expect(performance.now() - begun).toBeLessThan(400);
  expect(works).toHaveLength(2);
  await settled();
  expect(await keyOf("two")).toBe(two.x);
  expect(await fetches()).toBe(2);
});

test.each<[string, Answer]>([
  ["does not answer", { delayMs: 10 * TIMEOUT_MS }],
  ["stops in the middle", { body: '{"keys":[', endless: true }],
])("an issuer that %s has failed after 2 s: nobody waits longer", async (_, hanging) => {
  const { keyOf, answer, fetches } = await issuer(keySet(one));
  await keyOf("one");
  await answer(hanging);
  now += COOLDOWN_MS;
  const begun = performance.now();
  const found = await Promise.all(["two", "three", "four"].map(keyOf));
  expect(found).toEqual([UNKNOWN, UNKNOWN, UNKNOWN]);
  expect(performance.now() - begun).toBeLessThan(TIMEOUT_MS + 1000);
  expect(await keyOf("one")).toBe(one.x);
  expect(await fetches()).toBe(2);
});

test("a fetch that never came to an end starts no cool-down, and is not waited for without end", async () => {
  const { keyOf, answer, fetches } = await issuer({ ...keySet(one), delayMs: 500 });
  const waiting = keyOf("one");
  await vi.waitUntil(async () => (await fetches()) === 1);
  now += LOAD_LIMIT_MS;
  expect(await waiting).toBe(UNAVAILABLE);
  await answer(keySet(two));
  expect(await keyOf("two")).toBe(two.x);
});

test("the log says why a key set could not be fetched", async () => {
  const log = logged();
  const { keyOf, jwksUrl, areHeld } = await issuer({ status: 500 });
  expect(await keyOf("one")).toBe(UNAVAILABLE);
  expect(log.join()).toContain(`${jwksUrl} answered 500`);
  expect(areHeld()).toBe(false);
});

// On the wire

test("an issuer whose keys cannot be had is 503 with Retry-After, to good and bad tokens alike", async () => {
  const { jwksUrl } = await scenario({ status: 500 });
  const target = appWith({ OAUTH_JWKS_URL: jwksUrl });
  const answer = await manage("/settings/scopes", { target });
  expect(answer.headers.get("Retry-After")).toBe("5");
  expect(answer.headers.has("WWW-Authenticate")).toBe(false);
  expect(await answer.json()).toMatchObject({ status: 503, error: "UNAVAILABLE" });
  expect(await verdict(await token({ header: { kid: "unknown" } }), target)).toBe("503 UNAVAILABLE");
  expect(await verdict("a.b.c", target)).toBe("401 UNAUTHORIZED");
});

test("an issuer that fails later changes nothing for good tokens", async () => {
  const good = { ...publicPart(env.TEST_SIGNING_KEYS.ES256), kid: "ES256" };
  const server = await scenario(keySet(good));
  const target = appWith({ OAUTH_JWKS_URL: server.jwksUrl });
  expect(await verdict(await token(), target)).toBe("accepted");
  await server.answer({ status: 500 });
  expect(await verdict(await token(), target)).toBe("accepted");
  expect(await verdict(await token({ header: { kid: "unknown" } }), target)).toBe("401 UNAUTHORIZED");
});
