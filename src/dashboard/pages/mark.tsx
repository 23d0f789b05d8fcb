import { raw } from "hono/html";
import type { Brand } from "../brand.ts";

/** A key in a square of the accent's colour. The same drawing is the icon of the pages and stands before the name. */
const DRAWING = (ground: string, ink: string) =>
  `<rect width="24" height="24" rx="6" fill="${ground}"/><g fill="none" stroke="${ink}" stroke-width="2" stroke-linecap="round"><circle cx="8.5" cy="12" r="3"/><path d="M11.5 12H19M16 12v3.5M19 12v2.5"/></g>`;

/** As a data URL: no request is made for it. */
export function iconOf({ colors }: Brand): string {
  const { ground, ink } = colors ?? { ground: "#3149c6", ink: "#fff" };
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${DRAWING(ground, ink)}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** The logo, or the drawing where there is none. The name stands beside it. */
export function Mark({ brand: { logoUrl } }: { brand: Brand }) {
  if (logoUrl !== null) return <img class="logo" src={logoUrl} alt="" />;
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      {raw(DRAWING("var(--accent)", "var(--on-accent)"))}
    </svg>
  );
}
