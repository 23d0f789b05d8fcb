import * as z from "zod";

/** Seconds in a day. */
export const DAY_SECONDS = 86_400;
export const YEAR_SECONDS = 365 * DAY_SECONDS;

/** Shortest pepper, in characters: 32 characters of base64 hold 192 bits. */
const MIN_PEPPER_LENGTH = 32;

/** Signature algorithms a token may have: asymmetric only (RFC 8725 §3.1, RFC 9068 §4). */
const ASYMMETRIC = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** scope-token of RFC 6749 §3.3. */
const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

const text = z.string().min(1, "must not be empty");
const url = z.url({ protocol: /^https?$/, error: "must be an http(s) URL" });
const list = z.preprocess(
  (value) => (typeof value === "string" ? (fromJson(value) ?? value.split(" ").filter(Boolean)) : value),
  z.array(text).min(1, "must not be empty"),
);
const scopeName = z.string().regex(SCOPE, "must be scope names without spaces");
const optionalScope = z.union([z.literal(""), scopeName]);
const whole = (min: number, max: number) =>
  z.preprocess(
    (value) => (typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value),
    z.int(`must be a whole number from ${min} to ${max}`).min(min).max(max),
  );
const jsonObject = z.preprocess(
  (value) => (typeof value === "string" ? fromJson(value) : value),
  z.record(z.string(), z.string()),
);

const catalogue = jsonObject
  .transform((table) => new Map(Object.entries(table)))
  .refine((scopes) => scopes.size > 0 && [...scopes.keys()].every((scope) => SCOPE.test(scope)), {
    error: "must be a table of scope to description",
  });

/**
 * Generation character → pepper, the newest last. `JSON.parse` moves digits to the front and drops
 * duplicates, so the order is compared with the text: a new key must never get a retired pepper.
 */
const peppers = z
  .string("is missing")
  .transform((value) => ({ value, table: jsonObject.safeParse(value).data ?? {} }))
  .refine(({ table }) => Object.keys(table).length > 0, {
    error: "must be a JSON map from generation character to pepper",
  })
  .refine(({ table }) => Object.keys(table).every((generation) => /^[0-9A-Za-z]$/.test(generation)), {
    error: "a generation is one character of 0-9, A-Z, a-z",
  })
  .refine(({ table }) => Object.values(table).every((pepper) => pepper.length >= MIN_PEPPER_LENGTH), {
    error: `a pepper has ${MIN_PEPPER_LENGTH} characters or more`,
  })
  .refine(({ value, table }) => generationsIn(value) === Object.keys(table).join(""), {
    error: "generations must be distinct, digits in rising order before letters",
  })
  .transform(({ table }) => new Map(Object.entries(table)));

function generationsIn(json: string): string {
  return [...json.matchAll(/"(.)"\s*:/g)].map((match) => match[1]).join("");
}

const bound = z.custom<object>((binding) => typeof binding === "object" && binding !== null, "is not bound");

const schema = z
  .object({
    OAUTH_ISSUER: url,
    OAUTH_AUDIENCE: text,
    OAUTH_JWKS_URL: z.union([z.literal(""), url]),
    OAUTH_ALGORITHMS: list.pipe(z.array(z.enum(ASYMMETRIC, "must be asymmetric signature algorithms"))),
    OAUTH_TOKEN_TYPES: list,
    OAUTH_COMPANY_CLAIM: text,
    OAUTH_READ_SCOPE: optionalScope,
    OAUTH_WRITE_SCOPE: optionalScope,
    OAUTH_CLIENT_ID: z.string(),
    OAUTH_CLIENT_SECRET: text.optional(),
    LEAK_REPORT_KEYS_URL: z.union([z.literal(""), url]),
    SCOPES: catalogue,
    KEY_PREFIX: z
      .string()
      .regex(/^[A-Za-z0-9]+(_[A-Za-z0-9]+)*$/, "must be letters and digits joined by single _"),
    KEY_PEPPERS: peppers,
    MAX_KEY_LIFETIME_DAYS: whole(0, 36_500),
    MAX_LIVE_KEYS: whole(1, 100_000),
    REVOCATION_SECONDS: whole(1, 3600),
    OUTAGE_SECONDS: whole(1, DAY_SECONDS),
    DB: bound,
    USAGE: bound,
    SECURITY_CONTACT: z.union([
      z.literal(""),
      z.url({ protocol: /^(https|mailto|tel)$/, error: "must be an https, mailto or tel URL" }),
    ]),
  })
  .refine((vars) => vars.OUTAGE_SECONDS >= vars.REVOCATION_SECONDS, {
    path: ["OUTAGE_SECONDS"],
    error: "must not be less than REVOCATION_SECONDS",
  })
  .refine((vars) => vars.OAUTH_CLIENT_ID === "" || vars.OAUTH_CLIENT_SECRET !== undefined, {
    path: ["OAUTH_CLIENT_SECRET"],
    error: "is missing, and OAUTH_CLIENT_ID is set",
  });

export type Config = z.output<typeof schema>;

/** The limiters, each of which may be left out of `wrangler.toml`: then there is no such limit. */
export interface Limiters {
  DB: D1Database;
  /** Management calls of one company. */
  MANAGEMENT_LIMIT?: RateLimit;
  /** Failed verifications from one address. */
  FAILURES_LIMIT?: RateLimit;
  /** Verifications of one key. */
  VERIFICATIONS_LIMIT?: RateLimit;
}

/** A setting is missing or wrong. The message names each one and quotes no value. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * The settings, checked.
 *
 * @param env - The Worker's vars, secrets and bindings.
 * @throws ConfigError which names every missing or wrong setting.
 */
export function parseConfig(env: object): Config {
  const result = schema.safeParse(env);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`);
  throw new ConfigError(`Wrong settings: ${faults.join("; ")}`);
}

function fromJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
