import * as z from "zod";
import type { KeyForm } from "./form.ts";

const MAX_ENTRIES = 20;
const MAX_BYTES = 1_024;

const utf8 = new TextEncoder();

/** What a company writes down with a key; `form` is that of keys, which do not belong there. */
export function metadataSchema(form: KeyForm) {
  const texts = z
    .record(z.string(), z.string("must hold texts by name"), "must be an object of texts")
    .superRefine((metadata, context) => {
      const fault = metadataFault(metadata, form);
      if (fault !== null) context.addIssue(fault);
    });
  return z.preprocess(refuseProto, texts).meta({
    description:
      "What you want to know of the key, such as where it is used: texts by name, at most 20 of them and 1 KB as JSON. It comes with every verdict.",
    maxProperties: MAX_ENTRIES,
    examples: [{ team: "careers" }],
  });
}

/** zod leaves this name out of what it returns: nothing is dropped unseen. */
function refuseProto(value: unknown, context: z.core.$RefinementCtx): unknown {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, "__proto__"))
    context.addIssue("must not use the name __proto__");
  return value;
}

function metadataFault(metadata: Record<string, string>, form: KeyForm): string | null {
  const names = Object.keys(metadata);
  const json = JSON.stringify(metadata);
  if (names.length > MAX_ENTRIES) return `must have at most ${MAX_ENTRIES} entries`;
  if (names.includes("")) return "must not have an empty name";
  if (![...names, ...Object.values(metadata)].every((text) => text.isWellFormed()))
    return "must be well-formed Unicode";
  if (utf8.encode(json).length > MAX_BYTES) return `must have at most ${MAX_BYTES} bytes as JSON`;
  if (form.isIn(json)) return "must not hold an API key";
  return null;
}
