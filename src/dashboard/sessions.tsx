import { Hono } from "hono";
import type { DashboardCookies } from "./cookies.ts";
import { companyOf, type VisitorVariables } from "./guard.ts";
import { SessionsPage } from "./pages/sessions.tsx";
import { page } from "./pages.tsx";
import type { Sessions } from "./session.ts";
import type { Site } from "./site.ts";
import { wordsOf } from "./words/words.ts";

export interface SessionRouteParts {
  site: Site;
  cookies: Pick<DashboardCookies, "company">;
  sessions: Pick<Sessions, "ofPerson" | "endOthers">;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Where somebody is signed in, below the first page of the site. Wants `requireSession` before it. */
export function sessionRoutes({ site, cookies, sessions, now }: SessionRouteParts) {
  const path = `${site.home}/sessions`;
  return new Hono<{ Variables: VisitorVariables }>()
    .get("/sessions", async (c) => {
      const of = site.words === "operator" ? "operator" : await companyOf(c, c.var.token, cookies);
      if (of !== undefined) c.set("visitorOf", of);
      const all = await sessions.ofPerson(c.var.secret);
      const done = c.req.query("done") !== undefined;
      const body = <SessionsPage site={site} sessions={all} done={done} now={now()} />;
      return page(c, wordsOf(c).text.sessions.title, body);
    })

    .post("/sessions/end-others", async (c) => {
      await sessions.endOthers(c.var.secret);
      return c.redirect(`${path}?done=1`, 303);
    });
}

/** The first that a browser's own name for itself names: others name these too. */
const BROWSERS = [
  ["Edg", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
] as const;
const SYSTEMS = [
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Android", "Android"],
  ["Windows", "Windows"],
  ["Mac OS X", "macOS"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
] as const;

/** `Firefox, Linux`: enough to know a session again; empty where the browser says nothing that is known. */
export function browserOf(userAgent = ""): string {
  const found = [BROWSERS, SYSTEMS].map((names) => names.find(([part]) => userAgent.includes(part))?.[1]);
  return found.filter(Boolean).join(", ");
}
