import * as z from "zod";

const MAX_MATCHES = 5_000;

const NO_MATCH = "must be an object of the texts token, type, url and source";

const text = z.string(NO_MATCH);
const match = z.object({ token: text, type: text, url: text, source: text.optional() }, NO_MATCH);

/** The body of a report. Members that are not known yet are passed over. */
export const reportSchema = z
  .array(match, "must be a JSON array")
  .max(MAX_MATCHES, `must have at most ${MAX_MATCHES} entries`);

export type Report = z.output<typeof reportSchema>;
