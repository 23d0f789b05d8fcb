import * as z from "zod";
import { DAY_SECONDS } from "../lib/config.ts";
import { limitSchema } from "../lib/paging.ts";

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
  .refine((text) => !CONTROL.test(text), { error: "must not hold control characters" });

/** Unicode characters, not UTF-16 units. */
function characters(text: string): number {
  return [...text].length;
}

export interface KeyRules {
  /** The scope catalogue. */
  scopes: ReadonlyMap<string, string>;
  /** 0: none. */
  maxLifetimeDays: number;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** The body of `POST /settings/api-keys`. */
export function createKeySchema({ scopes: catalogue, maxLifetimeDays, now }: KeyRules) {
  const scope = z.string("must be scope names").refine((name) => catalogue.has(name), {
    error: "must be scopes of the catalogue: see GET /settings/scopes",
  });
  const scopes = z
    .array(scope, { error: (issue) => (issue.input === undefined ? "is required" : "must be an array") })
    .min(1, "must not be empty")
    .max(catalogue.size, `must have at most ${catalogue.size} entries`)
    .refine((names) => new Set(names).size === names.length, { error: "must not repeat a scope" });

  const instant = z
    .string({ error: (issue) => (issue.input === undefined ? "is required" : "must be a string") })
    .toUpperCase()
    .pipe(
      z.iso.datetime({ offset: true, error: "must be an RFC 3339 date and time with offset", abort: true }),
    )
    .transform((text) => Date.parse(text))
    .refine((time) => time > now(), { error: "must be in the future" })
    .refine((time) => time <= LAST_INSTANT_MS, { error: "must be before the year 10000" });
  const latest = (time: number) => time <= now() + maxLifetimeDays * DAY_SECONDS * 1000;
  const expiresAt =
    maxLifetimeDays === 0
      ? instant.nullish().transform((time) => time ?? null)
      : instant.refine(latest, { error: `must be at most ${maxLifetimeDays} days from now` });

  return z.strictObject({ label, scopes, expiresAt }, NOT_AN_OBJECT);
}

/** The body of `PATCH /settings/api-keys/{id}`. */
export const updateKeySchema = z.strictObject(
  {
    label: label.optional(),
    scopes: z.never("scopes are immutable: revoke this key and create another").optional(),
  },
  NOT_AN_OBJECT,
);

/** A week. */
const MAX_OVERLAP_SECONDS = 604_800;
const OVERLAP = `must be a whole number from 0 to ${MAX_OVERLAP_SECONDS}`;

/** The body of `POST /settings/api-keys/{id}/rotate`; none at all is an empty one. */
export const rotateKeySchema = z.strictObject(
  { overlapSeconds: z.int(OVERLAP).min(0, OVERLAP).max(MAX_OVERLAP_SECONDS, OVERLAP).default(0) },
  NOT_AN_OBJECT,
);

export const keyIdSchema = z.object({ id: z.guid("must be a UUID").toLowerCase() });

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
  cursor: cursor.optional(),
  active: z
    .enum(["true", "false"], "must be true or false")
    .transform((text) => text === "true")
    .optional(),
  q: z
    .string("must be given once")
    .refine((text) => characters(text) <= MAX_QUERY_CHARACTERS, {
      error: `must have at most ${MAX_QUERY_CHARACTERS} characters`,
    })
    .optional(),
});

export type CreateKey = z.output<ReturnType<typeof createKeySchema>>;
export type ListKeys = z.output<typeof listKeysSchema>;
