/** The form of keys, by which they are found in other texts. */
export interface KeyForm {
  /** Whether a text begins as keys do, whatever follows, or is one that was made elsewhere. */
  begins(text: string): boolean;
  /** Whether it is one that was made elsewhere, by its form. Where the setting is wrong that says so, none is. */
  isForeign(text: string): boolean;
  /** Whether a text holds a key, or so much of one that it is a secret no more. */
  isIn(text: string): boolean;
  /** The text with `***` in their places. */
  masked(text: string): string;
}

/** With so many characters of the randomness known, what is left of it is less than 128 bits. */
const REVEALING_LENGTH = 22;

/**
 * @param prefixes - All that keys begin with.
 * @param isForeign - Whether a text is a key that was made elsewhere, by its form.
 */
export function keyForm(
  prefixes: readonly string[],
  isForeign: (text: string) => boolean = () => false,
): KeyForm {
  const starts = prefixes.map((prefix) => `${prefix}_`);
  const key = new RegExp(`${startOf(prefixes)}[0-9A-Za-z]{${REVEALING_LENGTH},}`, "g");

  /** A wrong setting closes what was made elsewhere, and nothing of our own. */
  function mayBeForeign(text: string): boolean {
    try {
      return isForeign(text);
    } catch {
      return false;
    }
  }

  return {
    isForeign: mayBeForeign,
    begins: (text) => starts.some((start) => text.startsWith(start)) || mayBeForeign(text),
    isIn: (text) => text.search(key) >= 0 || text.split(/\s+/).some(mayBeForeign),
    masked(text) {
      const plain = percentDecoded(text);
      // What is written by %-escapes is masked with them gone: the text has no other meaning to keep.
      return (plain.search(key) >= 0 ? plain : text).replace(key, "***");
    },
  };
}

/** What keys begin with, for a regular expression. */
export function startOf(prefixes: readonly string[]): string {
  return `(?:${prefixes.map((prefix) => RegExp.escape(prefix)).join("|")})_`;
}

/** Of ASCII, however often it was encoded. */
function percentDecoded(text: string): string {
  return text.replace(/%(?:25)*([0-7][0-9A-Fa-f])/g, (_, code) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
