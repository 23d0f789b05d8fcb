const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The largest multiple of 62 that fits a byte: bytes from here on would bias the choice. */
const UNBIASED_BYTES = 248;

/** `fill` puts random bytes into the array, as `crypto.getRandomValues` does. */
export type RandomSource = (bytes: Uint8Array<ArrayBuffer>) => void;

/** `length` base62 characters, each equally likely (rejection sampling). */
export function randomBase62(length: number, fill: RandomSource): string {
  const bytes = new Uint8Array(length);
  let text = "";
  while (text.length < length) {
    fill(bytes);
    for (const byte of bytes) {
      if (byte < UNBIASED_BYTES && text.length < length) text += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return text;
}

/** The last base62 digits of a whole number up to 2^53, as many as `digits` holds, most significant first, in ASCII. */
export function base62(value: number, digits: Uint8Array): Uint8Array {
  let rest = value;
  for (let i = digits.length - 1; i >= 0; i--) {
    digits[i] = ALPHABET.charCodeAt(rest % ALPHABET.length);
    rest = Math.floor(rest / ALPHABET.length);
  }
  return digits;
}
