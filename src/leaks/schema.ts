import * as z from "zod";

const MAX_MATCHES = 5_000;

const text = z.string({ error: "must be matches of token, type, url and source" });

/** The body of a report: GitHub's secret-scanning partner program. */
export const reportSchema = z
  .array(z.object({ token: text, type: text, url: text, source: text.optional() }), "must be a JSON array")
  .max(MAX_MATCHES, `must have at most ${MAX_MATCHES} entries`);

export type Report = z.output<typeof reportSchema>;
