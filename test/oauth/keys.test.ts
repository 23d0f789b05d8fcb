import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { createLocalJWKSet, exportSPKI, importJWK, type JWK } from "jose";
import { expect, test } from "vitest";
import { ApiError, errorResponse } from "../../src/http/errors.ts";
import { bearer } from "../../src/oauth/bearer.ts";
import { tokenVerifier } from "../../src/oauth/token.ts";
import { appWith, token } from "../support/api.ts";
import {
  claimsOf,
  compact,
  encode,
  HEADER,
  type KeyPair,
  keyPair,
  P256,
  publicPart,
  REFUSED,
  signingKey,
  verdict,
} from "../support/jws.ts";
import { keySet, scenario } from "../support/scenario.ts";
import { settingsOf } from "../support/settings.ts";

const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};
const P384 = { name: "ECDSA", namedCurve: "P-384" };
const ED25519 = { name: "Ed25519" };

/** The Worker, whose issuer publishes `keys`. */
async function workerWithKeys(...keys: JWK[]) {
  const { jwksUrl } = await scenario(keySet(...keys));
  return appWith({ OAUTH_JWKS_URL: jwksUrl, OAUTH_ALGORITHMS: "ES256 ES384 RS256 PS256 EdDSA" });
}

// Algorithms

test.each(["ES256", "RS256", "PS256", "EdDSA"])("a token signed by %s is accepted", async (alg) => {
  expect(await verdict(await token({ alg }))).toBe("accepted");
});

test.each(["none", "None", "NONE", "nOnE", "none "])("alg %j is no algorithm", async (alg) => {
  const unsigned = `${encode({ ...HEADER, alg })}.${encode(await claimsOf())}.`;
  expect(await verdict(unsigned)).toBe(REFUSED);
  expect(await verdict(await compact({ ...HEADER, alg }, await claimsOf()))).toBe(REFUSED);
  expect(await verdict(await compact({ alg, typ: "at+jwt" }, await claimsOf()))).toBe(REFUSED);
});

test.each(["none", "None", "HS256", "HS384", "HS512", "dir", "RSA-OAEP", "es256"])(
  "the algorithm list cannot hold %s",
  (alg) => {
    const settings = { ...env, OAUTH_ALGORITHMS: ["ES256", alg] };
    expect(() => settingsOf(settings)).toThrow("OAUTH_ALGORITHMS: must be asymmetric signature algorithms");
  },
);

test.each(["ES256", "RS256"])("the public %s key is no shared secret, in any form", async (kid) => {
  const jwk = publicPart(env.TEST_SIGNING_KEYS[kid]);
  const pem = await exportSPKI((await importJWK(jwk, kid, { extractable: true })) as CryptoKey);
  const bare = pem.replace(/-----[A-Z ]+-----|\n/g, "");
  for (const secret of [JSON.stringify(jwk), jwk.x ?? jwk.n ?? "", pem, `${pem}\n`, bare]) {
    const bytes = new TextEncoder().encode(secret);
    const hmac = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", bytes, hmac, false, ["sign"]);
    for (const alg of ["HS256", kid]) {
      expect(await verdict(await compact({ ...HEADER, alg, kid }, await claimsOf(), key))).toBe(REFUSED);
    }
  }
});

test.each<[unknown]>([
  ["es256"],
  ["ES256K"],
  ["ES384"],
  ["RS512"],
  ["Ed25519"],
  ["ML-DSA-44"],
  ["dir"],
  ["toString"],
  [""],
  [null],
  [256],
  [["ES256"]],
  [undefined],
])("alg %j is not on the list", async (alg) => {
  expect(await verdict(await compact({ ...HEADER, alg }, await claimsOf()))).toBe(REFUSED);
});

test("an algorithm outside the configured list is refused, though the issuer has a key for it", async () => {
  const target = appWith({ OAUTH_ALGORITHMS: ["ES256"] });
  expect(await verdict(await token({ alg: "ES256" }), target)).toBe("accepted");
  expect(await verdict(await token({ alg: "RS256" }), target)).toBe(REFUSED);
});

// One key, one algorithm

test.each([
  ["RS256", "PS256"],
  ["PS256", "RS256"],
])("one key serves one algorithm: %s by the key of %s is refused", async (alg, kid) => {
  const key = await signingKey(kid, alg);
  expect(await verdict(await compact({ ...HEADER, alg, kid }, await claimsOf(), key))).toBe(REFUSED);
});

test.each([
  ["ES256", "RS256"],
  ["RS256", "ES256"],
  ["EdDSA", "ES256"],
])("the header's alg is that of the key: a token signed by %s that says %s is refused", async (kid, alg) => {
  const key = await signingKey(kid);
  expect(await verdict(await compact({ ...HEADER, alg, kid }, await claimsOf(), key))).toBe(REFUSED);
});

test.each([
  ["RSA", "RS256", RSA],
  ["P-256", "ES256", P256],
  ["Ed25519", "EdDSA", ED25519],
])("a key of type %s whose algorithm the issuer does not say serves %s", async (_, alg, algorithm) => {
  const { key, jwk } = await keyPair(algorithm);
  const target = await workerWithKeys({ ...jwk, kid: "bare" });
  const bare = await compact({ ...HEADER, alg, kid: "bare" }, await claimsOf(), key);
  expect(await verdict(bare, target)).toBe("accepted");
});

test.each(["EdDSA", "Ed25519"])(
  "Ed25519 is one algorithm under two names (RFC 9864): %s in the setting",
  async (name) => {
    for (const published of ["EdDSA", "Ed25519", undefined]) {
      const { key, jwk } = await keyPair(ED25519);
      const { jwksUrl } = await scenario(keySet({ ...jwk, kid: "ed", ...(published && { alg: published }) }));
      const target = appWith({ OAUTH_JWKS_URL: jwksUrl, OAUTH_ALGORITHMS: [name] });
      for (const alg of ["EdDSA", "Ed25519"]) {
        expect(
          await verdict(await compact({ ...HEADER, alg, kid: "ed" }, await claimsOf(), key), target),
        ).toBe("accepted");
      }
    }
  },
);

test("an RSA key whose algorithm the issuer does not say serves no second algorithm", async () => {
  const target = await workerWithKeys({ ...publicPart(env.TEST_SIGNING_KEYS.PS256), kid: "bare" });
  const key = await signingKey("PS256");
  const pss = await compact({ ...HEADER, alg: "PS256", kid: "bare" }, await claimsOf(), key);
  expect(await verdict(pss, target)).toBe(REFUSED);
});

// Where keys come from

/** An attacker's key, published where the attacker can. */
async function attacker() {
  const { key, jwk } = await keyPair();
  const published = await scenario(keySet({ ...jwk, kid: "attacker", alg: "ES256" }));
  return { key, jwk, published };
}

test.each<[string, (jwk: JWK, url: string) => object]>([
  ["jku", (_, jku) => ({ jku })],
  ["x5u", (_, x5u) => ({ x5u })],
  ["jwk", (jwk) => ({ jwk })],
  ["x5c", (jwk) => ({ x5c: [jwk.x] })],
  ["all of them", (jwk, url) => ({ jwk, jku: url, x5u: url, x5c: [jwk.x], x5t: "x", "x5t#S256": "x" })],
])("keys come from the issuer only: %s in a token is ignored and never fetched", async (_, parameters) => {
  const { key, jwk, published } = await attacker();
  const extra = parameters(jwk, published.jwksUrl);
  for (const kid of ["ES256", "attacker", undefined, published.jwksUrl]) {
    expect(await verdict(await compact({ ...HEADER, ...extra, kid }, await claimsOf(), key))).toBe(REFUSED);
  }
  expect(await verdict(await compact({ ...HEADER, ...extra }, await claimsOf()))).toBe("accepted");
  expect(await published.asked()).toEqual([]);
});

test.each<[unknown]>([
  ["../../x"],
  ["/etc/passwd"],
  ["' OR 1=1 --"],
  ["%24%7Bjndi:ldap://127.0.0.1/x%7D"],
  ["http://127.0.0.1/jwks"],
  ["?x=#y"],
  ["__proto__"],
  ["constructor"],
  ["*"],
  ["es256"],
  [" ES256"],
  ["\u0000"],
  ["k".repeat(4000)],
  [""],
  [null],
  [0],
  [true],
  [["ES256"]],
  [{ kid: "ES256" }],
])("kid only selects within the key set: %j reaches nothing", async (kid) => {
  const issuer = await scenario(keySet({ ...publicPart(env.TEST_SIGNING_KEYS.ES256), kid: "ES256" }));
  const target = appWith({ OAUTH_JWKS_URL: issuer.jwksUrl });
  expect(await verdict(await token(), target)).toBe("accepted");
  expect(await verdict(await compact({ ...HEADER, kid }, await claimsOf()), target)).toBe(REFUSED);
  expect(await issuer.asked()).toEqual(["/jwks"]);
});

test("a token without kid is checked with the only key of its algorithm", async () => {
  expect(await verdict(await token({ header: { kid: undefined } }))).toBe("accepted");
  const { jwk } = await keyPair();
  const target = await workerWithKeys(publicPart(env.TEST_SIGNING_KEYS.ES256), jwk);
  expect(await verdict(await token({ header: { kid: undefined } }), target)).toBe(REFUSED);
});

// Keys that verify nothing

type Publish = (pair: KeyPair) => JWK;
const bare: Publish = ({ jwk }) => jwk;

test.each<[string, string, object, Publish]>([
  ["an RSA key of 1024 bits", "RS256", { ...RSA, modulusLength: 1024 }, bare],
  ["an RSA key of 1920 bits", "RS256", { ...RSA, modulusLength: 1920 }, bare],
  ["an RSA key without modulus", "RS256", RSA, ({ jwk: { n, ...rest } }) => rest],
  ["a point off the curve", "ES256", P256, ({ jwk }) => ({ ...jwk, y: jwk.x ?? "" })],
  ["half a point", "ES256", P256, ({ jwk: { y, ...rest } }) => rest],
  ["a point that is no base64url", "ES256", P256, ({ jwk }) => ({ ...jwk, x: "!" })],
  ["a key for encryption", "ES256", P256, ({ jwk }) => ({ ...jwk, use: "enc" })],
  ["a key of unknown use", "ES256", P256, ({ jwk }) => ({ ...jwk, use: "SIG" })],
  ["a key for other operations", "ES256", P256, ({ jwk }) => ({ ...jwk, key_ops: ["deriveBits"] })],
  ["operations that are no list", "ES256", P256, ({ jwk }) => Object.assign({}, jwk, { key_ops: "verify" })],
  ["a key of another curve", "ES256", P384, ({ jwk }) => ({ ...jwk, alg: "ES256" })],
  ["a key that says another curve", "ES256", P384, ({ jwk }) => ({ ...jwk, crv: "P-256" })],
  ["a key of another curve, unsaid", "ES256", P384, bare],
  ["a key of another type", "ES256", ED25519, ({ jwk }) => ({ ...jwk, alg: "ES256" })],
  ["an algorithm for encryption", "RS256", RSA, ({ jwk }) => ({ ...jwk, alg: "RSA-OAEP" })],
  ["a private key", "ES256", P256, ({ privateJwk }) => privateJwk],
  [
    "a private key that says verify",
    "ES256",
    P256,
    ({ privateJwk }) => ({ ...privateJwk, key_ops: ["verify"] }),
  ],
  ["a shared secret", "ES256", P256, () => ({ kty: "oct", k: "c2VjcmV0" })],
])(
  "%s verifies no token: 401, not 500, and the good key beside it still works",
  async (_, alg, algorithm, publish) => {
    const pair = await keyPair(algorithm);
    const good = { ...publicPart(env.TEST_SIGNING_KEYS.ES256), kid: "ES256", alg: "ES256" };
    const target = await workerWithKeys({ ...publish(pair), kid: "bad" }, good);
    const bad = await compact({ ...HEADER, alg, kid: "bad" }, await claimsOf(), pair.key);
    expect(await verdict(bad, target)).toBe(REFUSED);
    expect(await verdict(await token(), target)).toBe("accepted");
  },
);

test("a shared secret in the key set verifies no HS256 token", async () => {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, hmac, false, ["sign"]);
  const good = { ...publicPart(env.TEST_SIGNING_KEYS.ES256), kid: "ES256" };
  const target = await workerWithKeys({ kty: "oct", kid: "oct", alg: "HS256", k: encode(secret) }, good);
  const bad = await compact({ ...HEADER, alg: "HS256", kid: "oct" }, await claimsOf(), key);
  expect(await verdict(bad, target)).toBe(REFUSED);
});

test("two keys of one kid and algorithm verify nothing: 401, not 500", async () => {
  const twin = { ...publicPart(env.TEST_SIGNING_KEYS.ES256), kid: "ES256" };
  expect(await verdict(await token(), await workerWithKeys(twin, twin))).toBe(REFUSED);
});

test("whatever a key makes the verifier throw is 401 to the caller, and told to the log", async () => {
  const { jwk, key } = await keyPair({ ...RSA, modulusLength: 1024 });
  const config = settingsOf(env);
  const verifyToken = tokenVerifier({ ...config, keys: createLocalJWKSet({ keys: [jwk] }) });
  const app = new Hono().use(bearer({ ...config, verifyToken }));
  const refusals: unknown[] = [];
  app.onError((error, c) => {
    refusals.push(error);
    return errorResponse(error instanceof ApiError ? error : new ApiError("INTERNAL_ERROR"), c.req.url);
  });
  const weak = await compact({ alg: "RS256", typ: "at+jwt" }, await claimsOf(), key);
  expect(await verdict(weak, (request) => app.fetch(request))).toBe(REFUSED);
  expect(refusals).toMatchObject([{ reason: expect.stringContaining("2048 bits") }]);
});
