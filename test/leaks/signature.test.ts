import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rawSignature } from "../../src/leaks/signature.ts";
import { derOf } from "../support/report.ts";

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));
const FULL = "7f".repeat(32);
const HIGH = "ff".repeat(32);
const raw = (r: string, s: string) => hex(r.padStart(64, "0") + s.padStart(64, "0"));

/** Coordinates of every length: long runs of zeros in front are as likely as none. */
const coordinate = fc
  .tuple(fc.nat(32), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([zeros, bytes]) => bytes.map((byte, i) => (i < zeros ? 0 : byte)));
const anyRaw = fc.tuple(coordinate, coordinate).map(([r, s]) => Uint8Array.of(...r, ...s));

describe("a DER signature is read", () => {
  test.each([
    ["of two integers of 32 bytes", `30 44 0220 ${FULL} 0220 ${FULL}`, raw(FULL, FULL)],
    ["with a zero before a first bit that is set", `30 46 0221 00${HIGH} 0221 00${HIGH}`, raw(HIGH, HIGH)],
    [
      "of integers shorter than 32 bytes",
      `30 44 0221 00${HIGH} 021f ${FULL.slice(2)}`,
      raw(HIGH, FULL.slice(2)),
    ],
    ["of short integers with a zero in front", "30 08 0202 0080 0202 00ff", raw("80", "ff")],
    ["of integers of one byte", "30 06 0201 01 0201 7f", raw("01", "7f")],
    ["of zeros, which no key has made", "30 06 0201 00 0201 00", raw("", "")],
  ])("%s", (_, der, expected) => {
    expect(rawSignature(hex(der))).toEqual(expected);
  });

  test("whatever its integers are: the raw form comes back", () => {
    fc.assert(
      fc.property(anyRaw, (signature) => {
        expect(rawSignature(derOf(signature))).toEqual(signature);
      }),
    );
  });
});

describe("no DER signature is", () => {
  test.each([
    ["nothing", ""],
    ["a tag alone", "30"],
    ["an empty sequence", "3000"],
    ["a set", "31 06 0201 01 0201 01"],
    ["one integer", "30 03 0201 01"],
    ["one integer and a tag", "30 04 0201 01 02"],
    ["three integers", "30 09 0201 01 0201 01 0201 01"],
    ["a sequence with bytes after it", "30 06 0201 01 0201 01 00"],
    ["a sequence longer than the bytes", "30 07 0201 01 0201 01"],
    ["a sequence that ends within an integer", "30 05 0201 01 0201 01"],
    ["a length in the long form", "30 8106 0201 01 0201 01"],
    ["an indefinite length", "30 80 0201 01 0201 01 0000"],
    ["an integer longer than its sequence", "30 06 0201 01 0202 01"],
    ["an integer of another type, first", "30 06 0301 01 0201 01"],
    ["an integer of another type, second", "30 06 0201 01 0401 01"],
    ["an integer without bytes", "30 05 0200 0201 01"],
    ["a negative integer, first", "30 06 0201 80 0201 01"],
    ["a negative integer, second", "30 06 0201 01 0201 ff"],
    ["a negative integer of 32 bytes", `30 44 0220 ${HIGH} 0220 ${FULL}`],
    ["a zero in front that is not needed", "30 07 0202 0001 0201 01"],
    ["two zeros in front", "30 08 0203 000080 0201 01"],
    ["an integer of 33 bytes, first", `30 45 0221 01${FULL} 0220 ${FULL}`],
    ["an integer of 33 bytes, second", `30 45 0220 ${FULL} 0221 01${FULL}`],
    ["an integer of 34 bytes with a zero in front", `30 46 0222 00ff${FULL} 0220 ${FULL}`],
    ["the raw form", FULL + FULL],
  ])("%s", (_, bytes) => {
    expect(rawSignature(hex(bytes))).toBeNull();
  });

  test("a part of one", () => {
    const der = hex(`30 46 0221 00${HIGH} 0221 00${HIGH}`);
    for (let end = 0; end < der.length; end++) expect(rawSignature(der.subarray(0, end))).toBeNull();
    for (let start = 1; start < der.length; start++) expect(rawSignature(der.subarray(start))).toBeNull();
  });

  test("garbage, which throws nothing either: what is accepted is the one DER form of what comes out", () => {
    const damaged = fc
      .tuple(anyRaw, fc.nat(71), fc.nat(255), fc.uint8Array({ maxLength: 3 }))
      .map(([signature, at, byte, tail]) => {
        const der = derOf(signature);
        return Uint8Array.of(...der.map((old, i) => (i === at % der.length ? byte : old)), ...tail);
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 80 })), (bytes) => {
        const signature = rawSignature(bytes);
        expect(signature === null ? bytes : derOf(signature)).toEqual(bytes);
      }),
      { numRuns: 2_000 },
    );
  });
});
