import * as z from "zod";
import type { KeyForm } from "./form.ts";

const MAX_LABEL_CHARACTERS = 100;

/** Something to see: more than white space and format characters. */
const VISIBLE = /[^\s\p{Z}\p{Cf}]/u;
const CONTROL = /\p{Cc}/u;
/** They make a label look like another, also in what stands after it. */
const BIDI = /\p{Bidi_Control}/u;

/** A label as the API takes it; `form` is that of keys, which people paste into the wrong field. */
export function labelSchema(form: KeyForm) {
  return z
    .string({ error: (issue) => (issue.input === undefined ? "is required" : "must be a string") })
    .refine((text) => text.isWellFormed(), { error: "must be well-formed Unicode", abort: true })
    .refine((text) => VISIBLE.test(text), { error: "must not be blank", abort: true })
    .refine((text) => characters(text) <= MAX_LABEL_CHARACTERS, {
      error: `must have at most ${MAX_LABEL_CHARACTERS} characters`,
      abort: true,
    })
    .refine((text) => !CONTROL.test(text), { error: "must not hold control characters" })
    .refine((text) => !BIDI.test(text), {
      error: "must not hold characters that change the direction of text",
    })
    .refine((text) => !form.isIn(text), { error: "must not hold an API key" })
    .meta({
      description:
        "Any characters but control characters and bidirectional controls, not blank, and no API key. Kept exactly as sent.",
      minLength: 1,
      maxLength: MAX_LABEL_CHARACTERS,
      examples: ["Careers page"],
    });
}

/** Unicode characters, not UTF-16 units. */
export function characters(text: string): number {
  return [...text].length;
}
