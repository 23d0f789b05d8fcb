import type { ErrorDetail } from "latchkey/hono";
import * as z from "zod";

export const JobListingId = z.object({ id: z.guid().toLowerCase() });

export const NewJobListing = z.strictObject({
  title: line(200),
  location: line(100),
  employmentType: z.enum(["full_time", "part_time", "contract", "internship"]),
});

/** One line of text: any Unicode but control characters and halves of surrogate pairs. */
function line(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .regex(/\S/, "must not be blank")
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not contain control characters");
}

/** The first thing wrong with each field; an unknown field is wrong as such. */
export function detailsOf({ issues }: z.core.$ZodError): ErrorDetail[] {
  const messages = new Map<string, string>();
  for (const issue of issues) {
    const unknown = issue.code === "unrecognized_keys";
    for (const field of unknown ? issue.keys : [String(issue.path[0] ?? "body")]) {
      if (!messages.has(field)) messages.set(field, unknown ? "unknown field" : issue.message);
    }
  }
  return [...messages].map(([field, message]) => ({ field, message }));
}
