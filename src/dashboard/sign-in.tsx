import { Hono } from "hono";
import { ApiError } from "../http/errors.ts";
import { countOrRefuse } from "../http/limit.ts";
import { networkOf } from "../lib/address.ts";
import type { Login, PendingLogin, Tokens } from "../oauth/login.ts";
import { type DashboardCookies, LOGIN_SECONDS } from "./cookies.ts";
import type { VisitorVariables } from "./guard.ts";
import type { Once } from "./once.ts";
import { SignInPage } from "./pages/message.tsx";
import { continuePage, page } from "./pages.tsx";
import type { Sessions } from "./session.ts";
import { browserOf } from "./sessions.tsx";
import type { Site } from "./site.ts";
import { wordsOf } from "./words/words.ts";

/** A longer way would make a cookie larger than the 4,096 bytes that browsers keep (RFC 6265 §6.1). */
const MAX_PATH_CHARACTERS = 1_000;
const STATE = /^[\w-]{1,80}$/;

export interface SignInParts {
  site: Site;
  cookies: DashboardCookies;
  sessions: Pick<Sessions, "start" | "end" | "forget">;
  login: Login;
  once: Once;
  signInLimiter: RateLimit | undefined;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Signing in and out, below the first page of the site. */
export function signInRoutes({ site, cookies, sessions, login, once, signInLimiter, now }: SignInParts) {
  const { home } = site;
  const callbackUrl = (url: string) => `${new URL(url).origin}${home}/callback`;

  return new Hono<{ Variables: VisitorVariables }>()
    .get("/sign-in", async (c) => {
      const returnTo = ownPage(c.req.query("to"), c.req.url, home);
      const ended = c.req.query("ended") !== undefined;
      const kept = (await cookies.form.read(c)) !== null;
      const body = <SignInPage site={site} returnTo={returnTo} ended={ended} kept={kept} />;
      return page(c, wordsOf(c).text.signIn.title, body);
    })

    .get("/sign-in/issuer", async (c) => {
      const returnTo = ownPage(c.req.query("to"), c.req.url, home);
      const { url, pending } = await login.begin(callbackUrl(c.req.url), {
        another: c.req.query("another") !== undefined,
      });
      await cookies.login.write(c, { ...pending, returnTo }, pending.state);
      return c.redirect(url.href);
    })

    .get("/callback", async (c) => {
      const state = c.req.query("state") ?? "";
      const pending = STATE.test(state) ? await cookies.login.read(c, state) : null;
      if (pending === null) throw notBegun();
      const address = c.req.header("CF-Connecting-IP");
      if (address) await countOrRefuse(signInLimiter, `sign-in ${networkOf(address)}`);
      // The cookie may have been copied: the issuer is asked once.
      if (!(await once(`login ${state}`, now() + LOGIN_SECONDS * 1000))) throw notBegun();
      cookies.login.clear(c, state);
      const tokens = await completed(login, c.req.url, callbackUrl(c.req.url), pending);
      const before = await cookies.session.read(c);
      const secret = await sessions.start(tokens, browserOf(c.req.header("User-Agent")));
      if (before !== null) await sessions.forget(before.secret);
      await cookies.session.write(c, { secret });
      return continuePage(c, pending.returnTo, wordsOf(c).text.signIn.signedIn);
    })

    .post("/sign-out", async (c) => {
      const kept = await cookies.session.read(c);
      const tokens = kept && (await sessions.end(kept.secret));
      cookies.clear(c);
      const { origin } = new URL(c.req.url);
      // Who is signed out here need not wait for an issuer that is out of reach.
      const end = await login.end(tokens?.logoutHint ?? null, `${origin}${home}/sign-in`).catch(() => null);
      return end === null
        ? c.redirect(`${home}/sign-in`, 303)
        : continuePage(c, end.href, wordsOf(c).text.signIn.signedOut);
    });
}

function notBegun(): ApiError {
  return new ApiError("BAD_REQUEST", {
    message: "This sign-in was not begun here, was used already, or took too long",
  });
}

/** A refusal by the issuer is shown as what it is, not answered by another way to the issuer. */
async function completed(
  login: Login,
  url: string,
  redirectUri: string,
  pending: PendingLogin,
): Promise<Tokens> {
  try {
    return await login.complete(new URL(url), redirectUri, pending);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "UNAUTHORIZED") throw error;
    const { message, reason } = error;
    throw new ApiError("BAD_REQUEST", { message, ...(reason !== undefined && { reason }) });
  }
}

/** A page of this site, never of another one. */
export function ownPage(path: string | undefined, here: string, home: string): string {
  const { origin } = new URL(here);
  if (path === undefined || !URL.canParse(path, origin)) return home;
  const url = new URL(path, origin);
  const isOwn = url.origin === origin && (url.pathname === home || url.pathname.startsWith(`${home}/`));
  const own = url.pathname + url.search;
  return isOwn && own.length <= MAX_PATH_CHARACTERS ? own : home;
}
