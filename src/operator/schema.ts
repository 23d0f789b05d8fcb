import * as z from "zod";
import type { Company } from "../companies/policy.ts";
import { addressesSchema } from "../keys/addresses.ts";
import { timestamp } from "../lib/time.ts";

const MAX_LIVE_KEYS = 100_000;
const MAX_LIFETIME_DAYS = 36_500;
const MAX_REASON = 500;
const MAX_ID = 255;
const SETTING = "null: what the setting says.";

export const companyIdSchema = z.object({
  id: z
    .string()
    .max(MAX_ID, `must have at most ${MAX_ID} characters`)
    .meta({ description: "The company, as its access tokens name it." }),
});

function count(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}, or null`;
  return z.int(error).min(min, error).max(max, error).nullable();
}

/** The body of `PATCH /operator/companies/{id}`. What is left out stays. */
export function changeCompanySchema(catalogue: ReadonlyMap<string, string>) {
  const scope = z
    .string("must be scope names")
    .refine((name) => catalogue.has(name), "must be scopes of the catalogue")
    .meta({ enum: [...catalogue.keys()] });
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
      },
      "must be a JSON object",
    )
    .refine(({ suspended, reason }) => reason === undefined || suspended === true, {
      path: ["reason"],
      error: "is of a suspension",
    })
    .meta({ examples: [{ suspended: true, reason: "Unpaid since May" }] });
}

/** A company, as whoever runs the service sees it. */
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
      },
    ],
  });

export type ShownCompany = z.output<typeof companySchema>;

export function shownCompany({ suspendedAt, ...company }: Company): ShownCompany {
  return { ...company, suspendedAt: timestamp(suspendedAt) };
}
