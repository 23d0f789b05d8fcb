import { Hono } from "hono";
import { trimTrailingSlash } from "hono/trailing-slash";
import { MAX_BODY_BYTES, wholeBody } from "../http/body.ts";
import { callerOf, rateLimit } from "../http/limit.ts";
import type { Background } from "../lib/background.ts";
import type { Login } from "../oauth/login.ts";
import type { TokenVerifier } from "../oauth/token.ts";
import { dashboardCookies } from "./cookies.ts";
import { companyRules, requireSession, type SessionVariables, sameOrigin, secureOrigin } from "./guard.ts";
import { keyRoutes } from "./key.tsx";
import { newKeyRoutes } from "./new-key.tsx";
import { once } from "./once.ts";
import { errorPages, pageHeaders } from "./pages.tsx";
import { companyRoutes, type DashboardParts } from "./routes.tsx";
import type { Seal } from "./seal.ts";
import { sessions } from "./session.ts";
import { signInRoutes } from "./sign-in.tsx";
import { sessionStore } from "./store.ts";

export interface DashboardOptions extends Omit<DashboardParts, "cookies" | "once"> {
  seal: Seal;
  login: Login;
  verifyToken: TokenVerifier;
  wait: (milliseconds: number) => Promise<unknown>;
  background: Background;
  /** Of requests of one person. */
  limiter: RateLimit | undefined;
  /** Of sign-ins from one address. */
  signInLimiter: RateLimit | undefined;
}

/** The pages for people, below `/dashboard`. */
export function dashboard(options: DashboardOptions) {
  const parts = {
    ...options,
    cookies: dashboardCookies(options.seal),
    once: once(options.databases.first),
    sessions: sessions({ ...options, store: sessionStore(options.databases.first) }),
  };
  return new Hono<{ Variables: SessionVariables }>()
    .use(trimTrailingSlash({ alwaysRedirect: true }))
    .use(pageHeaders, errorPages, secureOrigin, sameOrigin, wholeBody(MAX_BODY_BYTES))
    .route("/", signInRoutes(parts))
    .use(requireSession(parts))
    .use(rateLimit<{ Variables: SessionVariables }>(options.limiter, callerOf))
    .use(companyRules(options.keys))
    .route("/", companyRoutes(parts))
    .route("/", newKeyRoutes(parts))
    .route("/", keyRoutes(parts));
}
