/**
 * A text as searches compare it: without regard to case and to compatibility forms, in every script. It is upper
 * case in NFKC, not lower: "ß" then equals "ss", and "Σ" has one form wherever in a word it stands, so that a part
 * of a text folds to a part of what the whole folds to.
 */
export function fold(text: string): string {
  return text.normalize("NFKC").toUpperCase().normalize("NFKC");
}
