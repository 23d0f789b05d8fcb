import * as z from "zod";
import { nameSchema } from "../audit/schema.ts";
import { limitSchema, placeSchema } from "../http/paging.ts";
import type { KeyForm } from "../keys/form.ts";
import { momentSchema } from "../keys/listing.ts";
import { apiKeySchema, EXAMPLE_KEY } from "../keys/schema.ts";

const MAX_PREFIX = 100;
const MAX_KEY = 255;
const DEFAULT_PAGE = 100;
const MOMENT = { format: "date-time" };

/** The query of `GET /operator/keys`. */
export function searchKeysSchema({ form }: { form: KeyForm }) {
  return z.strictObject({
    limit: limitSchema.prefault(String(DEFAULT_PAGE)).meta({ default: DEFAULT_PAGE }),
    cursor: placeSchema.optional(),
    prefix: z
      .string("must be given once")
      .min(1, "must not be empty")
      .max(MAX_PREFIX, `must have at most ${MAX_PREFIX} characters`)
      .refine((text) => !form.isIn(text), {
        error:
          "must not hold an API key, as a URL is kept in many places: ask POST /operator/keys/identify whose it is",
      })
      .optional()
      .meta({ description: "What the key's prefix begins with, as a log has it: lk_live_aYDMW." }),
    company: nameSchema.optional().meta({ description: "Only keys of this company." }),
    createdBy: nameSchema
      .optional()
      .meta({ description: "Only keys made with an access token of this subject." }),
    unusedSince: momentSchema.meta({
      ...MOMENT,
      description:
        "Only keys whose last use was before this time, RFC 3339. Those that were never used are not among them.",
    }),
    expiresBefore: momentSchema.meta({
      ...MOMENT,
      description: "Only keys that end before this time, RFC 3339, or have ended.",
    }),
    generation: z
      .string("must be given once")
      .regex(/^[0-9A-Za-z]$/, "must be a generation of KEY_PEPPERS")
      .optional()
      .meta({
        description: "Only keys that were made with the secret of this generation and are not revoked.",
      }),
  });
}

/** The body of `POST /operator/keys/identify`. */
export const identifyKeySchema = z
  .strictObject(
    {
      key: z
        .string({ error: (issue) => (issue.input === undefined ? "is required" : "must be a string") })
        .max(MAX_KEY, `must have at most ${MAX_KEY} characters`)
        .meta({ description: "The whole key. It is neither logged nor stored." }),
    },
    "must be a JSON object",
  )
  .meta({ examples: [{ key: "lk_live_aYDMWlS0LQZGkI384vegJL2Pz8TIUhvsPBGyiVwEc00a7WVTmq" }] });

/** The body of `POST /operator/companies/{id}/revoke-all`; none at all is an empty one. */
export const revokeAllSchema = z.strictObject(
  {
    dryRun: z
      .boolean("must be true or false")
      .default(false)
      .meta({ description: "Counts, and changes nothing.", examples: [true] }),
  },
  "must be a JSON object",
);

/** A key, as whoever runs the service sees it. */
export const operatedKeySchema = apiKeySchema
  .extend({
    companyId: z.string(),
    generation: z
      .string()
      .nullable()
      .meta({ description: "Of the secret that it was made with. null: it was not made by this API." }),
  })
  .meta({
    description: "An API key, as whoever runs the service sees it. Times are RFC 3339, in UTC.",
    examples: [{ ...EXAMPLE_KEY, companyId: "acme", generation: "a" }],
  });

/** What became of a company's keys. */
export const revocationSchema = z
  .object({
    dryRun: z.boolean(),
    revoked: z.int().min(0).meta({ description: "Keys that this call has revoked." }),
    left: z.int().min(0).meta({
      description: "Keys that are not revoked, expired ones among them. Repeat the call until it is 0.",
    }),
  })
  .meta({ examples: [{ dryRun: false, revoked: 120, left: 0 }] });

export type OperatedKey = z.output<typeof operatedKeySchema>;
export type Revocation = z.output<typeof revocationSchema>;
