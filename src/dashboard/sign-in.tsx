import { Hono } from "hono";
import { ApiError } from "../http/errors.ts";
import { describeFault } from "../lib/fault.ts";
import type { Login } from "../oauth/login.ts";
import { SignInPage } from "./pages/message.tsx";
import { continuePage, page } from "./pages.tsx";
import { checked, principalOf, type SessionParts, type SessionVariables, sessionOf } from "./session.ts";

const HOME = "/dashboard";

/** Signing in and out, below `/dashboard`. */
export function signInRoutes({ cookies, login, verifyToken, now }: SessionParts) {
  return new Hono<{ Variables: Partial<SessionVariables> }>()
    .get("/sign-in", (c) => {
      const returnTo = ownPage(c.req.query("to"), c.req.url);
      const body = <SignInPage returnTo={returnTo} ended={c.req.query("ended") !== undefined} />;
      return page(c, "Sign in", body);
    })

    .get("/sign-in/issuer", async (c) => {
      const returnTo = ownPage(c.req.query("to"), c.req.url);
      const { url, pending } = await login.begin(callbackUrl(c.req.url));
      await cookies.pending.write(c, { ...pending, returnTo });
      return c.redirect(url.href);
    })

    .get("/callback", async (c) => {
      const pending = await cookies.pending.read(c);
      if (pending === null) {
        throw new ApiError("BAD_REQUEST", { message: "This sign-in was not begun here, or took too long" });
      }
      cookies.pending.clear(c);
      const tokens = await completed(login, new URL(c.req.url), pending);
      const token = await checked(verifyToken, tokens.accessToken).catch((error) => {
        if (!(error instanceof ApiError) || error.code !== "UNAUTHORIZED") throw error;
        const reason = `OAUTH_AUDIENCE, OAUTH_TOKEN_TYPES, OAUTH_ALGORITHMS: ${error.reason}`;
        throw new ApiError("FORBIDDEN", {
          message: "The issuer’s access token is not accepted here",
          reason,
        });
      });
      if (token !== "expired") principalOf(token);
      await cookies.session.write(c, sessionOf(tokens, now()));
      return continuePage(c, pending.returnTo, "Signed in");
    })

    .post("/sign-out", async (c) => {
      const session = await cookies.session.read(c);
      for (const cookie of Object.values(cookies)) cookie.clear(c);
      if (session?.refreshToken) c.executionCtx.waitUntil(revoked(login, session.refreshToken));
      const { origin } = new URL(c.req.url);
      // Who is signed out here need not wait for an issuer that is out of reach.
      const end = await login.end(session?.logoutHint ?? null, `${origin}${HOME}/sign-in`).catch(() => null);
      return end === null ? c.redirect(`${HOME}/sign-in`, 303) : continuePage(c, end.href, "Signed out");
    });
}

/** A refusal by the issuer is shown as what it is, not answered by another way to the issuer. */
async function completed(login: Login, url: URL, pending: Parameters<Login["complete"]>[2]) {
  try {
    return await login.complete(url, callbackUrl(url.href), pending);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "UNAUTHORIZED") throw error;
    const { message, reason } = error;
    throw new ApiError("BAD_REQUEST", { message, ...(reason !== undefined && { reason }) });
  }
}

/** The session has ended here, whatever the issuer says. */
async function revoked(login: Login, refreshToken: string): Promise<void> {
  try {
    await login.revoke(refreshToken);
  } catch (fault) {
    const reason = fault instanceof ApiError ? fault.reason : describeFault(fault);
    console.warn(JSON.stringify({ event: "refresh_token_not_revoked", reason }));
  }
}

function callbackUrl(url: string): string {
  return `${new URL(url).origin}${HOME}/callback`;
}

/** A page of the dashboard, never of another site. */
function ownPage(path: string | undefined, here: string): string {
  const { origin } = new URL(here);
  if (path === undefined || !URL.canParse(path, origin)) return HOME;
  const url = new URL(path, origin);
  const isOwn = url.origin === origin && (url.pathname === HOME || url.pathname.startsWith(`${HOME}/`));
  return isOwn ? url.pathname + url.search : HOME;
}
