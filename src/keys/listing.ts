import * as z from "zod";
import { limitSchema } from "../http/paging.ts";
import { characters } from "./label.ts";
import type { KeyRules } from "./schema.ts";

const MAX_QUERY_CHARACTERS = 100;

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

const MOMENT = { format: "date-time" };

/** A time of a query, as milliseconds since the epoch. */
export const momentSchema = z
  .string("must be given once")
  .toUpperCase()
  .pipe(z.iso.datetime({ offset: true, error: "must be an RFC 3339 date and time with offset", abort: true }))
  .transform((text) => Date.parse(text))
  .optional();

/** Keys of one page: nearly every company has fewer, and gets all of them. */
const DEFAULT_PAGE = 1_000;

/** The query of `GET /settings/api-keys`. */
export function listKeysSchema({ form }: Pick<KeyRules, "form">) {
  return z.strictObject({
    limit: limitSchema.prefault(String(DEFAULT_PAGE)).meta({ default: DEFAULT_PAGE }),
    cursor: cursor.optional().meta({ description: "From the Link header of the page before." }),
    active: z
      .enum(["true", "false"], "must be true or false")
      .transform((text) => text === "true")
      .optional()
      .meta({
        description: "Only keys that are good now, or only keys that are not.",
        type: "boolean",
        enum: undefined,
      }),
    expiresBefore: momentSchema.meta({
      ...MOMENT,
      description: "Only keys that end before this time, RFC 3339, or have ended.",
    }),
    unusedSince: momentSchema.meta({
      ...MOMENT,
      description:
        "Only keys whose last use was before this time, RFC 3339. Those that were never used are not among them.",
    }),
    q: z
      .string("must be given once")
      .refine((text) => characters(text) <= MAX_QUERY_CHARACTERS, {
        error: `must have at most ${MAX_QUERY_CHARACTERS} characters`,
        abort: true,
      })
      .refine((text) => !form.isIn(text), {
        error:
          "must not hold an API key, as a URL is kept in many places: revoke that key, and search by its prefix",
      })
      .optional()
      .meta({
        description: "A part of the label or of the key's prefix, in upper or lower case. Never a whole key.",
        maxLength: MAX_QUERY_CHARACTERS,
      }),
  });
}

export type ListKeys = z.output<ReturnType<typeof listKeysSchema>>;
