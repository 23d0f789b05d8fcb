import * as z from "zod";
import { nameSchema } from "../audit/schema.ts";
import { KIB } from "../http/body.ts";
import { addressesSchema } from "../keys/addresses.ts";
import type { KeyForm } from "../keys/form.ts";
import { labelSchema } from "../keys/label.ts";
import { metadataSchema } from "../keys/metadata.ts";
import { isForeignLength, MAX_FOREIGN_LENGTH, MIN_FOREIGN_LENGTH } from "../keys/pattern.ts";
import { EXPIRY, instantSchema } from "../keys/schema.ts";

/** Below `/operator`. */
export const IMPORT_PATH = "/keys/import";
/** `MAX_KEYS` of them, of the longest texts. */
export const MAX_IMPORT_BYTES = 1024 * KIB;
const MAX_KEYS = 500;
const MAX_PREFIX = 32;
/** Characters of a key that its prefix does not tell. */
const MIN_SECRET = 16;
const SHA256_BYTES = 32;

const HEX = /^[0-9a-f]{64}$/i;
/** Hashes that are made to be slow, and salted, so that nobody finds a key by one. */
const SLOW =
  /^(\$2[abxy]?\$|\$argon2|\$scrypt|\$s0\$|\$7\$|\$pbkdf2|\$[156]\$|scrypt[:$]|pbkdf2[:_$]|argon2)/i;

const isText = {
  error: (issue: { input?: unknown }) => (issue.input === undefined ? "is required" : "must be a string"),
};

/** SHA-256 of the key's UTF-8, in hex or base64url, as bytes. */
const sha256Schema = z.string(isText).transform((text, context): Uint8Array => {
  const bytes = HEX.test(text) ? Uint8Array.fromHex(text) : fromBase64url(text);
  if (bytes?.length === SHA256_BYTES) return bytes;
  context.addIssue(
    SLOW.test(text)
      ? "is a salted, slow hash (bcrypt, argon2, scrypt or the like), by which no key can be found: such a key cannot move in, so its holder needs a new one"
      : "must be a SHA-256, in hex or base64url",
  );
  return z.NEVER;
});

/** Padded or not. A text whose last character has bits to spare that are set is none. */
function fromBase64url(text: string): Uint8Array | null {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    const written = bytes.toBase64({ alphabet: "base64url", omitPadding: true });
    return written === text.replace(/=+$/, "") ? bytes : null;
  } catch {
    return null;
  }
}

export interface ImportRules {
  form: KeyForm;
  /** Whether a key has the form that the settings give those which were made elsewhere. */
  isForeign: (rawKey: string) => boolean;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** One of the keys of `POST /operator/keys/import`. What depends on its company is not looked at here. */
export function importedKeySchema({ form, isForeign, now }: ImportRules) {
  return z
    .strictObject(
      {
        companyId: z
          .string(isText)
          .refine((id) => id.trim() !== "", "must not be blank")
          .pipe(nameSchema)
          .meta({ description: "The company, as its access tokens name it." }),
        label: labelSchema(form),
        scopes: z
          .array(z.string("must be scope names"), "must be an array")
          .min(1, "must not be empty")
          .refine((names) => new Set(names).size === names.length, "must not repeat a scope")
          .meta({ description: "Of the catalogue, as far as the company may have them.", uniqueItems: true }),
        expiresAt: instantSchema
          .nullish()
          .transform((time) => time ?? null)
          .meta({ ...EXPIRY, description: "RFC 3339, in the future. Left out or null: never." }),
        createdAt: instantSchema
          .refine((time) => time >= 0 && time <= now(), "must be in the past, after 1970")
          .exactOptional()
          .meta({
            ...EXPIRY,
            description: "When it was made. Left out: now.",
            examples: ["2024-01-31T08:00:00Z"],
          }),
        allowedIps: addressesSchema.default(null),
        metadata: metadataSchema(form).default({}),
        keyPrefix: z
          .string(isText)
          .regex(/^[\x21-\x7E]+$/, "must be printable ASCII, without spaces")
          .max(MAX_PREFIX, `must have at most ${MAX_PREFIX} characters`)
          .meta({ description: "What the key begins with: shown and logged.", examples: ["old_a1B2"] }),
        key: z
          .string(isText)
          .refine(isForeignLength, {
            error: `must have ${MIN_FOREIGN_LENGTH} to ${MAX_FOREIGN_LENGTH} characters`,
            abort: true,
          })
          .refine(
            isForeign,
            "does not fit IMPORTED_KEY_PATTERN, or is a key of this service: it would never be found",
          )
          .exactOptional()
          .meta({ description: "The whole key. It is neither logged nor stored." }),
        sha256: sha256Schema
          .exactOptional()
          .meta({ description: "In place of the key: its SHA-256, in hex or base64url." }),
      },
      "must be a JSON object",
    )
    .refine(({ key, sha256 }) => (key === undefined) !== (sha256 === undefined), {
      path: ["key"],
      error: "give either key or sha256",
    })
    .refine(
      ({ key, keyPrefix }) =>
        key === undefined || (key.startsWith(keyPrefix) && key.length - keyPrefix.length >= MIN_SECRET),
      {
        path: ["keyPrefix"],
        error: `must be what the key begins with, and leave at least ${MIN_SECRET} characters of it untold`,
      },
    );
}

export type KeyToImport = z.output<ReturnType<typeof importedKeySchema>>;

/** The body of `POST /operator/keys/import`: each entry is looked at by itself. */
export function importKeysSchema<T extends z.ZodType>(entry: T) {
  return z
    .strictObject(
      {
        keys: z
          .array(entry, {
            error: (issue) => (issue.input === undefined ? "is required" : "must be an array"),
          })
          .min(1, "must not be empty")
          .max(MAX_KEYS, `must have at most ${MAX_KEYS} entries`),
      },
      "must be a JSON object",
    )
    .meta({
      examples: [
        {
          keys: [
            {
              companyId: "acme",
              label: "Careers page",
              scopes: ["jobs:read"],
              createdAt: "2024-01-31T08:00:00Z",
              keyPrefix: "old_a1B2",
              sha256: "5MJSEod2FGWPIXObCjews2vkKZHnJK2OxBLa-bRrqv0",
            },
          ],
        },
      ],
    });
}

/** What became of the keys of an import, in their order. */
export const importSchema = z
  .object({
    keys: z.array(
      z.object({
        index: z.int().min(0).meta({ description: "Of the entry, from 0 on." }),
        status: z.enum(["created", "exists", "refused"]).meta({
          description: "exists: it was imported before, and nothing has changed.",
        }),
        id: z.guid().nullable().meta({ description: "Of the key; null: it was refused." }),
        error: z
          .enum(["VALIDATION_ERROR", "CONFLICT"])
          .nullable()
          .meta({ description: "Why it was refused; null: it was not." }),
        message: z.string().nullable().meta({ description: "The same for people; it may change." }),
      }),
    ),
  })
  .meta({
    description: "What became of the keys of an import, in their order.",
    examples: [
      {
        keys: [
          {
            index: 0,
            status: "created",
            id: "6001d30f-4ca8-4278-ba11-8964895e31cf",
            error: null,
            message: null,
          },
        ],
      },
    ],
  });

export type Import = z.output<typeof importSchema>;
