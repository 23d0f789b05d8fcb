import * as z from "zod/mini";
import { listOrNone, optionalUrl, text } from "../lib/settings.ts";
import { scopeList } from "../oauth/settings.ts";

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

/** The client of the operator's pages, where it is not that of the dashboard. */
export const operatorClientSettings = z
  .object({
    /** Empty: `OAUTH_CLIENT_ID`. */
    OPERATOR_CLIENT_ID: z.string(),
    OPERATOR_CLIENT_SECRET: z.optional(text),
    /** Empty: `OAUTH_LOGIN_SCOPES`, with the operator's scopes for those of companies. */
    OPERATOR_LOGIN_SCOPES: scopeList,
  })
  .check(
    z.refine((own) => own.OPERATOR_CLIENT_ID === "" || own.OPERATOR_CLIENT_SECRET !== undefined, {
      path: ["OPERATOR_CLIENT_SECRET"],
      error: "is missing, and OPERATOR_CLIENT_ID is set",
    }),
  );

function wordsOf(value: unknown): string[] {
  const listed = listOrNone.safeParse(value);
  return listed.success ? listed.data : [];
}
