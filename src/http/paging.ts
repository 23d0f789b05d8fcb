import * as z from "zod";
import { jsonOr } from "../db/json.ts";
import { isPlace } from "../db/walk.ts";
import { ApiError } from "./errors.ts";

const MAX_PAGE = 1_000;
const RANGE = `must be a whole number from 1 to ${MAX_PAGE}`;

/** `?limit=`: entries of one page. */
export const limitSchema = z
  .string("must be given once")
  .regex(/^[1-9]\d{0,3}$/, { error: RANGE, abort: true })
  .transform(Number)
  .refine((limit) => limit <= MAX_PAGE, { error: RANGE })
  .meta({
    description: "Entries of one page.",
    type: "integer",
    pattern: undefined,
    minimum: 1,
    maximum: MAX_PAGE,
  });

const MAX_CURSOR = 2_000;
const FROM_LINK = "must be taken from a Link header";

/** `?cursor=`: where the page before ended. */
export const placeSchema = z
  .string("must be given once")
  .max(MAX_CURSOR, FROM_LINK)
  .transform((text, context) => {
    const place = jsonOr(text, isPlace, null);
    if (place !== null) return place;
    context.addIssue(FROM_LINK);
    return z.NEVER;
  })
  .meta({ description: "From the Link header of the page before." });

/** @throws ApiError `BAD_REQUEST`: the cursor is of another list. */
export function badCursor(): never {
  throw new ApiError("BAD_REQUEST", { message: `cursor: ${FROM_LINK}` });
}

/** The `Link` header to the page after this one (RFC 8288): the same request with another cursor. */
export function nextLink(url: string, cursor: string): string {
  const page = new URL(url);
  page.searchParams.set("cursor", cursor);
  return `<${page}>; rel="next"`;
}
