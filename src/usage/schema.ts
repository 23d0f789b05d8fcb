import * as z from "zod";
import { LAST_INSTANT_MS } from "../lib/time.ts";
import { DENIALS, MAX_KEYS, REPORT_ID_LENGTH, type UsageReport } from "./recorder.ts";

const REPORT_ID = new RegExp(`^[0-9A-Za-z]{${REPORT_ID_LENGTH}}$`);

const count = z.int().min(0);

/** How often a key was accepted and refused on a day. */
export const dayUsageSchema = z
  .object({
    day: z.iso.date().meta({ description: "In UTC." }),
    allowed: z.int().min(0),
    denied: z.int().min(0),
    denials: z
      .object({
        expired: count,
        revoked: count,
        suspended: count,
        scope: count,
        address: count,
        limit: count,
      })
      .meta({
        description:
          "Of the denied, those for each reason: what the key was, a scope that it lacks, an address that it may not be used from, a rate limit.",
      }),
  })
  .meta({
    description: "How often a key was accepted and refused on a day.",
    examples: [
      {
        day: "2026-11-23",
        allowed: 1042,
        denied: 3,
        denials: { expired: 0, revoked: 0, suspended: 0, scope: 3, address: 0, limit: 0 },
      },
    ],
  });

/** Days of one answer: so many are kept. */
export const MAX_DAYS = 400;

const day = z.iso.date("must be a day: YYYY-MM-DD").optional();

/** The query of `GET /settings/api-keys/{id}/usage`. */
export const usageQuerySchema = z.strictObject({
  from: day.meta({ description: "The first day, in UTC. Left out: 30 days are counted." }),
  to: day.meta({ description: `The last day, in UTC, at most ${MAX_DAYS} days later. Left out: today.` }),
});

export type UsageQuery = z.output<typeof usageQuerySchema>;
export type DayUsage = z.output<typeof dayUsageSchema>;

/** `UsageReport`, whose type belongs to what verifies: that part knows no zod. */
const usageReportSchema = z.object({
  id: z.string().regex(REPORT_ID),
  database: z.string(),
  day: z.iso.date(),
  keys: z
    .array(
      z.object({
        keyId: z.string().min(1),
        companyId: z.string().min(1),
        allowed: count,
        denied: count,
        denials: z.array(count).length(DENIALS.length).exactOptional(),
        lastUsedAt: count.max(LAST_INSTANT_MS).nullable(),
      }),
    )
    .max(MAX_KEYS),
}) satisfies z.ZodType<UsageReport>;

/** A message of the queue. */
export const usageMessageSchema = z.array(usageReportSchema);
