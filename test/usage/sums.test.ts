import { expect, test } from "vitest";
import { addUp, type Sum } from "../../src/usage/sums.ts";

const DAY = "2026-11-28";
const accepted = (lastUsedAt: number, keyId = "k"): Sum => [keyId, "acme", DAY, 1, 0, lastUsedAt];
const refused = (...denials: number[]): Sum => ["k", "acme", DAY, 0, 1, null, ...denials];

test("the sums of a key and a day are added up to one, and those of others stay apart", () => {
  expect(addUp([accepted(1_000), accepted(3_000, "other"), accepted(2_000)])).toEqual([
    ["k", "acme", DAY, 2, 0, 2_000],
    accepted(3_000, "other"),
  ]);
});

test("a key that was refused before it was accepted was used when it was accepted", () => {
  expect(addUp([refused(), accepted(1_000)])).toEqual([["k", "acme", DAY, 1, 1, 1_000]]);
});

test("a key that is refused after it was accepted was used when it was accepted", () => {
  expect(addUp([accepted(1_000), refused()])).toEqual([["k", "acme", DAY, 1, 1, 1_000]]);
});

test("denials are added up by their reason, also to a sum that has none", () => {
  expect(addUp([accepted(1_000), refused(0, 1), refused(1, 1)])).toEqual([
    ["k", "acme", DAY, 1, 2, 1_000, 1, 2],
  ]);
});
