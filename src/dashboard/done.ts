import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import { isSecure } from "./cookies.ts";
import type { Site } from "./site.ts";
import type { Messages } from "./words/en.ts";

const COOKIE = "latchkey-done";
/** From the act until the page that says so. */
const DONE_SECONDS = 60;
const DONE = /^([a-zA-Z]{1,32})\.(\d{1,6})$/;

/** Something that was done, to so many. */
export type Done = { act: keyof Messages["done"]; count: number };

/** Leads to a page of the site, which says what was done. */
export function done(c: Context, act: Done["act"], to: string, count = 1): Response {
  setCookie(c, COOKIE, `${act}.${count}`, { ...attributes(c), maxAge: DONE_SECONDS });
  return c.redirect(to, 303);
}

/** What was done before this page, which is said once. */
export function takeDone(c: Context, { done }: Messages): string | undefined {
  const [, act = "", count] = DONE.exec(getCookie(c, COOKIE) ?? "") ?? [];
  if (!Object.hasOwn(done, act)) return undefined;
  deleteCookie(c, COOKIE, attributes(c));
  return done[act as Done["act"]](Number(count));
}

function attributes(c: Context): CookieOptions {
  const { home }: Site = c.var.site;
  return { path: home, httpOnly: true, sameSite: "Strict", secure: isSecure(c) };
}
