import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { appWith, token } from "../support/api.ts";
import { claimsOf, compact, encode, HEADER, REFUSED, verdict } from "../support/jws.ts";

const { OAUTH_ISSUER: ISSUER, OAUTH_AUDIENCE: AUDIENCE } = env;

test.each<[unknown]>([
  [ISSUER.slice(0, -1)],
  [`${ISSUER}0`],
  [`${ISSUER}/`],
  [`${ISSUER}/scenarios/x`],
  [`${ISSUER}.evil.example`],
  [` ${ISSUER}`],
  [`${ISSUER}\n`],
  [ISSUER.toUpperCase()],
  [ISSUER.replace("http:", "https:")],
  [ISSUER.replace("127.0.0.1", "localhost")],
  [[ISSUER]],
  [""],
  [null],
  [undefined],
])("a token of another issuer is refused: %j", async (iss) => {
  expect(await verdict(await token({ claims: { iss } }))).toBe(REFUSED);
});

test.each<[unknown]>([[AUDIENCE], [[AUDIENCE]], [["urn:elsewhere", AUDIENCE]]])(
  "the audience is a whole element of aud: %j is accepted",
  async (aud) => {
    expect(await verdict(await token({ claims: { aud } }))).toBe("accepted");
  },
);

test.each<[unknown]>([
  [AUDIENCE.slice(0, -1)],
  [`${AUDIENCE}/`],
  [`${AUDIENCE} urn:elsewhere`],
  [AUDIENCE.toUpperCase()],
  [[`${AUDIENCE} urn:elsewhere`]],
  [[[AUDIENCE]]],
  [{ 0: AUDIENCE }],
  [{ [AUDIENCE]: true }],
  [["urn:elsewhere"]],
  [[]],
  [""],
  [null],
  [true],
  [undefined],
])("the audience is a whole element of aud: %j is refused", async (aud) => {
  expect(await verdict(await token({ claims: { aud } }))).toBe(REFUSED);
});

// Time

const NOW = 1_800_000_000;

test.each([
  ["exp", 1, "accepted"],
  ["exp", -29, "accepted"],
  ["exp", -30, "401 TOKEN_EXPIRED"],
  ["exp", -60, "401 TOKEN_EXPIRED"],
  ["exp", -NOW, "401 TOKEN_EXPIRED"],
  ["nbf", 0, "accepted"],
  ["nbf", 30, "accepted"],
  ["nbf", 31, REFUSED],
  ["nbf", 60, REFUSED],
  ["iat", 3600, "accepted"],
])("clocks may differ by 30 s: %s %i s from now is %s", async (claim, seconds, expected) => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW * 1000 });
  expect(await verdict(await token({ claims: { [claim]: NOW + seconds } }))).toBe(expected);
});

test.each(["exp", "nbf", "iat"])("%s is a number or the token is refused", async (claim) => {
  const later = Math.floor(Date.now() / 1000) + (claim === "exp" ? 300 : -300);
  for (const value of [String(later), "soon", null, true, [later], {}, new Date().toISOString()]) {
    expect(await verdict(await token({ claims: { [claim]: value } })), JSON.stringify(value)).toBe(REFUSED);
  }
});

test("a token that never expires is refused", async () => {
  expect(await verdict(await token({ claims: { exp: undefined } }))).toBe(REFUSED);
});

test.each<[string, Parameters<typeof token>[0]]>([
  ["of another issuer", { claims: { iss: "https://elsewhere.example" } }],
  ["for another audience", { claims: { aud: "urn:elsewhere" } }],
  ["without a subject", { claims: { sub: undefined } }],
  ["of another type", { header: { typ: "JWT" } }],
  ["of an unknown key", { header: { kid: "unknown" } }],
  ["signed by another key", { header: { kid: "RS256" } }],
])("only a genuine token is called expired: one %s is not", async (_, { claims, ...options } = {}) => {
  const expired = await token({ ...options, claims: { exp: 1_700_000_000, ...claims } });
  expect(await verdict(expired)).toBe(REFUSED);
});

test("only a genuine token is called expired: one with a changed claim or signature is not", async () => {
  const expired = await token({ claims: { exp: 1_700_000_000 } });
  const [header, , signature] = expired.split(".");
  expect(await verdict(expired)).toBe("401 TOKEN_EXPIRED");
  const changed = encode({ ...(await claimsOf()), exp: 1_700_000_001 });
  expect(await verdict(`${header}.${changed}.${signature}`)).toBe(REFUSED);
  expect(await verdict(expired.replace(/[^.]+$/, "A".repeat(86)))).toBe(REFUSED);
});

test.each<[unknown]>([[undefined], [null], [""], [7], [["ada"]]])(
  "sub is a non-empty string: %j is refused",
  async (sub) => {
    expect(await verdict(await token({ claims: { sub } }))).toBe(REFUSED);
  },
);

// Type

test.each(["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"])(
  "typ %j is an access token",
  async (typ) => {
    expect(await verdict(await token({ header: { typ } }))).toBe("accepted");
  },
);

test.each<[unknown]>([
  [undefined],
  ["JWT"],
  ["jwt"],
  ["id_token+jwt"],
  ["logout+jwt"],
  ["dpop+jwt"],
  ["secevent+jwt"],
  ["at"],
  ["at+jwt "],
  ["at+jwt;charset=utf-8"],
  ["text/at+jwt"],
  ["application/application/at+jwt"],
  [""],
  [null],
  [1],
  [["at+jwt"]],
])("typ %j is no access token", async (typ) => {
  expect(await verdict(await compact({ ...HEADER, typ }, await claimsOf()))).toBe(REFUSED);
});

test("an issuer without RFC 9068 may send JWT where the settings say so, and nothing else", async () => {
  const target = appWith({ OAUTH_TOKEN_TYPES: "at+jwt JWT" });
  expect(await verdict(await token({ header: { typ: "JWT" } }), target)).toBe("accepted");
  expect(await verdict(await token({ header: { typ: "at+jwt" } }), target)).toBe("accepted");
  expect(await verdict(await token({ header: { typ: "logout+jwt" } }), target)).toBe(REFUSED);
  expect(await verdict(await token({ header: { typ: undefined } }), target)).toBe(REFUSED);
});
