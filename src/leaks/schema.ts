import * as z from "zod";

/** Where reports are taken. */
export const REPORTS_PATH = "/integrations/github/secret-scanning";

const MAX_MATCHES = 5_000;

const NO_MATCH = "must be an object of the texts token, type, url and source";

const text = z.string(NO_MATCH);
const match = z.object(
  {
    token: text.meta({ description: "What looks like a key." }),
    type: text.meta({ examples: ["latchkey_api_key"] }),
    url: text.meta({ description: "Where it was found." }),
    source: text.optional().meta({ examples: ["content"] }),
  },
  NO_MATCH,
);

/** The body of a report. Members that are not known yet are passed over. */
export const reportSchema = z
  .array(match, "must be a JSON array")
  .max(MAX_MATCHES, `must have at most ${MAX_MATCHES} entries`)
  .meta({ description: "Matches, as GitHub's secret-scanning partner program sends them." });

export type Report = z.output<typeof reportSchema>;

/** What GitHub is told of a match, in its words. */
export const feedbackSchema = z.object({
  token_hash: z.base64().meta({ description: "SHA-256 of the token." }),
  token_type: z.string(),
  label: z
    .enum(["true_positive", "false_positive"])
    .meta({ description: "Whether the token is a key of this service." }),
});

export type Feedback = z.output<typeof feedbackSchema>;
