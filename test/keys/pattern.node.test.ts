import { describe, expect, test } from "vitest";
import { MAX_FOREIGN_LENGTH, patternFault, wholePattern } from "../../src/keys/pattern.ts";

describe("the pattern of keys that were made elsewhere", () => {
  test.each([
    "",
    "[A-Za-z]{64}",
    "acme_[A-Za-z]{64}",
    "sk_live_.{24}|sk_test_.{24}",
    "old_[0-9a-f]+|older-[0-9a-f]{8}-[0-9a-f]{4}",
    "[\\w-]{20,40}\\.[\\w-]{43}",
    "\\(x\\)[(]+",
    ".*",
    "\\p{L}{32}",
  ])("may be %j", (pattern) => {
    expect(patternFault(pattern)).toBeNull();
  });

  test.each([
    ["(a+)+", "must have no groups: write the alternatives out"],
    ["(?:a|a)(?:a|a)", "must have no groups: write the alternatives out"],
    ["(?=a)a", "must have no groups: write the alternatives out"],
    ["a\\1", "must have no back references"],
    ["\\k<a>", "must have no back references"],
    ["a*a*a*", /^must have at most 2 repeats that vary/],
    ["a?a+a{2,}", /^must have at most 2 repeats that vary/],
    ["a{1,2}b{1,2}c{1,2}", /^must have at most 2 repeats that vary/],
    ["[", "must be a regular expression"],
    ["a{", "must be a regular expression"],
    ["a{2,1}", "must be a regular expression"],
    ["\\", "must be a regular expression"],
    ["x".repeat(201), "must have at most 200 characters"],
  ])("may not be %j", (pattern, fault) => {
    expect(patternFault(pattern)).toEqual(typeof fault === "string" ? fault : expect.stringMatching(fault));
  });

  test("is held against the whole key", () => {
    const pattern = wholePattern("a{3}|b{3}");
    expect(["aaa", "bbb", "aaab", "xaaa", "aaa\n"].map((key) => pattern.test(key))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test.each([".*.*", "a*a*", "[^b]+[^b]+", ".{1,200}.{1,200}|.*"])(
    "takes no long time, whatever it is held against: %s",
    (pattern) => {
      const expression = wholePattern(`${pattern}\u{1F511}`);
      const longest = "a".repeat(MAX_FOREIGN_LENGTH);
      const startedAt = performance.now();
      for (let i = 0; i < 100; i++) expression.test(longest);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    },
  );
});
