import type { JWTPayload } from "jose";

/** Names of members, from the outside in. */
export type ClaimPath = readonly string[];

export type ClaimValue = string | number | boolean;

/** A claim, and the values of which it must be one. */
export interface RequiredClaim {
  path: ClaimPath;
  values: readonly ClaimValue[];
}

/** One character that can be seen. */
const VISIBLE = /[^\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Of a claim in a log line, in characters. */
const MAX_SHOWN = 200;

/** What stands at `path`: own members of objects alone, neither inherited ones nor elements of arrays. */
export function claimAt(claims: object, path: ClaimPath): unknown {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    value = Object.getOwnPropertyDescriptor(value, name)?.value;
  }
  return value;
}

/**
 * The tenant that a claim names: a string that is not blank, or an array of exactly one such string.
 * Never the first of several, nor a value of another type made into text.
 */
export function companyOf(claim: unknown): string | null {
  const name: unknown = Array.isArray(claim) && claim.length === 1 ? claim[0] : claim;
  return typeof name === "string" && VISIBLE.test(name) && name.isWellFormed() ? name : null;
}

/** Of so many companies one can be chosen. */
const MAX_COMPANIES = 100;

/** The tenants that a claim names, where these are several: for somebody to choose one. */
export function companiesOf(claim: unknown): readonly string[] {
  if (!Array.isArray(claim) || claim.length > MAX_COMPANIES) return [];
  const names = [...new Set(claim.map(companyOf))].filter((name) => name !== null);
  return names.length > 1 && claim.every((name) => typeof name === "string" && companyOf(name) !== null)
    ? names
    : [];
}

/**
 * The scopes at `path`: a string parted by single spaces (RFC 6749 §3.3), or an array of strings.
 *
 * @param isTyped - The token is an `at+jwt`, whose `scope` is a string (RFC 9068 §2.2.3). Others have an array there,
 *   or `scp` in its place.
 */
export function scopesOf(claims: JWTPayload, path: ClaimPath, isTyped: boolean): readonly string[] {
  const isScope = path.length === 1 && path[0] === "scope";
  const value = claimAt(claims, isScope && !isTyped && claims.scope === undefined ? ["scp"] : path);
  if (typeof value === "string") return value.split(" ");
  if (!Array.isArray(value) || (isScope && isTyped)) return [];
  return value.every((scope) => typeof scope === "string") ? value : [];
}

/** The first of `required` that the token does not have, compared by type and value. */
export function missingClaim(
  claims: JWTPayload,
  required: readonly RequiredClaim[],
): RequiredClaim | undefined {
  return required.find(({ path, values }) => !values.some((value) => value === claimAt(claims, path)));
}

/**
 * What was expected of a claim or header and what was found, for the log.
 *
 * @param expected - What kind of value, or those of which it must be one.
 */
export function difference(name: string, expected: string | readonly ClaimValue[], found: unknown): string {
  const wanted = typeof expected === "string" ? expected : expected.map(shown).join(" or ");
  return `${name}: expected ${wanted}, found ${shown(found)}`;
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, MAX_SHOWN);
}
