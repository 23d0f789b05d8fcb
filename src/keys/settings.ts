import * as z from "zod/mini";
import { SCOPE, table, whole, words } from "../lib/settings.ts";
import { patternFault, wholePattern } from "./pattern.ts";

/** Shortest pepper, in characters: 32 characters of base64 hold 192 bits. */
const MIN_PEPPER_LENGTH = 32;

/**
 * Generation character → pepper, the newest last. `JSON.parse` moves digits to the front and drops
 * duplicates, so the order is compared with the text: a new key must never get a retired pepper.
 */
const peppers = z.pipe(
  z
    .pipe(
      z.string("is missing"),
      z.transform((value) => ({ value, peppers: table.safeParse(value).data ?? {} })),
    )
    .check(
      z.refine(({ peppers }) => Object.keys(peppers).length > 0, {
        error: "must be a JSON map from generation character to pepper",
      }),
      z.refine(
        ({ peppers }) => Object.keys(peppers).every((generation) => /^[0-9A-Za-z]$/.test(generation)),
        {
          error: "a generation is one character of 0-9, A-Z, a-z",
        },
      ),
      z.refine(
        ({ peppers }) => Object.values(peppers).every((pepper) => pepper.length >= MIN_PEPPER_LENGTH),
        {
          error: `a pepper has ${MIN_PEPPER_LENGTH} characters or more`,
        },
      ),
      z.refine(({ value, peppers }) => generationsIn(value) === Object.keys(peppers).join(""), {
        error: "generations must be distinct, digits in rising order before letters",
      }),
    ),
  z.transform(({ peppers }) => new Map(Object.entries(peppers))),
);

function generationsIn(json: string): string {
  return [...json.matchAll(/"(.)"\s*:/g)].map((match) => match[1]).join("");
}

const prefix = z
  .string()
  .check(z.regex(/^[A-Za-z0-9]+(_[A-Za-z0-9]+)*$/, "must be letters and digits joined by single _"));

/** What the format of keys depends on. Of `KEY_PEPPERS` the last one makes new keys: the newest, or `KEY_GENERATION`. */
export const formatSettings = z.pipe(
  z
    .object({
      KEY_PREFIX: prefix,
      KEY_PREFIXES_ACCEPTED: z.pipe(words, z.array(prefix)),
      KEY_PEPPERS: peppers,
      KEY_GENERATION: z._default(z.string(), ""),
    })
    .check(
      z.refine(
        ({ KEY_PEPPERS, KEY_GENERATION }) => KEY_GENERATION === "" || KEY_PEPPERS.has(KEY_GENERATION),
        {
          path: ["KEY_GENERATION"],
          error: "must be a generation of KEY_PEPPERS",
        },
      ),
    ),
  z.transform(({ KEY_PEPPERS, KEY_GENERATION, ...settings }) => {
    const made = KEY_PEPPERS.get(KEY_GENERATION);
    if (made === undefined) return { ...settings, KEY_PEPPERS };
    const others = [...KEY_PEPPERS].filter(([generation]) => generation !== KEY_GENERATION);
    return { ...settings, KEY_PEPPERS: new Map([...others, [KEY_GENERATION, made]]) };
  }),
);

export type FormatSettings = z.output<typeof formatSettings>;

/** What a company may do. */
export const ruleSettings = z.object({
  SCOPES: z
    .pipe(
      table,
      z.transform((scopes) => new Map(Object.entries(scopes))),
    )
    .check(
      z.refine((scopes) => scopes.size > 0 && [...scopes.keys()].every((scope) => SCOPE.test(scope)), {
        error: "must be a table of scope to description",
      }),
    ),
  MAX_KEY_LIFETIME_DAYS: whole(0, 36_500),
  MAX_LIVE_KEYS: whole(1, 100_000),
});

/** What keys look like that were made elsewhere and imported. Empty: there are none. */
export const foreignSettings = z.object({
  IMPORTED_KEY_PATTERN: z.pipe(
    z.string().check(
      z.superRefine((pattern, context) => {
        const fault = patternFault(pattern);
        if (fault !== null) context.addIssue(fault);
      }),
    ),
    z.transform((pattern) => (pattern === "" ? null : wholePattern(pattern))),
  ),
});

/** How long a key is kept after its end. */
export const retentionSettings = z.object({ DEAD_KEY_DAYS: whole(1, 36_500) });

export type RuleSettings = z.output<typeof ruleSettings>;
