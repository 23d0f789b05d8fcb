import { raw } from "hono/html";

/** A key in a square of the accent's colour. The same drawing is the icon of the pages and stands before the name. */
const DRAWING = (ground: string, ink: string) =>
  `<rect width="24" height="24" rx="6" fill="${ground}"/><g fill="none" stroke="${ink}" stroke-width="2" stroke-linecap="round"><circle cx="8.5" cy="12" r="3"/><path d="M11.5 12H19M16 12v3.5M19 12v2.5"/></g>`;

/** As a data URL: no request is made for it. */
export const ICON = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${DRAWING("#3149c6", "#fff")}</svg>`,
)}`;

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      {raw(DRAWING("var(--accent)", "var(--on-accent)"))}
    </svg>
  );
}
