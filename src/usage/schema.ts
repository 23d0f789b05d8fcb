import * as z from "zod";

/** How often a key was accepted and refused on a day. */
export const dayUsageSchema = z
  .object({
    day: z.iso.date().meta({ description: "In UTC." }),
    allowed: z.int().min(0),
    denied: z.int().min(0),
  })
  .meta({
    description: "How often a key was accepted and refused on a day.",
    examples: [{ day: "2026-11-23", allowed: 1042, denied: 3 }],
  });

export type DayUsage = z.output<typeof dayUsageSchema>;
