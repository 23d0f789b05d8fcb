import fc from "fast-check";
import { expect, test } from "vitest";
import { base62, randomBase62 } from "../../src/lib/encoding.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const digits = (value: number, length: number) =>
  new TextDecoder().decode(base62(value, new Uint8Array(length)));

test.each([
  [0, "000000"],
  [9, "000009"],
  [10, "00000A"],
  [61, "00000z"],
  [62, "000010"],
  [62 ** 6 - 1, "zzzzzz"],
  [62 ** 6, "000000"],
])("base62 of %i", (value, text) => {
  expect(digits(value, 6)).toBe(text);
});

test("base62 is the last digits of the number, exactly, up to 2^53", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: 9 }), (value, length) => {
      const back = [...digits(value, length)].reduce((sum, c) => sum * 62n + BigInt(ALPHABET.indexOf(c)), 0n);
      expect(back).toBe(BigInt(value) % 62n ** BigInt(length));
    }),
  );
});

test.each([0, 1, 43, 100])("randomBase62 gives %i characters of the alphabet", (length) => {
  expect(randomBase62(length, (bytes) => crypto.getRandomValues(bytes))).toMatch(
    new RegExp(`^[0-9A-Za-z]{${length}}$`),
  );
});

test("randomBase62 maps the bytes 0 to 247 to each character four times", () => {
  let next = 0;
  const text = randomBase62(248, (bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = next++;
  });
  expect(text).toBe(ALPHABET.repeat(4));
});

test("randomBase62 asks for more bytes where some were skipped", () => {
  let asked = 0;
  const text = randomBase62(2, (bytes) => {
    bytes.set(asked++ === 0 ? [255, 248] : [0, 61]);
  });
  expect({ text, asked }).toEqual({ text: "0z", asked: 2 });
});
