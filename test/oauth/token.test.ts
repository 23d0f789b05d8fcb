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
});

test("no type counts as JWT (RFC 7519 §5.1), and is accepted where JWT is", async () => {
  const target = appWith({ OAUTH_TOKEN_TYPES: "at+jwt JWT" });
  expect(await verdict(await token({ header: { typ: undefined } }), target)).toBe("accepted");
  for (const typ of [null, "", 1, ["JWT"]]) {
    expect(await verdict(await compact({ ...HEADER, typ }, await claimsOf()), target)).toBe(REFUSED);
  }
});

test.each(["nonce", "at_hash", "c_hash", "s_hash", "events"])(
  "what has the claim %s is no access token, unless its type says so",
  async (claim) => {
    const target = appWith({ OAUTH_TOKEN_TYPES: "at+jwt JWT", OAUTH_READ_SCOPE: "" });
    const claims = { [claim]: "x" };
    for (const typ of ["JWT", undefined]) {
      expect(await verdict(await token({ claims, header: { typ } }), target)).toBe(REFUSED);
    }
    expect(await verdict(await token({ claims }), target)).toBe("accepted");
  },
);

test("a nonce is no sign where scopes or required claims tell access tokens from ID tokens", async () => {
  const options = { claims: { nonce: "x", azp: "dash" }, header: { typ: "JWT" } };
  const types = { OAUTH_TOKEN_TYPES: "at+jwt JWT" };
  expect(await verdict(await token(options), appWith(types))).toBe("accepted");
  const open = { ...types, OAUTH_READ_SCOPE: "" };
  expect(await verdict(await token(options), appWith(open))).toBe(REFUSED);
  const required = { ...open, OAUTH_REQUIRED_CLAIMS: { azp: "dash" } };
  expect(await verdict(await token(options), appWith(required))).toBe("accepted");
});

// Audiences

test("one audience of the list is enough", async () => {
  const target = appWith({ OAUTH_AUDIENCE: ["https://keys.example", AUDIENCE] });
  for (const aud of [AUDIENCE, "https://keys.example", ["https://keys.example", "x"]]) {
    expect(await verdict(await token({ claims: { aud } }), target)).toBe("accepted");
  }
  expect(await verdict(await token({ claims: { aud: `https://keys.example ${AUDIENCE}` } }), target)).toBe(
    REFUSED,
  );
});

test("an empty list is for tokens without an audience, and for no others", async () => {
  const target = appWith({ OAUTH_AUDIENCE: "" });
  expect(await verdict(await token({ claims: { aud: undefined } }), target)).toBe("accepted");
  for (const aud of [AUDIENCE, "", null, [], [AUDIENCE], 0, false]) {
    expect(await verdict(await token({ claims: { aud } }), target), JSON.stringify(aud)).toBe(REFUSED);
  }
});

// Required claims

test.each<[Record<string, unknown>, Record<string, unknown>, string]>([
  [{ token_use: "access" }, { token_use: "access" }, "accepted"],
  [{ token_use: "access" }, { token_use: "id" }, REFUSED],
  [{ token_use: "access" }, { token_use: "Access" }, REFUSED],
  [{ token_use: "access" }, { token_use: ["access"] }, REFUSED],
  [{ token_use: "access" }, {}, REFUSED],
  [{ azp: ["dash", "cli"] }, { azp: "cli" }, "accepted"],
  [{ azp: ["dash", "cli"] }, { azp: "dash cli" }, REFUSED],
  [{ azp: ["dash", "cli"] }, { azp: ["dash", "cli"] }, REFUSED],
  [{ is_anonymous: false }, { is_anonymous: false }, "accepted"],
  [{ is_anonymous: false }, { is_anonymous: "false" }, REFUSED],
  [{ is_anonymous: false }, { is_anonymous: 0 }, REFUSED],
  [{ is_anonymous: false }, {}, REFUSED],
  [{ version: 2 }, { version: 2 }, "accepted"],
  [{ version: 2 }, { version: "2" }, REFUSED],
  [{ "app_metadata provider": "email" }, { app_metadata: { provider: "email" } }, "accepted"],
  [{ toString: "x" }, {}, REFUSED],
  [{ a: "1", b: "2" }, { a: "1" }, REFUSED],
])("required claims are compared by type and value: %j of %j is %s", async (required, claims, expected) => {
  for (const OAUTH_REQUIRED_CLAIMS of [required, JSON.stringify(required)]) {
    expect(await verdict(await token({ claims }), appWith({ OAUTH_REQUIRED_CLAIMS }))).toBe(expected);
  }
});

test("only a genuine token is called expired: one without a required claim is not", async () => {
  const target = appWith({ OAUTH_REQUIRED_CLAIMS: { token_use: "access" } });
  const exp = 1_700_000_000;
  expect(await verdict(await token({ claims: { exp } }), target)).toBe(REFUSED);
  expect(await verdict(await token({ claims: { exp, token_use: "access" } }), target)).toBe(
    "401 TOKEN_EXPIRED",
  );
});

// Tenants

const TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER_TENANT = "cccccccc-86f1-41af-91ab-2d7cd011db47";
const PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad";

test.each<[unknown, unknown, string]>([
  [TENANT, TENANT, "accepted"],
  [OTHER_TENANT, OTHER_TENANT, "accepted"],
  [TENANT, OTHER_TENANT, REFUSED],
  [PERSONAL, PERSONAL, REFUSED],
  ["{tenantid}", TENANT, REFUSED],
  ["{tenantid}", "{tenantid}", REFUSED],
  ["{tenantid}", undefined, REFUSED],
  ["organizations", "organizations", REFUSED],
  ["", "", REFUSED],
  [TENANT.toUpperCase(), TENANT.toUpperCase(), REFUSED],
  [TENANT, [TENANT], REFUSED],
])(
  "an issuer of many tenants is the template with the token's own: iss of %j, tid %j is %s",
  async (iss, tid, expected) => {
    const target = appWith({
      OAUTH_ISSUER: `${ISSUER}/{tenantid}/v2.0`,
      OAUTH_JWKS_URL: `${ISSUER}/jwks`,
      OAUTH_COMPANY_CLAIM: "tid",
    });
    expect(await verdict(await token({ claims: { iss: `${ISSUER}/${iss}/v2.0`, tid } }), target)).toBe(
      expected,
    );
  },
);

test("a token without an issuer is refused, also where the issuer has many tenants", async () => {
  const target = appWith({
    OAUTH_ISSUER: `${ISSUER}/{tenantid}/v2.0`,
    OAUTH_JWKS_URL: `${ISSUER}/jwks`,
    OAUTH_COMPANY_CLAIM: "tid",
  });
  for (const tid of [undefined, PERSONAL, TENANT]) {
    expect(await verdict(await token({ claims: { iss: undefined, tid } }), target), tid).toBe(REFUSED);
  }
});

test("an issuer that is a mere name works where its keys are known", async () => {
  const target = appWith({ OAUTH_ISSUER: "acme.com", OAUTH_JWKS_URL: `${ISSUER}/jwks` });
  expect(await verdict(await token({ claims: { iss: "acme.com" } }), target)).toBe("accepted");
  expect(await verdict(await token({ claims: { iss: "https://acme.com" } }), target)).toBe(REFUSED);
});
