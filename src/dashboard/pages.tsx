import type { Context, MiddlewareHandler } from "hono";
import { accepts } from "hono/accepts";
import type { Child } from "hono/jsx";
import { NONCE, secureHeaders } from "hono/secure-headers";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ErrorEnvelope } from "../http/errors.ts";
import type { Brand } from "./brand.ts";
import { takeDone } from "./done.ts";
import { ORGANIZATIONS, type SessionVariables, type VisitorVariables } from "./guard.ts";
import { Layout } from "./pages/layout.tsx";
import { ContinuePage, ErrorPage } from "./pages/message.tsx";
import type { Site } from "./site.ts";
import { refusalIn } from "./words/wire.ts";
import { InWords, wordsOf } from "./words/words.ts";

/** Hono middleware: what a page may load, which is next to nothing. */
export function pageHeaders({ logoUrl }: Brand): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: [NONCE],
      styleSrc: ["'self'", NONCE],
      imgSrc: ["data:", ...(logoUrl === null ? [] : [new URL(logoUrl).origin])],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    strictTransportSecurity: false, // the app's own
  });
}

interface PageOptions {
  status?: ContentfulStatusCode;
  /** Where the browser goes by itself, at once. */
  refresh?: string;
  /** Whether it is shown this once. */
  once?: boolean;
}

/** A page, with who is signed in, if somebody is. Wants `onSite` before it. */
export function page(c: Context, title: string, body: Child, options: PageOptions = {}) {
  const { status = 200, refresh } = options;
  const name: VisitorVariables["visitorName"] | undefined = c.var.visitorName;
  const of: VisitorVariables["visitorOf"] | undefined = c.var.visitorOf;
  const rules: SessionVariables["rules"] | undefined = c.var.rules;
  const token: VisitorVariables["token"] | undefined = c.var.token;
  const choice =
    (token?.companies.length ?? 0) > 1 && siteOf(c).words === "company" ? ORGANIZATIONS : undefined;
  const visitor = of && name ? { name, of, choice } : undefined;
  const words = wordsOf(c);
  const said = status === 200 ? takeDone(c, words.text) : undefined;
  c.header("Vary", "Accept, Accept-Language, Cookie");
  return c.html(
    <InWords value={words}>
      <Layout
        site={siteOf(c)}
        brand={c.var.brand}
        path={c.req.path}
        again={againOf(c, options)}
        title={title}
        nonce={c.var.secureHeadersNonce}
        visitor={visitor}
        suspension={rules?.suspension}
        done={said}
        refresh={refresh}
      >
        {body}
      </Layout>
    </InWords>,
    status,
  );
}

function siteOf(c: Context): Site {
  return c.var.site;
}

/** Path of a page that is there when it is asked for again. What is refused may hold a key, which is not said again. */
function againOf({ req }: Context, { status = 200, once = false }: PageOptions): string | undefined {
  const { pathname, search } = new URL(req.url);
  return req.method === "GET" && status === 200 && !once ? pathname + search : undefined;
}

/**
 * A page that goes on to `to` by itself. Its cookies are sent along, which a redirect would leave out where
 * another site led here: they are `SameSite=Strict`.
 */
export function continuePage(c: Context, to: string, title: string) {
  return page(c, title, <ContinuePage to={to} title={title} />, { refresh: to });
}

/** Whether somebody asks for a page by name: what takes anything is a program. */
export function asksForPages(c: Context): boolean {
  return accepts(c, { header: "Accept", supports: ["text/html"], default: "" }) !== "";
}

/** Hono middleware: an error is a page for whoever asks for pages, and the way to sign in where that is missing. */
export const errorPages: MiddlewareHandler = async function errorPages(c, next) {
  await next();
  const isEnvelope = c.res.headers.get("Content-Type")?.startsWith("application/json");
  if (c.res.status < 400 || !isEnvelope || !asksForPages(c)) return;
  const error: ErrorEnvelope = await c.res.json();
  const site = siteOf(c);
  const reads = c.req.method === "GET";
  const { pathname, search } = new URL(c.req.url);
  if (error.status !== 401) {
    c.res = await page(c, refusalIn(wordsOf(c).text, error), <ErrorPage site={site} error={error} />, {
      status: c.res.status as ContentfulStatusCode,
    });
  } else if (reads && c.req.header("Sec-Fetch-Site") === "cross-site") {
    c.res = await continuePage(c, pathname + search, wordsOf(c).text.signIn.oneMoment);
  } else {
    // What changes something stands below the page that has its form.
    const formPage = c.var.resumeAt ?? pathname.slice(0, pathname.lastIndexOf("/"));
    const query = new URLSearchParams({ to: reads ? pathname + search : formPage });
    if (error.error === "TOKEN_EXPIRED") query.set("ended", "1");
    c.res = c.redirect(`${site.home}/sign-in?${query}`, 303);
  }
};
