/** Bytes of one coordinate of P-256. */
const COORDINATE_BYTES = 32;
const SEQUENCE = 0x30;
const INTEGER = 0x02;
/** The first bit of a length that takes more than a byte, and of a negative integer. */
const HIGH_BIT = 0x80;

/**
 * An ECDSA signature of P-256 as WebCrypto takes it, `r` and `s` of 32 bytes each, from DER:
 * `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 §2.2.3, X.690 §8.3 and §10). DER has one form for each
 * signature; `null` for everything else.
 */
export function rawSignature(der: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const [sequence, afterSequence] = element(der, SEQUENCE) ?? [];
  if (sequence === undefined || afterSequence?.length !== 0) return null;
  const [r, afterR] = element(sequence, INTEGER) ?? [];
  if (r === undefined || afterR === undefined) return null;
  const [s, afterS] = element(afterR, INTEGER) ?? [];
  if (s === undefined || afterS?.length !== 0) return null;
  const raw = new Uint8Array(2 * COORDINATE_BYTES);
  return place(r, raw.subarray(0, COORDINATE_BYTES)) && place(s, raw.subarray(COORDINATE_BYTES)) ? raw : null;
}

/** The contents of the element that `bytes` begin with, and what follows it. A signature needs no long length. */
function element(bytes: Uint8Array, tag: number): [Uint8Array, Uint8Array] | null {
  const [first, length = HIGH_BIT] = bytes;
  const end = 2 + length;
  if (first !== tag || length >= HIGH_BIT || end > bytes.length) return null;
  return [bytes.subarray(2, end), bytes.subarray(end)];
}

/** Puts a DER integer at the end of `coordinate`; `false`: it is none, negative, too long or not the shortest form. */
function place(integer: Uint8Array, coordinate: Uint8Array): boolean {
  const [first = HIGH_BIT, second = 0] = integer;
  if (first >= HIGH_BIT) return false;
  const padded = first === 0 && integer.length > 1;
  if (padded && second < HIGH_BIT) return false;
  const digits = padded ? integer.subarray(1) : integer;
  if (digits.length > coordinate.length) return false;
  coordinate.set(digits, coordinate.length - digits.length);
  return true;
}
