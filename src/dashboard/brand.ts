import * as z from "zod/mini";
import { text } from "../lib/settings.ts";

const MAX_NAME_CHARACTERS = 60;
const MAX_URL_LENGTH = 1_000;

/** Whose pages they are, to whoever looks. */
export const brandSettings = z.object({
  BRAND_NAME: text.check(
    z.refine((name) => [...name].length <= MAX_NAME_CHARACTERS && !/[\p{Cc}\p{Bidi_Control}]/u.test(name), {
      error: `must have at most ${MAX_NAME_CHARACTERS} characters, and no control characters`,
    }),
  ),
  BRAND_LOGO_URL: z.union([
    z.literal(""),
    z.string().check(z.refine(isLogo, { error: "must be an https URL, without user or fragment" })),
  ]),
  BRAND_COLOR: z.union([
    z.literal(""),
    z.string().check(z.regex(/^#[0-9a-f]{6}$/i, "must be a colour such as #3149c6")),
  ]),
});

export type BrandSettings = z.output<typeof brandSettings>;

function isLogo(value: string): boolean {
  if (value.length > MAX_URL_LENGTH || !/^https:\/\/\S+$/.test(value) || !URL.canParse(value)) return false;
  const { username, password, hash } = new URL(value);
  return username + password + hash === "";
}

/** How the pages look to be somebody's. */
export interface Brand {
  name: string;
  /** `null`: the drawn mark. */
  logoUrl: string | null;
  /** Of the drawn mark and of what is to be done on a page; `null`: those of the style. */
  colors: { ground: string; ink: string } | null;
}

export function brandOf({ BRAND_NAME, BRAND_LOGO_URL, BRAND_COLOR }: BrandSettings): Brand {
  return {
    name: BRAND_NAME,
    logoUrl: BRAND_LOGO_URL === "" ? null : BRAND_LOGO_URL,
    colors: BRAND_COLOR === "" ? null : { ground: BRAND_COLOR, ink: inkOn(BRAND_COLOR) },
  };
}

/** Black or white: one of them has a contrast of more than 4.5 on any colour (WCAG 2.2, 1.4.3). */
function inkOn(ground: string): string {
  const light = luminance(ground);
  return (1 + 0.05) / (light + 0.05) > (light + 0.05) / 0.05 ? "#ffffff" : "#000000";
}

/** Relative luminance of `#rrggbb` (WCAG 2.2). */
function luminance(color: string): number {
  const light = (at: number) => {
    const share = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * light(1) + 0.7152 * light(3) + 0.0722 * light(5);
}

/** The tokens of the style that are the brand's, in light and in dark. */
export function brandStyle({ colors }: Brand): string {
  return colors === null ? "" : `:root{--accent:${colors.ground};--on-accent:${colors.ink}}`;
}
