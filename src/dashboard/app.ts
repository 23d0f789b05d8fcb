import { Hono } from "hono";
import { trimTrailingSlash } from "hono/trailing-slash";
import { MAX_BODY_BYTES, wholeBody } from "../http/body.ts";
import { callerOf, rateLimit } from "../http/limit.ts";
import type { Background } from "../lib/background.ts";
import type { Login } from "../oauth/login.ts";
import type { TokenVerifier } from "../oauth/token.ts";
import type { Brand } from "./brand.ts";
import { type DashboardCookies, dashboardCookies } from "./cookies.ts";
import { eventRoutes } from "./events.tsx";
import {
  companyRules,
  onSite,
  requireCompany,
  requireSession,
  type SessionVariables,
  sameOrigin,
  secureOrigin,
  type VisitorVariables,
} from "./guard.ts";
import { keptForm } from "./kept-form.ts";
import { keyRoutes } from "./key.tsx";
import { languageRoutes } from "./language.ts";
import { newKeyRoutes } from "./new-key.tsx";
import { once } from "./once.ts";
import { organizationRoutes } from "./organizations.tsx";
import { errorPages, pageHeaders } from "./pages.tsx";
import { companyRoutes, type DashboardParts } from "./routes.tsx";
import type { Seal } from "./seal.ts";
import { companiesFor, type SessionsParts, sessions } from "./session.ts";
import { sessionRoutes } from "./sessions.tsx";
import { severalRoutes } from "./several.tsx";
import { signInRoutes } from "./sign-in.tsx";
import type { Site } from "./site.ts";
import { sessionStore } from "./store.ts";
import { detectLanguage } from "./words/words.ts";

const SITE: Site = {
  home: "/dashboard",
  words: "company",
  pages: [
    { name: "keys", path: "/dashboard" },
    { name: "events", path: "/dashboard/events" },
  ],
  cookies: "",
  audienceSetting: "OAUTH_AUDIENCE",
};

export interface SignedInOptions {
  /** The first of the databases keeps the sessions. */
  databases: Pick<DashboardParts["databases"], "first">;
  brand: Brand;
  seal: Seal;
  login: Login;
  verifyToken: TokenVerifier;
  form: DashboardParts["form"];
  /** Milliseconds since the epoch. */
  now: () => number;
  wait: (milliseconds: number) => Promise<unknown>;
  background: Background;
  /** Of requests of one person. */
  limiter: RateLimit | undefined;
  /** Of sign-ins from one address. */
  signInLimiter: RateLimit | undefined;
}

/**
 * The sign-in of a site, and what every page of it is behind. What comes next has somebody who is signed in.
 *
 * @param admit - Throws ApiError `FORBIDDEN` where an access token that is good is none of a visitor here.
 */
export function signedIn(
  site: Site,
  admit: SessionsParts["admit"],
  options: SignedInOptions & { cookies: DashboardCookies },
) {
  const { first } = options.databases;
  const { audienceSetting } = site;
  const parts = {
    ...options,
    site,
    once: once(first),
    sessions: sessions({ ...options, store: sessionStore(first), admit, audienceSetting }),
  };
  return new Hono<{ Variables: VisitorVariables }>()
    .use(trimTrailingSlash({ alwaysRedirect: true }))
    .use(onSite(site, options.brand), detectLanguage, pageHeaders(options.brand), errorPages)
    .use(secureOrigin, sameOrigin, wholeBody(MAX_BODY_BYTES))
    .route("/", languageRoutes(site))
    .route("/", signInRoutes(parts))
    .use(keptForm(parts))
    .use(requireSession(parts))
    .route("/", sessionRoutes(parts));
}

export type DashboardOptions = SignedInOptions & Omit<DashboardParts, "cookies" | "once">;

/** The pages for a company's people, below `/dashboard`. */
export function dashboard(options: DashboardOptions): Hono<{ Variables: SessionVariables }> {
  const cookies = dashboardCookies(options.seal, SITE.cookies);
  const parts = { ...options, cookies, once: once(options.databases.first) };
  return new Hono<{ Variables: SessionVariables }>()
    .route("/", signedIn(SITE, companiesFor, parts))
    .route("/", organizationRoutes(parts))
    .use(requireCompany(cookies))
    .use(rateLimit<{ Variables: SessionVariables }>(options.limiter, callerOf))
    .use(companyRules(options.keys))
    .route("/", companyRoutes(parts))
    .route("/", eventRoutes(parts))
    .route("/", severalRoutes(parts))
    .route("/", newKeyRoutes(parts))
    .route("/", keyRoutes(parts));
}
