import { expect, test } from "vitest";
import { claimAt, companyOf, difference, scopesOf } from "../../src/oauth/claims.ts";

const CLAIMS = {
  org_id: "acme",
  o: { id: "org_1", deep: { er: "x" } },
  "https://stytch.com/organization": { organization_id: "organization-1" },
  list: ["first", { id: "second" }],
  nothing: null,
};

test.each<[string[], unknown]>([
  [["org_id"], "acme"],
  [["o", "id"], "org_1"],
  [["o", "deep", "er"], "x"],
  [["https://stytch.com/organization", "organization_id"], "organization-1"],
  [["o.id"], undefined],
  [["o", "missing"], undefined],
  [["org_id", "length"], undefined],
  [["list", "0"], undefined],
  [["list", "length"], undefined],
  [["nothing", "id"], undefined],
  [["constructor", "name"], undefined],
  [["o", "constructor", "name"], undefined],
  [["__proto__", "constructor"], undefined],
  [["toString"], undefined],
])("a path leads from member to member of objects, own ones alone: %j", (path, expected) => {
  expect(claimAt(CLAIMS, path)).toBe(expected);
});

test.each<[unknown, string | null]>([
  ["acme", "acme"],
  [["acme"], "acme"],
  [[["acme"]], null],
  [["acme", "globex"], null],
  [[], null],
  [{ acme: { id: "1" } }, null],
  [42, null],
  [[42], null],
  [true, null],
  [null, null],
  [undefined, null],
  ["", null],
  [" \t\n", null],
  ["\u3164\u2800", null],
  ["\ud800", null],
  [" acme ", " acme "],
])("a company is a string that is not blank, or a list of exactly one: %j", (claim, company) => {
  expect(companyOf(claim)).toBe(company);
});

test.each<[unknown, string[]]>([
  ["a b", ["a", "b"]],
  ["a,b", ["a,b"]],
  [
    ["a", "b c"],
    ["a", "b c"],
  ],
  [["a", 7], []],
  [{ a: true }, []],
  [true, []],
  [undefined, []],
])("scopes are a string parted by spaces or a list compared whole: %j", (scp, scopes) => {
  expect(scopesOf({ scp }, ["scp"], true)).toEqual(scopes);
  expect(scopesOf({ access: { roles: scp } }, ["access", "roles"], true)).toEqual(scopes);
});

test("the scope of an at+jwt is a string (RFC 9068 §2.2.3); others may have a list, or scp in its place", () => {
  const scopes = (claims: object, isTyped: boolean) => scopesOf({ ...claims }, ["scope"], isTyped);
  expect(scopes({ scope: ["a"] }, true)).toEqual([]);
  expect(scopes({ scp: ["a"] }, true)).toEqual([]);
  expect(scopes({ scope: ["a"] }, false)).toEqual(["a"]);
  expect(scopes({ scp: "a b" }, false)).toEqual(["a", "b"]);
});

test("scopes come from one claim, never from two", () => {
  expect(scopesOf({ scope: "a", scp: ["b"] }, ["scope"], false)).toEqual(["a"]);
  expect(scopesOf({ scope: null, scp: ["b"] }, ["scope"], false)).toEqual([]);
  expect(scopesOf({ scope: "a", roles: ["b"] }, ["roles"], false)).toEqual(["b"]);
});

test("a difference is one short line, whatever was found", () => {
  expect(difference("aud", ["a", "b"], ["c"])).toBe('aud: expected "a" or "b", found ["c"]');
  expect(difference("typ", "a name", undefined)).toBe("typ: expected a name, found nothing");
  expect(difference("sub", "a name", "\n".repeat(5000))).toMatch(/^[^\n]{1,250}$/);
});
