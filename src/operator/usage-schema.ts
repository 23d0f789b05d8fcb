import * as z from "zod";
import { timestamp } from "../lib/time.ts";
import { type busiestOfAll, KEPT_KEYS } from "../usage/totals.ts";

const DEFAULT_LIMIT = 20;
const RANGE = `must be a whole number from 1 to ${KEPT_KEYS}`;

/** The query of `GET /operator/usage`. */
export const usageOfDaySchema = z.strictObject({
  day: z.iso.date("must be a day: YYYY-MM-DD").optional().meta({ description: "In UTC. Left out: today." }),
  limit: z
    .string("must be given once")
    .regex(/^[1-9]\d{0,2}$/, { error: RANGE, abort: true })
    .transform(Number)
    .refine((limit) => limit <= KEPT_KEYS, RANGE)
    .prefault(String(DEFAULT_LIMIT))
    .meta({
      description: "Entries of each list.",
      type: "integer",
      pattern: undefined,
      minimum: 1,
      maximum: KEPT_KEYS,
      default: DEFAULT_LIMIT,
    }),
});

const count = z.int().min(0);
const company = z.object({ companyId: z.string(), allowed: count, denied: count });
const key = company.extend({
  id: z.string(),
  keyPrefix: z.string().nullable().meta({ description: "null: the key is no longer there." }),
  label: z.string().nullable(),
});

/** Who used the service most on a day. */
export const busiestSchema = z
  .object({
    day: z.iso.date(),
    addedUpAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: "When uses were last added up: every hour. null: never." }),
    companies: z.object({
      allowed: z.array(company).meta({ description: "Most accepted uses first." }),
      denied: z.array(company).meta({ description: "Most refused ones first." }),
    }),
    keys: z.object({
      allowed: z.array(key).meta({ description: "Most accepted uses first." }),
      denied: z.array(key).meta({ description: "Most refused ones first." }),
    }),
  })
  .meta({ description: "The companies and keys with most uses of a day." });

export type Busiest = z.output<typeof busiestSchema>;

export function shownBusiest(day: string, busiest: Awaited<ReturnType<typeof busiestOfAll>>): Busiest {
  return { day, ...busiest, addedUpAt: timestamp(busiest.addedUpAt) };
}
