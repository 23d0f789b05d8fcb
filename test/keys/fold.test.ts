import fc from "fast-check";
import { expect, test } from "vitest";
import { fold } from "../../src/keys/fold.ts";

test.each([
  ["Überweisung", "überweisung"],
  ["Ключ", "КЛЮЧ"],
  ["Straße", "STRASSE"],
  ["ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς"],
  ["ﬁ", "FI"],
  ["Ａｂ１", "aB1"],
  ["Cafe\u0301", "CAFÉ"],
  ["\u0390", "\u03AA\u0301"],
])("%s and %s fold to the same", (one, other) => {
  expect(fold(one)).toBe(fold(other));
});

test("case makes no difference, and folding twice is folding once", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(fold(text.toUpperCase())).toBe(fold(text));
      expect(fold(fold(text))).toBe(fold(text));
    }),
  );
});

test("a word is found in every longer text that begins with it", () => {
  for (const word of ["ΟΔΟΣ", "οδος", "straß", "Ключ"]) expect(fold(`${word}εις`)).toContain(fold(word));
});
