import { Hono } from "hono";
import { setCookie } from "hono/cookie";
import { YEAR_SECONDS } from "../lib/time.ts";
import { isSecure } from "./cookies.ts";
import { formOf, textOf } from "./form.ts";
import { ownPage } from "./sign-in.tsx";
import type { Site } from "./site.ts";
import { LANGUAGE_COOKIE, LANGUAGES } from "./words/words.ts";

/** The choice that each page offers, below the first page of the site. An unknown language changes nothing. */
export function languageRoutes({ home }: Site) {
  return new Hono().post("/language", async (c) => {
    const data = await formOf(c);
    const language = LANGUAGES.find((one) => one === textOf(data, "language"));
    if (language !== undefined) {
      setCookie(c, LANGUAGE_COOKIE, language, {
        path: "/",
        httpOnly: true,
        sameSite: "Lax",
        secure: isSecure(c),
        maxAge: YEAR_SECONDS,
      });
    }
    return c.redirect(ownPage(textOf(data, "to"), c.req.url, home), 303);
  });
}
