import fc from "fast-check";
import { base64url, EncryptJWT, FlattenedSign, GeneralSign } from "jose";
import { expect, test } from "vitest";
import { call, createKey, manage, token } from "../support/api.ts";
import { logged } from "../support/expect.ts";
import { claimsOf, compact, encode, HEADER, REFUSED, signingKey, verdict } from "../support/jws.ts";

test.each([
  { crit: ["urn:unknown"], "urn:unknown": true },
  { crit: ["urn:unknown"] },
  { crit: ["exp"], exp: 9_999_999_999 },
  { crit: ["alg"] },
  { crit: ["b64", "urn:unknown"], b64: true, "urn:unknown": 1 },
  { crit: ["b64"] },
  { crit: ["toString"] },
  { crit: [] },
  { crit: [""] },
  { crit: [1] },
  { crit: "b64", b64: true },
  { crit: {} },
  { crit: null },
  { crit: ["b64"], b64: false },
  { b64: false },
])("critical extensions and unencoded payloads are refused: %j", async (extension) => {
  expect(await verdict(await compact({ ...HEADER, ...extension }, await claimsOf()))).toBe(REFUSED);
});

test("a payload that is really unencoded is refused", async () => {
  const header = encode({ ...HEADER, crit: ["b64"], b64: false });
  const payload = JSON.stringify(await claimsOf()).replaceAll(".", "\\u002e");
  const key = await signingKey("ES256");
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const input = new TextEncoder().encode(`${header}.${payload}`);
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, key, input));
  expect(await verdict(`${header}.${payload}.${base64url.encode(signature)}`)).toBe(REFUSED);
});

// Form

test("an encrypted token is refused", async () => {
  const encrypted = await new EncryptJWT(await claimsOf())
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", typ: "at+jwt", kid: "ES256" })
    .encrypt(crypto.getRandomValues(new Uint8Array(32)));
  expect(encrypted.split(".")).toHaveLength(5);
  expect(await verdict(encrypted)).toBe(REFUSED);
});

test("the JSON serializations are refused, as they are and encoded", async () => {
  const payload = new TextEncoder().encode(JSON.stringify(await claimsOf()));
  const key = await signingKey("ES256");
  const flattened = await new FlattenedSign(payload).setProtectedHeader(HEADER).sign(key);
  const general = await new GeneralSign(payload).addSignature(key).setProtectedHeader(HEADER).sign();
  for (const json of [JSON.stringify(flattened), JSON.stringify(general)]) {
    expect(await verdict(json)).toBe(REFUSED);
    expect(await verdict(encode(json))).toBe(REFUSED);
  }
});

test.each<[string, (header: string, payload: string, signature: string) => string]>([
  ["two parts", (header, payload) => `${header}.${payload}`],
  ["four parts", (header, payload, signature) => `${header}.${payload}.${signature}.${signature}`],
  ["a dot before", (header, payload, signature) => `.${header}.${payload}.${signature}`],
  ["a dot after", (header, payload, signature) => `${header}.${payload}.${signature}.`],
  ["an empty signature", (header, payload) => `${header}.${payload}.`],
  ["an empty payload", (header, _, signature) => `${header}..${signature}`],
  ["padding", (header, payload, signature) => `${header}.${payload}.${signature}==`],
  ["percent-encoding", (header, payload, signature) => `${header}%2e${payload}%2e${signature}`],
  ["quotes", (header, payload, signature) => `"${header}.${payload}.${signature}"`],
  ["space inside", (header, payload, signature) => `${header}. ${payload}.${signature}`],
  ["a parameter after", (header, payload, signature) => `${header}.${payload}.${signature}, realm="x"`],
])("only three parts in the base64url alphabet are a token: %s is refused", async (_, change) => {
  const [header = "", payload = "", signature = ""] = (await token()).split(".");
  expect(await verdict(change(header, payload, signature))).toBe(REFUSED);
});

test.each(["=", "+", "/", "~"])(
  "only the base64url alphabet is read: a signed %j is refused",
  async (character) => {
    const key = await signingKey("ES256");
    const padded = `${encode(HEADER)}.${encode(`${JSON.stringify(await claimsOf())}  `.padEnd(401))}${character}`;
    const input = new TextEncoder().encode(padded);
    const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, input);
    expect(await verdict(`${padded}.${base64url.encode(new Uint8Array(signature))}`)).toBe(REFUSED);
  },
);

test.each(["", "null", "[]", '"text"', "7", "{", '{"a":1}{}'])(
  "a payload is a JSON object: a signed %j is refused",
  async (payload) => {
    expect(await verdict(await compact(HEADER, payload))).toBe(REFUSED);
    expect(await verdict(await compact(payload, await claimsOf()))).toBe(REFUSED);
  },
);

test("a payload is UTF-8: bytes that are not are refused", async () => {
  const bytes = new TextEncoder().encode(JSON.stringify({ ...(await claimsOf()), company_id: "acme?" }));
  bytes[bytes.indexOf("?".charCodeAt(0))] = 0xff;
  expect(await verdict(await compact(HEADER, bytes))).toBe(REFUSED);
});

// Names that occur twice

test("of a claim that occurs twice the last counts, for every use of it", async () => {
  const claims = JSON.stringify({ ...(await claimsOf()), company_id: "globex" });
  const twice = await compact(HEADER, claims.replace(/^{/, '{"company_id":"acme",'));
  const headers = { Authorization: `Bearer ${twice}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ label: "Careers page", scopes: ["jobs:read"] });
  await createKey({}, { company: "acme" });
  const created = await call("/settings/api-keys", { method: "POST", headers, body });
  const { id } = await created.json<{ id: string }>();
  for (const [path, options] of [
    [`/settings/api-keys/${id}`, { company: "globex" }],
    [`/settings/api-keys/${id}`, { company: "acme" }],
  ] as const) {
    expect((await manage(path, options)).status).toBe(options.company === "globex" ? 200 : 404);
  }
  expect(await (await call("/settings/api-keys", { headers })).json()).toMatchObject([{ id }]);
});

test.each([
  ["iss", '"https://elsewhere.example"'],
  ["aud", '"urn:elsewhere"'],
  ["exp", "1700000000"],
  ["nbf", "9999999999"],
])("of a claim that occurs twice the last counts: a bad last %s is refused", async (claim, bad) => {
  const claims = JSON.stringify({ nbf: 0, ...(await claimsOf()) });
  const badFirst = claims.replace(/^{/, `{"${claim}":${bad},`);
  const badLast = claims.replace(/}$/, `,"${claim}":${bad}}`);
  expect(await verdict(await compact(HEADER, badFirst))).toBe("accepted");
  expect(await verdict(await compact(HEADER, badLast))).toMatch(/^401/);
});

test.each([
  ["alg", '"none"'],
  ["typ", '"JWT"'],
  ["kid", '"RS256"'],
])("of a header name that occurs twice the last counts: a bad last %s is refused", async (name, bad) => {
  const header = JSON.stringify(HEADER);
  const badFirst = header.replace(/^{/, `{"${name}":${bad},`);
  const badLast = header.replace(/}$/, `,"${name}":${bad}}`);
  expect(await verdict(await compact(badFirst, await claimsOf()))).toBe("accepted");
  expect(await verdict(await compact(badLast, await claimsOf()))).toBe(REFUSED);
});

test.each(["__proto__", "constructor", "prototype"])(
  "claims and header parameters named %s change nothing",
  async (name) => {
    const rest = `"${name}":{"company_id":"globex","sub":"root","typ":"at+jwt"}}`;
    const { company_id, ...claims } = await claimsOf();
    const payload = JSON.stringify(claims).replace(/}$/, `,${rest}`);
    expect(await verdict(await compact(HEADER, payload))).toBe("403 FORBIDDEN");
    const header = JSON.stringify({ ...HEADER, typ: undefined }).replace(/}$/, `,${rest}`);
    expect(await verdict(await compact(header, await claimsOf()))).toBe(REFUSED);
  },
);

// Anything at all

const printable = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
});
const base64urlText = fc.string({ unit: fc.constantFrom(..."ABCXYZabcxyz0189-_"), minLength: 1 });
const anything = fc.oneof(
  printable,
  printable.map((text) => `Bearer ${text}`),
  fc.array(base64urlText, { minLength: 1, maxLength: 5 }).map((parts) => `Bearer ${parts.join(".")}`),
  fc.tuple(fc.jsonValue(), fc.jsonValue()).map(([a, b]) => `Bearer ${encodeJson(a)}.${encodeJson(b)}.AAAA`),
  fc
    .record({
      alg: fc.constantFrom("ES256", "none", "HS256"),
      kid: fc.jsonValue(),
      typ: fc.constantFrom("at+jwt", 1),
    })
    .map((header) => `Bearer ${encodeJson(header)}.${encodeJson({})}.AAAA`),
);

function encodeJson(value: unknown): string {
  return encode(JSON.stringify(value));
}

test("whatever stands in Authorization, the answer is 401", async () => {
  logged();
  await fc.assert(
    fc.asyncProperty(anything, async (authorization) => {
      const answer = await call("/settings/scopes", { headers: { Authorization: authorization } });
      expect(answer.status).toBe(401);
    }),
    { numRuns: 100 },
  );
}, 30_000);

test("a good token with any one character changed, dropped or added is 401", async () => {
  logged();
  const good = await token();
  // The last character of a signature holds bits that mean nothing.
  const index = fc.nat(good.length - 2);
  const edit = fc.constantFrom<[number, number]>([1, 0], [1, 1], [0, 1]);
  await fc.assert(
    fc.asyncProperty(index, edit, base64urlText, async (at, [drop, add], text) => {
      const changed = good.slice(0, at) + text.slice(0, add) + good.slice(at + drop);
      fc.pre(changed !== good);
      expect(await verdict(changed)).toBe(REFUSED);
    }),
    { numRuns: 100 },
  );
}, 30_000);
