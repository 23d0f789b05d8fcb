import { Hono } from "hono";
import { trimTrailingSlash } from "hono/trailing-slash";
import { MAX_BODY_BYTES, wholeBody } from "../http/body.ts";
import { rateLimit } from "../http/limit.ts";
import { sameOrigin, secureOrigin } from "./guard.ts";
import { errorPages, pageHeaders } from "./pages.tsx";
import { type DashboardParts, dashboardRoutes } from "./routes.tsx";
import { requireSession, type SessionParts, type SessionVariables } from "./session.ts";
import { signInRoutes } from "./sign-in.tsx";

export interface DashboardOptions extends DashboardParts, SessionParts {
  cookies: SessionParts["cookies"];
  /** Of requests of one person. */
  limiter: RateLimit | undefined;
}

/** The pages for people, below `/dashboard`. */
export function dashboard(parts: DashboardOptions) {
  return new Hono<{ Variables: SessionVariables }>()
    .use(trimTrailingSlash({ alwaysRedirect: true }))
    .use(pageHeaders, errorPages, secureOrigin, sameOrigin, wholeBody(MAX_BODY_BYTES))
    .route("/", signInRoutes(parts))
    .use(requireSession(parts))
    .use(rateLimit<{ Variables: SessionVariables }>(parts.limiter))
    .route("/", dashboardRoutes(parts));
}
