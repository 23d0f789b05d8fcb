import * as z from "zod";

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

/** The `Link` header to the page after this one (RFC 8288): the same request with another cursor. */
export function nextLink(url: string, cursor: string): string {
  const page = new URL(url);
  page.searchParams.set("cursor", cursor);
  return `<${page}>; rel="next"`;
}
