import * as z from "zod";
import { allowedIpsSchema } from "./addresses.ts";
import { expiryFault } from "./expiry.ts";
import type { KeyForm } from "./form.ts";
import { labelSchema } from "./label.ts";
import { metadataSchema } from "./metadata.ts";
import type { RuleSettings } from "./settings.ts";

const NOT_AN_OBJECT = "must be a JSON object";

export interface KeyRules extends Pick<RuleSettings, "SCOPES" | "MAX_KEY_LIFETIME_DAYS"> {
  /** From where keys may be used, whatever they say themselves; `null`: from anywhere. */
  companyIps: readonly string[] | null;
  /** By which a key is known that somebody took for a label or a search. */
  form: KeyForm;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** The body of `POST /settings/api-keys`. */
export function createKeySchema(rules: KeyRules) {
  const catalogue = rules.SCOPES;
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
  const expiry = expirySchema(rules);
  const days = rules.MAX_KEY_LIFETIME_DAYS;
  const expiresAt =
    days === 0
      ? expiry
          .nullish()
          .transform((time) => time ?? null)
          .meta({ ...EXPIRY, description: "RFC 3339, in the future. Left out or null: never." })
      : expiry.meta({ ...EXPIRY, description: `RFC 3339, at most ${days} days from now.` });

  return z
    .strictObject(
      {
        label: labelSchema(rules.form),
        scopes,
        expiresAt,
        allowedIps: allowedIpsSchema(rules.companyIps).default(null),
        metadata: metadataSchema(rules.form).default({}),
      },
      NOT_AN_OBJECT,
    )
    .meta({ examples: [{ label: "Careers page", scopes: [...catalogue.keys()].slice(0, 1) }] });
}

export const EXPIRY = { format: "date-time", examples: ["2027-06-30T23:59:59+02:00"] };

/** A time of a body, as milliseconds since the epoch. */
export const instantSchema = z
  .string({ error: (issue) => (issue.input === undefined ? "is required" : "must be a string") })
  .toUpperCase()
  .pipe(z.iso.datetime({ offset: true, error: "must be an RFC 3339 date and time with offset", abort: true }))
  .transform((text) => Date.parse(text));

/** When a new key ends, as milliseconds since the epoch. */
function expirySchema({ MAX_KEY_LIFETIME_DAYS, now }: Pick<KeyRules, "MAX_KEY_LIFETIME_DAYS" | "now">) {
  return instantSchema.superRefine((time, context) => {
    const fault = expiryFault(time, MAX_KEY_LIFETIME_DAYS, now());
    if (fault !== null) context.addIssue(fault);
  });
}

/** The body of `PATCH /settings/api-keys/{id}`. */
export function updateKeySchema(rules: Pick<KeyRules, "form" | "companyIps">) {
  return z.strictObject(
    {
      label: labelSchema(rules.form).optional(),
      allowedIps: allowedIpsSchema(rules.companyIps).optional(),
      metadata: metadataSchema(rules.form).optional(),
      scopes: z
        .never("scopes are immutable: revoke this key and create another")
        .optional()
        .meta({ description: "Scopes can never be changed: revoke the key and create another." }),
    },
    NOT_AN_OBJECT,
  );
}

/** A week. */
const MAX_OVERLAP_SECONDS = 604_800;
const OVERLAP = `must be a whole number from 0 to ${MAX_OVERLAP_SECONDS}`;

/** The body of `POST /settings/api-keys/{id}/rotate`; none at all is an empty one. */
export function rotateKeySchema(rules: Pick<KeyRules, "MAX_KEY_LIFETIME_DAYS" | "now">) {
  const expiry = expirySchema(rules);
  const days = rules.MAX_KEY_LIFETIME_DAYS;
  const renewal = "Left out: the new key lives as long as the old one was made to live, from now on.";
  const expiresAt =
    days === 0
      ? expiry.nullish().meta({ ...EXPIRY, description: `RFC 3339, in the future. null: never. ${renewal}` })
      : expiry
          .optional()
          .meta({ ...EXPIRY, description: `RFC 3339, at most ${days} days from now. ${renewal}` });
  const overlapSeconds = z
    .int(OVERLAP)
    .min(0, OVERLAP)
    .max(MAX_OVERLAP_SECONDS, OVERLAP)
    .default(0)
    .meta({ description: "How long the old key goes on.", examples: [3600] });
  return z.strictObject({ overlapSeconds, expiresAt }, NOT_AN_OBJECT);
}

export const keyIdSchema = z.object({
  id: z.guid("must be a UUID").toLowerCase().meta({ description: "Id of the key." }),
});

const time = z.iso.datetime();

/** A key in the document. */
export const EXAMPLE_KEY = {
  id: "6001d30f-4ca8-4278-ba11-8964895e31cf",
  keyPrefix: "lk_live_aYDMW",
  label: "Careers page",
  scopes: ["jobs:read"],
  createdAt: "2026-11-23T09:08:13.107Z",
  expiresAt: null,
  revokedAt: null,
  suspendedAt: null,
  lastUsedAt: null,
  replaces: null,
  createdBy: { issuer: "https://login.example.com", subject: "ada" },
  allowedIps: null,
  metadata: { team: "careers" },
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
    scopes: z.array(z.string()),
    createdAt: time,
    expiresAt: time.nullable().meta({ description: "null: never." }),
    revokedAt: time.nullable().meta({ description: "null: it was not." }),
    suspendedAt: time.nullable().meta({ description: "Since when it is suspended. null: it is not." }),
    lastUsedAt: time
      .nullable()
      .meta({ description: "When it was last accepted, up to two minutes late. null: never." }),
    replaces: z.guid().nullable().meta({ description: "Id of the key whose rotation made this one." }),
    createdBy: z
      .object({ issuer: z.string(), subject: z.string() })
      .nullable()
      .meta({ description: "Of the access token that made it. null: it was not made by this API." }),
    allowedIps: z
      .array(z.string())
      .nullable()
      .meta({ description: "Addresses and blocks that it may be used from. null: anywhere." }),
    metadata: z.record(z.string(), z.string()).meta({ description: "What the company wrote down with it." }),
    active: z.boolean().meta({
      description:
        "Whether it is good at the time of the answer, as far as the key itself says: those of a suspended company are refused. A key that is neither revoked, suspended nor expired and yet not active cannot be checked, as the service no longer has the secret that it was made with: rotate it.",
    }),
  })
  .meta({
    description: "An API key, as its company sees it. Times are RFC 3339, in UTC.",
    examples: [EXAMPLE_KEY],
  });

/** The one answer that holds the key itself. */
export const newApiKeySchema = apiKeySchema
  .extend({ rawKey: z.string().meta({ description: "The key itself. It is never shown again." }) })
  .meta({
    description: "A new API key, with the key itself.",
    examples: [{ ...EXAMPLE_KEY, rawKey: "lk_live_aYDMWlS0LQZGkI384vegJL2Pz8TIUhvsPBGyiVwEc00a7WVTmq" }],
  });

/** A scope of the catalogue. */
export const scopeSchema = z
  .object({ scope: z.string(), description: z.string() })
  .meta({ examples: [{ scope: "jobs:read", description: "Read job listings" }] });

export type ApiKey = z.output<typeof apiKeySchema>;
export type NewApiKey = z.output<typeof newApiKeySchema>;
export type Scope = z.output<typeof scopeSchema>;
export type CreateKey = z.output<ReturnType<typeof createKeySchema>>;
export type UpdateKey = z.output<ReturnType<typeof updateKeySchema>>;
export type RotateKey = z.output<ReturnType<typeof rotateKeySchema>>;
