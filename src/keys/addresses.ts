import * as z from "zod";
import { doOverlap, formatAddress, parseBlock } from "../lib/address.ts";

const MAX_ENTRIES = 50;
/** Of an entry: an IPv6 address with an IPv4 one at its end, and a prefix. */
const MAX_CHARACTERS = 49;
const NO_BLOCK = "must be IPv4 or IPv6 addresses, or blocks of them in CIDR notation";

/** Addresses and blocks, each in its one form; `null`: from anywhere. */
export const addressesSchema = z
  .array(
    z.string(NO_BLOCK).transform((text, context) => {
      const entry = text.length <= MAX_CHARACTERS ? normalized(text) : null;
      if (entry === null) context.addIssue(NO_BLOCK);
      return entry ?? z.NEVER;
    }),
    "must be an array, or null",
  )
  .min(1, "must not be empty: null allows any address")
  .max(MAX_ENTRIES, { error: `must have at most ${MAX_ENTRIES} entries`, abort: true })
  .nullable()
  .meta({
    description:
      "The IPv4 and IPv6 addresses and CIDR blocks that it may be used from, at most 50. null: from anywhere.",
    examples: [["192.0.2.7", "2001:db8::/32"]],
  });

/**
 * From where a key may be used.
 *
 * @param companyIps - What the company's keys may be used from; `null`: anywhere. An entry without any address of these
 *   is refused, as it would never be of use.
 */
export function allowedIpsSchema(companyIps: readonly string[] | null) {
  const allowed = companyIps?.map(parseBlock).filter((block) => block !== null);
  return addressesSchema.refine(
    (entries) =>
      (entries ?? [])
        .map(parseBlock)
        .every((entry) => entry && (allowed?.some((block) => doOverlap(block, entry)) ?? true)),
    { error: `must be within what the company may use: ${companyIps?.join(" ")}` },
  );
}

/** The same entry in its one form: an IPv4 address in IPv6 as IPv4, IPv6 as RFC 5952 has it, a block by its first address. */
function normalized(text: string): string | null {
  const block = parseBlock(text);
  if (block === null) return null;
  const address = formatAddress(block.network);
  const [, prefix] = text.split("/");
  if (prefix === undefined) return address;
  const isMapped = block.isIPv4 && text.includes(":");
  return `${address}/${Number(prefix) - (isMapped ? 96 : 0)}`;
}
