import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ruleSettings } from "../../src/keys/settings.ts";
import { readSettings, SettingsError } from "../../src/lib/settings.ts";
import { settingsOf } from "../support/settings.ts";

const PEPPER = "x".repeat(32);
const parse = (overrides: Record<string, unknown>) => settingsOf({ ...env, ...overrides });
const peppers = (json: string) => [...parse({ KEY_PEPPERS: json }).KEY_PEPPERS.keys()];

test("the defaults are those of the contract", () => {
  expect(parse({})).toMatchObject({
    OAUTH_AUDIENCE: ["urn:latchkey:management"],
    OAUTH_JWKS_URL: "",
    OAUTH_ALGORITHMS: ["RS256", "PS256", "ES256", "EdDSA"],
    OAUTH_TOKEN_TYPES: ["at+jwt"],
    OAUTH_COMPANY_CLAIM: ["company_id"],
    OAUTH_SCOPE_CLAIM: ["scope"],
    OAUTH_REQUIRED_CLAIMS: [],
    OAUTH_READ_SCOPE: "api-keys:read",
    OAUTH_WRITE_SCOPE: "api-keys:write",
    KEY_PREFIX: "lk_live",
    MAX_KEY_LIFETIME_DAYS: 0,
    MAX_LIVE_KEYS: 1000,
    REVOCATION_SECONDS: 5,
    OUTAGE_SECONDS: 300,
    LEAK_REPORT_KEYS_URL: "",
  });
  expect([...parse({}).SCOPES.keys()]).toEqual([
    "jobs:read",
    "jobs:write",
    "applications:read",
    "applications:write",
    "candidates:read",
    "candidates:write",
    "webhooks:manage",
  ]);
});

test.each([
  ["at+jwt JWT", ["at+jwt", "JWT"]],
  ['["at+jwt","JWT"]', ["at+jwt", "JWT"]],
  [
    ["at+jwt", "JWT"],
    ["at+jwt", "JWT"],
  ],
  ["  at+jwt   JWT ", ["at+jwt", "JWT"]],
])("a list is words with spaces between or a JSON array: %j", (value, list) => {
  expect(parse({ OAUTH_TOKEN_TYPES: value }).OAUTH_TOKEN_TYPES).toEqual(list);
});

test.each([
  ["7", 7],
  [7, 7],
  ["007", 7],
])("a number may be a string: %j", (value, number) => {
  expect(parse({ MAX_LIVE_KEYS: value }).MAX_LIVE_KEYS).toBe(number);
});

test("SCOPES may be a JSON text", () => {
  const { SCOPES } = parse({ SCOPES: '{"a:b":"Read","c":""}' });
  expect([...SCOPES]).toEqual([
    ["a:b", "Read"],
    ["c", ""],
  ]);
});

describe("KEY_PEPPERS", () => {
  test.each([
    [`{"a":"${PEPPER}"}`, ["a"]],
    [`{"a":"${PEPPER}","b":"${PEPPER}"}`, ["a", "b"]],
    [`{"b":"${PEPPER}","a":"${PEPPER}"}`, ["b", "a"]],
    [`{ "1" : "${PEPPER}", "2":"${PEPPER}", "Z":"${PEPPER}" }`, ["1", "2", "Z"]],
    [`{"a":"${PEPPER}\\"b\\":"}`, ["a"]],
  ])("the newest is the last of the text: %s", (json, generations) => {
    expect(peppers(json)).toEqual(generations);
  });

  test.each([
    ["a digit after a letter, which JSON.parse would move", `{"a":"${PEPPER}","1":"${PEPPER}"}`],
    ["digits in falling order, which JSON.parse would sort", `{"2":"${PEPPER}","1":"${PEPPER}"}`],
    [
      "a generation twice, of which JSON.parse would keep one",
      `{"a":"${PEPPER}","b":"${PEPPER}","a":"${PEPPER}"}`,
    ],
  ])("a newest that cannot be told is refused: %s", (_, json) => {
    expect(() => peppers(json)).toThrow("KEY_PEPPERS: generations must be distinct");
  });

  test.each([
    [undefined, "is missing"],
    ["", "must be a JSON map from generation character to pepper"],
    ["x".repeat(40), "must be a JSON map from generation character to pepper"],
    [`["${PEPPER}"]`, "must be a JSON map from generation character to pepper"],
    [`{"":"${PEPPER}"}`, "a generation is one character of 0-9, A-Z, a-z"],
    [`{"ab":"${PEPPER}"}`, "a generation is one character of 0-9, A-Z, a-z"],
    [`{"é":"${PEPPER}"}`, "a generation is one character of 0-9, A-Z, a-z"],
    [`{"a":"${PEPPER}","b":"short"}`, "a pepper has 32 characters or more"],
  ])("%s is refused: %s", (value, message) => {
    expect(() => parse({ KEY_PEPPERS: value })).toThrow(`KEY_PEPPERS: ${message}`);
  });
});

test("all faults of a domain are named at once, without their values", () => {
  const wrong = { SCOPES: "secret-1", MAX_KEY_LIFETIME_DAYS: "secret-2", MAX_LIVE_KEYS: "secret-3" };
  const parsing = readSettings(ruleSettings, wrong);
  expect(parsing).toThrow(SettingsError);
  for (const name of Object.keys(wrong)) expect(parsing).toThrow(`${name}: `);
  expect(parsing).not.toThrow(/secret/);
});
