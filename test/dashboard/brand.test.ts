import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { brandOf, brandSettings } from "../../src/dashboard/brand.ts";
import { readSettings } from "../../src/lib/settings.ts";
import { call } from "../support/api.ts";
import { visit, withDashboard } from "../support/dashboard.ts";
import { expectError } from "../support/expect.ts";

const NONE = { BRAND_NAME: "Latchkey", BRAND_LOGO_URL: "", BRAND_COLOR: "" };
const OURS = {
  BRAND_NAME: "Søren & <Sons>",
  BRAND_LOGO_URL: "https://cdn.example/logo.svg?v=1",
  BRAND_COLOR: "#FFDD00",
};
const brand = (settings: object) => brandOf(readSettings(brandSettings, { ...NONE, ...settings })());

test("a sign-in page has the operator's name, logo and colour, and the icon its colour", async () => {
  const answer = await visit("/dashboard/sign-in", { target: withDashboard(OURS) });
  const page = await answer.text();
  expect(page).toContain("<title>Sign in · Søren &amp; &lt;Sons&gt;</title>");
  expect(page).toContain('<img class="logo" src="https://cdn.example/logo.svg?v=1" alt=""/>');
  expect(page).toContain("--accent:#FFDD00;--on-accent:#000000");
  expect(page).toContain(encodeURIComponent('fill="#FFDD00"'));
  expect(answer.headers.get("Content-Security-Policy")).toContain("img-src data: https://cdn.example;");
});

test("the operator's pages have them too", async () => {
  const answer = await visit("/operator/dashboard/sign-in", { target: withDashboard(OURS) });
  expect(await answer.text()).toContain("· Søren &amp; &lt;Sons&gt;</title>");
});

test("without a colour the style's own are taken, and without a logo the drawn key", () => {
  expect(brand({})).toEqual({ name: "Latchkey", logoUrl: null, colors: null });
});

/** As WCAG 2.2 has it, from numbers of 0 to 255. */
function contrast(one: string, other: string): number {
  const [high = 0, low = 0] = [one, other]
    .map((color) => {
      const parts = (color.match(/[0-9a-f]{2}/gi) ?? []).map((part) => Number.parseInt(part, 16) / 255);
      const [r = 0, g = 0, b = 0] = parts.map((v) =>
        v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    })
    .sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

test("text on any colour has a contrast of 4.5 or more", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xff_ff_ff }), (value) => {
      const { colors } = brand({ BRAND_COLOR: `#${value.toString(16).padStart(6, "0")}` });
      expect(contrast(colors?.ground ?? "", colors?.ink ?? "")).toBeGreaterThanOrEqual(4.5);
    }),
  );
});

describe.each([
  ["BRAND_NAME", ["", "a".repeat(61), "a\nb", "a\u202eb", 1]],
  ["BRAND_LOGO_URL", ["logo.png", "http://cdn.example/a.png", "https://a:b@cdn.example/", "https://a b", 1]],
  ["BRAND_COLOR", ["blue", "#fff", "3149c6", "#3149c6;}", "#3149c6ff", 1]],
] as [string, unknown[]][])("%s", (name, values) => {
  test.each(values)("must not be %j: the error says so by name", (value) => {
    expect(() => brand({ [name]: value })).toThrow(`${name}: `);
  });
});

test("a wrong one closes the dashboard", async () => {
  const target = withDashboard({ BRAND_COLOR: "blue" });
  await expectError(await call("/dashboard", {}, target), "INTERNAL_ERROR");
});
