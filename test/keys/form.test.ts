import { describe, expect, test } from "vitest";
import { keyForm } from "../../src/keys/form.ts";

describe("the form of keys", () => {
  const form = keyForm(["lk_live", "old"]);
  const key = `lk_live_${"aB3".repeat(16)}zz`;

  test.each([key, `x${key}x`, `"${key}"`, key.slice(0, 30), key.replace("lk_live", "old"), `${key} ${key}`])(
    "is in %s",
    (text) => {
      expect(form.isIn(text)).toBe(true);
      expect(form.masked(text)).not.toContain(key.slice(8, 30));
    },
  );

  test.each(["", "lk_live", "lk_live_aB3dE", key.slice(0, 29), key.replace("lk_live", "new"), key.slice(8)])(
    "is not in %s, which stays as it is",
    (text) => {
      expect(form.isIn(text)).toBe(false);
      expect(form.masked(text)).toBe(text);
    },
  );

  test("is masked wherever it stands, and nothing else", () => {
    expect(form.masked(`https://x.example/?a=${key}&b=1#${key}`)).toBe("https://x.example/?a=***&b=1#***");
    expect(form.masked("https://x.example/100%25?q=%C3%BC")).toBe("https://x.example/100%25?q=%C3%BC");
  });

  test.each([
    ["%-escapes", (text: string) => text.replaceAll("_", "%5F").replace("aB3", "%61%42%33")],
    ["lower-case %-escapes", (text: string) => text.replaceAll("_", "%5f")],
    ["%-escapes of %-escapes", (text: string) => text.replaceAll("_", "%25255F")],
  ])("is masked where it is written by %s", (_, encode) => {
    const masked = form.masked(`https://x.example/?next=${encode(key)}&b=1`);
    expect(masked).toBe("https://x.example/?next=***&b=1");
  });
});
