import * as z from "zod";
import { limitSchema } from "../http/paging.ts";
import { DAY_MS } from "../lib/time.ts";
import type { RuleSettings } from "./settings.ts";

const MAX_LABEL_CHARACTERS = 100;
const MAX_QUERY_CHARACTERS = 100;
/** The last instant that RFC 3339 can write in UTC: an offset leads past it. */
const LAST_INSTANT_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const NOT_AN_OBJECT = "must be a JSON object";

/** Something to see: more than white space and format characters. */
const VISIBLE = /[^\s\p{Z}\p{Cf}]/u;
const CONTROL = /\p{Cc}/u;

const label = z
  .string({ error: (issue) => (issue.input === undefined ? "is required" : "must be a string") })
  .refine((text) => text.isWellFormed(), { error: "must be well-formed Unicode", abort: true })
  .refine((text) => VISIBLE.test(text), { error: "must not be blank", abort: true })
  .refine((text) => characters(text) <= MAX_LABEL_CHARACTERS, {
    error: `must have at most ${MAX_LABEL_CHARACTERS} characters`,
    abort: true,
  })
  .refine((text) => !CONTROL.test(text), { error: "must not hold control characters" })
  .meta({
    description: "Any characters but control characters, not blank. Kept exactly as sent.",
    minLength: 1,
    maxLength: MAX_LABEL_CHARACTERS,
    examples: ["Careers page"],
  });

/** Unicode characters, not UTF-16 units. */
function characters(text: string): number {
  return [...text].length;
}

export interface KeyRules extends Pick<RuleSettings, "SCOPES" | "MAX_KEY_LIFETIME_DAYS"> {
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** The body of `POST /settings/api-keys`. */
export function createKeySchema({
  SCOPES: catalogue,
  MAX_KEY_LIFETIME_DAYS: maxLifetimeDays,
  now,
}: KeyRules) {
  const scope = z
    .string("must be scope names")
    .refine((name) => catalogue.has(name), {
      error: "must be scopes of the catalogue: see GET /settings/scopes",
    })
    .meta({ enum: [...catalogue.keys()] });
  const scopes = z
    .array(scope, { error: (issue) => (issue.input === undefined ? "is required" : "must be an array") })
    .min(1, "must not be empty")
    .max(catalogue.size, `must have at most ${catalogue.size} entries`)
    .refine((names) => new Set(names).size === names.length, { error: "must not repeat a scope" })
    .meta({ description: "What the key may do. Can never be changed.", uniqueItems: true });

  const instant = z
    .string({ error: (issue) => (issue.input === undefined ? "is required" : "must be a string") })
    .toUpperCase()
    .pipe(
      z.iso.datetime({ offset: true, error: "must be an RFC 3339 date and time with offset", abort: true }),
    )
    .transform((text) => Date.parse(text))
    .refine((time) => time > now(), { error: "must be in the future" })
    .refine((time) => time <= LAST_INSTANT_MS, { error: "must be before the year 10000" });
  const latest = (time: number) => time <= now() + maxLifetimeDays * DAY_MS;
  const documented = { format: "date-time", examples: ["2027-06-30T23:59:59+02:00"] };
  const expiresAt =
    maxLifetimeDays === 0
      ? instant
          .nullish()
          .transform((time) => time ?? null)
          .meta({ ...documented, description: "RFC 3339, in the future. Left out or null: never." })
      : instant
          .refine(latest, { error: `must be at most ${maxLifetimeDays} days from now` })
          .meta({ ...documented, description: `RFC 3339, at most ${maxLifetimeDays} days from now.` });

  return z
    .strictObject({ label, scopes, expiresAt }, NOT_AN_OBJECT)
    .meta({ examples: [{ label: "Careers page", scopes: [...catalogue.keys()].slice(0, 1) }] });
}

/** The body of `PATCH /settings/api-keys/{id}`. */
export const updateKeySchema = z.strictObject(
  {
    label: label.optional(),
    scopes: z
      .never("scopes are immutable: revoke this key and create another")
      .optional()
      .meta({ description: "Scopes can never be changed: revoke the key and create another." }),
  },
  NOT_AN_OBJECT,
);

/** A week. */
const MAX_OVERLAP_SECONDS = 604_800;
const OVERLAP = `must be a whole number from 0 to ${MAX_OVERLAP_SECONDS}`;

/** The body of `POST /settings/api-keys/{id}/rotate`; none at all is an empty one. */
export const rotateKeySchema = z.strictObject(
  {
    overlapSeconds: z
      .int(OVERLAP)
      .min(0, OVERLAP)
      .max(MAX_OVERLAP_SECONDS, OVERLAP)
      .default(0)
      .meta({ description: "How long the old key goes on.", examples: [3600] }),
  },
  NOT_AN_OBJECT,
);

export const keyIdSchema = z.object({
  id: z.guid("must be a UUID").toLowerCase().meta({ description: "Id of the key." }),
});

/** A place in the list, newest first: the last key of the page before. */
export interface KeyCursor {
  createdAt: number;
  id: string;
}

const CURSOR = /^(\d{1,16})\.([0-9a-f-]{36})$/;

const cursor = z.string("must be given once").transform((text, context): KeyCursor => {
  const [, createdAt, id] = CURSOR.exec(text) ?? [];
  if (createdAt === undefined || id === undefined) {
    context.addIssue("must be taken from a Link header");
    return z.NEVER;
  }
  return { createdAt: Number(createdAt), id };
});

export function formatCursor({ createdAt, id }: KeyCursor): string {
  return `${createdAt}.${id}`;
}

/** The query of `GET /settings/api-keys`. */
export const listKeysSchema = z.object({
  limit: limitSchema.optional(),
  cursor: cursor.optional().meta({ description: "From the Link header of the page before." }),
  active: z
    .enum(["true", "false"], "must be true or false")
    .transform((text) => text === "true")
    .optional()
    .meta({ description: "Only keys that are good now, or only keys that are not." }),
  q: z
    .string("must be given once")
    .refine((text) => characters(text) <= MAX_QUERY_CHARACTERS, {
      error: `must have at most ${MAX_QUERY_CHARACTERS} characters`,
    })
    .optional()
    .meta({ description: "A part of the label or of the key's prefix.", maxLength: MAX_QUERY_CHARACTERS }),
});

const time = z.iso.datetime();

const EXAMPLE = {
  id: "6001d30f-4ca8-4278-ba11-8964895e31cf",
  keyPrefix: "lk_live_aYDMW",
  label: "Careers page",
  scopes: ["jobs:read"],
  createdAt: "2026-11-23T09:08:13.107Z",
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
  replaces: null,
  active: true,
};

/** A key as its company sees it. Times are RFC 3339, UTC. */
export const apiKeySchema = z
  .object({
    id: z.guid(),
    keyPrefix: z.string().meta({
      description: "Brand, environment and the first characters of the randomness: safe to show and log.",
    }),
    label: z.string(),
    scopes: z.array(z.string()).min(1),
    createdAt: time,
    expiresAt: time.nullable().meta({ description: "null: never." }),
    revokedAt: time.nullable().meta({ description: "null: it was not." }),
    lastUsedAt: time
      .nullable()
      .meta({ description: "When it was last accepted, up to two minutes late. null: never." }),
    replaces: z.guid().nullable().meta({ description: "Id of the key whose rotation made this one." }),
    active: z.boolean().meta({ description: "Neither revoked nor expired, at the time of the answer." }),
  })
  .meta({
    description: "An API key, as its company sees it. Times are RFC 3339, in UTC.",
    examples: [EXAMPLE],
  });

/** The one answer that holds the key itself. */
export const newApiKeySchema = apiKeySchema
  .extend({ rawKey: z.string().meta({ description: "The key itself. It is never shown again." }) })
  .meta({
    description: "A new API key, with the key itself.",
    examples: [{ ...EXAMPLE, rawKey: "lk_live_aYDMWlS0LQZGkI384vegJL2Pz8TIUhvsPBGyiVwEcpva7WVTmq" }],
  });

/** A scope of the catalogue. */
export const scopeSchema = z
  .object({ scope: z.string(), description: z.string() })
  .meta({ examples: [{ scope: "jobs:read", description: "Read job listings" }] });

export type ApiKey = z.output<typeof apiKeySchema>;
export type NewApiKey = z.output<typeof newApiKeySchema>;
export type Scope = z.output<typeof scopeSchema>;
export type CreateKey = z.output<ReturnType<typeof createKeySchema>>;
export type ListKeys = z.output<typeof listKeysSchema>;
