import * as z from "zod/mini";
import { listOrNone, optionalUrl } from "../lib/settings.ts";

/** Who runs the service, and is nobody's company: tokens of an audience of its own. Empty: there is no such API. */
export const operatorSettings = z
  .object({
    OPERATOR_AUDIENCE: z.string(),
    /** Empty: that of the companies. */
    OPERATOR_ISSUER: optionalUrl,
    OAUTH_AUDIENCE: z.optional(z.unknown()),
  })
  .check(
    z.refine(
      ({ OPERATOR_AUDIENCE: own, OAUTH_AUDIENCE: others }) => own === "" || !wordsOf(others).includes(own),
      {
        path: ["OPERATOR_AUDIENCE"],
        error: "must be another one than OAUTH_AUDIENCE",
      },
    ),
  );

export type OperatorSettings = Pick<
  z.output<typeof operatorSettings>,
  "OPERATOR_AUDIENCE" | "OPERATOR_ISSUER"
>;

function wordsOf(value: unknown): string[] {
  const listed = listOrNone.safeParse(value);
  return listed.success ? listed.data : [];
}
