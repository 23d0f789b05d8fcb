/** The form of keys that were made elsewhere, as whoever runs the service describes it. */

/** Shorter keys could be guessed. */
export const MIN_FOREIGN_LENGTH = 20;
export const MAX_FOREIGN_LENGTH = 200;
const MAX_PATTERN_LENGTH = 200;
/** Two repeats that vary, of the longest text, are some 20,000 steps; each more would be a hundred times as many. */
const MAX_VARYING = 2;

/** An escape, or a class of characters. */
const ATOM = /\\.|\[(?:\\.|[^\]\\])*\]/gs;
const BACK_REFERENCE = /^\\[1-9k]/;
const VARYING = /[*+?]|\{\d+,\d*\}/g;

export function isForeignLength({ length }: string): boolean {
  return length >= MIN_FOREIGN_LENGTH && length <= MAX_FOREIGN_LENGTH;
}

/**
 * What is wrong with a pattern, or `null`. Whoever presents a key chooses the text that it is held against, so a pattern
 * that could take long is refused: with groups, look-around or back references, or with many repeats, the time that a
 * regular expression takes can double with each character.
 */
export function patternFault(pattern: string): string | null {
  if (pattern.length > MAX_PATTERN_LENGTH) return `must have at most ${MAX_PATTERN_LENGTH} characters`;
  const rest = pattern.replace(ATOM, "x");
  if (/[()]/.test(rest)) return "must have no groups: write the alternatives out";
  if (pattern.match(ATOM)?.some((atom) => BACK_REFERENCE.test(atom))) return "must have no back references";
  if ((rest.match(VARYING)?.length ?? 0) > MAX_VARYING)
    return `must have at most ${MAX_VARYING} repeats that vary: {32} is none, + and {20,40} are`;
  return compiled(pattern) === null ? "must be a regular expression" : null;
}

/** The expression that a whole key is held against. @throws TypeError for a pattern that is wrong. */
export function wholePattern(pattern: string): RegExp {
  const expression = compiled(pattern);
  if (expression === null) throw new TypeError("wholePattern: no regular expression");
  return expression;
}

function compiled(pattern: string): RegExp | null {
  try {
    const expression = new RegExp(`^(?:${pattern})$`, "u");
    expression.test(""); // V8 compiles it now, and refuses one that is too large
    return expression;
  } catch {
    return null;
  }
}
