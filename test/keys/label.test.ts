import fc from "fast-check";
import { expect, test } from "vitest";
import { createKey, manage } from "../support/api.ts";
import { brokenFields, stored } from "../support/expect.ts";

const KEY = `lk_live_${"aB3".repeat(16)}zz`;
const FAMILY = "\u{1F468}\u200D\u{1F469}\u200D\u{1F467}";

/** Any text that the contract lets be a label. */
const labels = fc
  .string({ unit: "binary", minLength: 1, maxLength: 100 })
  .map((text) => `x${text.replace(/\p{Cc}|\p{Cs}|\p{Bidi_Control}/gu, "")}`)
  .map((text) => [...text].slice(0, 100).join(""));

test("a label is stored and shown exactly as sent, whatever Unicode it holds", async () => {
  const key = await createKey();
  await fc.assert(
    fc.asyncProperty(labels, async (label) => {
      const answer = await manage(`/settings/api-keys/${key.id}`, { method: "PATCH", body: { label } });
      expect(await answer.json()).toMatchObject({ label });
      const again = await manage(`/settings/api-keys/${key.id}`);
      expect(await again.json()).toMatchObject({ label });
    }),
    { numRuns: 100 },
  );
}, 60_000);

test.each([
  "x",
  "0",
  "null",
  "  padded  ",
  "é",
  "e\u0301",
  "ﬁ",
  "\uFEFFx",
  "x\u200B",
  FAMILY,
  "\u{1F3F4}\u{E0067}\u{E0062}\u{E007F}",
  "\uFFFD",
  "\uFFFE\u{10FFFF}",
  "line\u2028separator",
  "'; DROP TABLE api_keys; --",
  '<script>alert("x")</script>',
  "%00 %s $x \\u0000 \\",
  "__proto__",
  "lk_live_aB3dE is what it begins with",
  `lk_live_${"a".repeat(21)}`,
  `lk_test_${"a".repeat(50)}`,
  "עברית و عربي",
  "x".repeat(100),
  "\u{1F511}".repeat(100),
])("the label %j is kept as it is", async (label) => {
  const key = await createKey({ label });
  expect(key.label).toBe(label);
  expect(await (await manage(`/settings/api-keys/${key.id}`)).json()).toMatchObject({ label });
  expect(await (await manage("/settings/api-keys")).json()).toMatchObject([{ label }]);
});

test.each<[string, unknown, string]>([
  ["empty", "", "must not be blank"],
  ["spaces", "   ", "must not be blank"],
  ["a tab", "\t", "must not be blank"],
  ["no-break space", "\u00A0\u2003\u3000", "must not be blank"],
  ["nothing to see", "\u200B\u200D\u2060\uFEFF", "must not be blank"],
  ["a bidi mark alone", "\u202E", "must not be blank"],
  ["101 characters", "x".repeat(101), "must have at most 100 characters"],
  ["101 characters beyond the BMP", "\u{1F511}".repeat(101), "must have at most 100 characters"],
  ["100 characters and white space", ` ${"x".repeat(100)}`, "must have at most 100 characters"],
  ["NUL", "a\u0000b", "must not hold control characters"],
  ["a line break", "a\nb", "must not hold control characters"],
  ["a tab within", "a\tb", "must not hold control characters"],
  ["escape", "\u001B[31m", "must not hold control characters"],
  ["DEL", "a\u007F", "must not hold control characters"],
  ["C1", "a\u0085", "must not hold control characters"],
  ...["061C", "200E", "200F", "202A", "202E", "2066", "2069"].map((code): [string, string, string] => [
    `the bidirectional control U+${code}`,
    `a${String.fromCharCode(Number.parseInt(code, 16))}b`,
    "must not hold characters that change the direction of text",
  ]),
  ["a whole key", KEY, "must not hold an API key"],
  ["a key and more", `my key: ${KEY}.`, "must not hold an API key"],
  ["a mistyped key", `${KEY.slice(0, -1)}0`, "must not hold an API key"],
  ["most of a key", KEY.slice(0, 30), "must not hold an API key"],
  ["a lone high surrogate", "a\uD800", "must be well-formed Unicode"],
  ["a lone low surrogate", "\uDC00a", "must be well-formed Unicode"],
  ["surrogates the wrong way round", "\uDC00\uD800", "must be well-formed Unicode"],
  ["null", null, "must be a string"],
  ["a number", 0, "must be a string"],
  ["a boolean", false, "must be a string"],
  ["an array", ["x"], "must be a string"],
  ["an object", { toString: "x" }, "must be a string"],
])("a label is 422 and changes nothing: %s", async (_, label, message) => {
  const key = await createKey();
  const before = await stored();
  const requests = [
    manage("/settings/api-keys", { method: "POST", body: { label, scopes: ["jobs:read"] } }),
    manage(`/settings/api-keys/${key.id}`, { method: "PATCH", body: { label } }),
  ];
  for (const answer of await Promise.all(requests)) {
    expect(await brokenFields(answer)).toEqual({ label: message });
  }
  expect(await stored()).toEqual(before);
});
