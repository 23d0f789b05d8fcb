import * as z from "zod";
import { nameSchema } from "../audit/schema.ts";
import type { Company } from "../companies/policy.ts";
import { limitSchema, placeSchema } from "../http/paging.ts";
import { addressesSchema } from "../keys/addresses.ts";
import { timestamp } from "../lib/time.ts";

const MAX_LIVE_KEYS = 100_000;
const MAX_LIFETIME_DAYS = 36_500;
const MAX_REASON = 500;
const RATE_TIER = "The limit of all its keys together. null: none.";
const SETTING = "null: what the setting says.";

export const companyIdSchema = z.object({
  id: nameSchema.meta({ description: "The company, as its access tokens name it." }),
});

function count(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}, or null`;
  return z.int(error).min(min, error).max(max, error).nullable();
}

/** What there is to choose from. */
export interface CompanyOptions {
  catalogue: ReadonlyMap<string, string>;
  rateTiers: readonly string[];
}

/** The body of `PATCH /operator/companies/{id}`. What is left out stays. */
export function changeCompanySchema({ catalogue, rateTiers }: CompanyOptions) {
  const scope = z
    .string("must be scope names")
    .refine((name) => catalogue.has(name), "must be scopes of the catalogue")
    .meta({ enum: [...catalogue.keys()] });
  const bindings = rateTiers.map((tier) => `${tier} (LIMIT_${tier.toUpperCase()})`).join(", ");
  const rateTier = z
    .string("must be the name of a tier, or null")
    .refine(
      (tier) => rateTiers.includes(tier),
      `must be a tier that wrangler.toml has a limit for: ${bindings || "it has none"}`,
    )
    .meta(rateTiers.length === 0 ? {} : { enum: [...rateTiers] });
  return z
    .strictObject(
      {
        suspended: z.boolean("must be true or false").exactOptional(),
        reason: z
          .string("must be a string")
          .max(MAX_REASON, `must have at most ${MAX_REASON} characters`)
          .refine((text) => !/\p{Cc}/u.test(text), "must not hold control characters")
          .exactOptional()
          .meta({ description: "Of a suspension. The company reads it." }),
        maxLiveKeys: count(0, MAX_LIVE_KEYS).exactOptional().meta({ description: SETTING }),
        maxKeyLifetimeDays: count(0, MAX_LIFETIME_DAYS)
          .exactOptional()
          .meta({ description: `0: no maximum. ${SETTING}` }),
        scopes: z
          .array(scope, "must be an array, or null")
          .max(catalogue.size, `must have at most ${catalogue.size} entries`)
          .nullable()
          .exactOptional()
          .meta({ description: "Those that new keys may have. null: the whole catalogue." }),
        allowedIps: addressesSchema.exactOptional(),
        rateTier: rateTier.nullable().exactOptional().meta({ description: RATE_TIER }),
      },
      "must be a JSON object",
    )
    .refine(({ suspended, reason }) => reason === undefined || suspended === true, {
      path: ["reason"],
      error: "is of a suspension",
    })
    .meta({ examples: [{ suspended: true, reason: "Unpaid since May" }] });
}

const MAX_QUERY = 100;
const DEFAULT_PAGE = 100;

/** The query of `GET /operator/companies`. */
export const listCompaniesSchema = z.strictObject({
  limit: limitSchema.prefault(String(DEFAULT_PAGE)).meta({ default: DEFAULT_PAGE }),
  cursor: placeSchema.optional(),
  q: z
    .string("must be given once")
    .max(MAX_QUERY, `must have at most ${MAX_QUERY} characters`)
    .optional()
    .meta({ description: "A part of its id." }),
  sort: z.enum(["keys", "use"], "must be keys or use").optional().meta({
    description:
      "keys: most keys first. use: most uses of yesterday first, and only companies that had any. Left out: by their ids.",
  }),
});

/** What is set for a company. */
export const companySchema = z
  .object({
    id: z.string(),
    suspendedAt: z.iso.datetime().nullable().meta({ description: "null: it is not suspended." }),
    suspendedReason: z.string().nullable(),
    maxLiveKeys: z.int().nullable().meta({ description: SETTING }),
    maxKeyLifetimeDays: z
      .int()
      .nullable()
      .meta({ description: `0: no maximum. ${SETTING}` }),
    scopes: z.array(z.string()).nullable().meta({ description: "null: the whole catalogue." }),
    allowedIps: z.array(z.string()).nullable().meta({ description: "null: anywhere." }),
    rateTier: z.string().nullable().meta({ description: RATE_TIER }),
  })
  .meta({
    description: "What is set for a company.",
    examples: [
      {
        id: "acme",
        suspendedAt: null,
        suspendedReason: null,
        maxLiveKeys: 5_000,
        maxKeyLifetimeDays: null,
        scopes: null,
        allowedIps: null,
        rateTier: null,
      },
    ],
  });

/** A company with how many keys it has. */
export const listedCompanySchema = companySchema
  .extend({
    keys: z.int().min(0).meta({ description: "That are not revoked, expired ones among them." }),
    uses: z
      .int()
      .min(0)
      .meta({ description: "How often they were accepted yesterday, in UTC, as added up every hour." }),
  })
  .meta({ description: "A company." });

export type ShownCompany = z.output<typeof companySchema>;

export function shownCompany<T extends Company>({ suspendedAt, ...company }: T) {
  return { ...company, suspendedAt: timestamp(suspendedAt) };
}
