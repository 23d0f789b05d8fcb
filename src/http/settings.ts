import * as z from "zod/mini";
import { isSecureUrl, listOrNone } from "../lib/settings.ts";

/** Web pages that may call the management API from a browser, by their origin; none: no other origin may. */
export const originSettings = z.object({
  MANAGEMENT_ORIGINS: listOrNone.check(
    z.refine((origins) => origins.every(isOrigin), {
      error: "must be origins, such as https://app.example.com (http on loopback alone)",
    }),
  ),
});

/** Whether a browser would send exactly this as `Origin`. */
function isOrigin(value: string): boolean {
  return isSecureUrl(value) && !value.includes("*") && new URL(value).origin === value;
}
