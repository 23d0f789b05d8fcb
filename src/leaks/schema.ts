import * as z from "zod";

/** Where reports are taken. */
export const REPORTS_PATH = "/integrations/github/secret-scanning";

const MAX_MATCHES = 5_000;

/** As the reporter describes it; what really comes is read by `matchSchema`. */
const entry = z.unknown().meta({
  type: "object",
  required: ["token", "type", "url"],
  properties: {
    token: { type: "string", description: "What looks like a key." },
    type: { type: "string", examples: ["latchkey_api_key"] },
    url: { type: "string", description: "Where it was found." },
    source: { type: "string", examples: ["content"] },
  },
});

/** The body of a report. An entry that is no match is passed over, so that it keeps no key alive. */
export const reportSchema = z
  .array(entry, "must be a JSON array")
  .max(MAX_MATCHES, `must have at most ${MAX_MATCHES} entries`)
  .meta({ description: "Matches, as GitHub's secret-scanning partner program sends them." });

const textOrNone = z.string().catch("");

/** An entry of a report, as far as it has a token: what else it lacks, or has in another form, is empty. */
export const matchSchema = z.object({
  token: z.string(),
  type: textOrNone,
  url: textOrNone,
  source: textOrNone,
});

/** What GitHub is told of a match, in its words. */
export const feedbackSchema = z.object({
  token_hash: z.base64().meta({ description: "SHA-256 of the token." }),
  token_type: z.string(),
  label: z
    .enum(["true_positive", "false_positive"])
    .meta({ description: "Whether the token is a key of this service." }),
});

export type Feedback = z.output<typeof feedbackSchema>;
