import type { Context, MiddlewareHandler } from "hono";
import { ApiError } from "../http/errors.ts";
import type { CompanyRules } from "../keys/rules.ts";
import type { KeyService } from "../keys/service.ts";
import { isSecureUrl } from "../lib/settings.ts";
import type { BearerVariables } from "../oauth/bearer.ts";
import { type AccessToken, mayUse } from "../oauth/token.ts";
import type { Brand } from "./brand.ts";
import type { DashboardCookies } from "./cookies.ts";
import { companiesFor, type Sessions } from "./session.ts";
import type { Site } from "./site.ts";
import { signInAgain } from "./tokens.ts";

/** Of somebody who is signed in. */
export interface VisitorVariables {
  site: Site;
  brand: Brand;
  token: AccessToken;
  /** Of the session. */
  secret: string;
  /** How people call who is signed in. */
  visitorName: string;
  /** Page to go to after signing in, where a form was kept. */
  resumeAt: string | undefined;
  /** For whom they act, once that is known. */
  visitorOf: string;
}

export interface SessionVariables extends VisitorVariables, BearerVariables {
  /** Of the company. */
  rules: CompanyRules;
}

/** Hono middleware: tells the pages which site they are of, and whose. */
export function onSite(site: Site, brand: Brand): MiddlewareHandler<{ Variables: VisitorVariables }> {
  return async function onSite(c, next) {
    c.set("site", site);
    c.set("brand", brand);
    return next();
  };
}

const SAFE_METHOD = /^(GET|HEAD|OPTIONS)$/;

/**
 * Hono middleware: what changes something comes from a page of this origin, whatever its content type. Browsers say
 * so in Sec-Fetch-Site, older ones in Origin.
 */
export const sameOrigin: MiddlewareHandler = async function sameOrigin(c, next) {
  const site = c.req.header("Sec-Fetch-Site");
  const isOwn =
    site === undefined ? c.req.header("Origin") === new URL(c.req.url).origin : site === "same-origin";
  if (!isOwn && !SAFE_METHOD.test(c.req.method)) {
    throw new ApiError("FORBIDDEN", { message: "The form was sent by another site", reason: "csrf" });
  }
  return next();
};

/** Hono middleware: cookies without `Secure` are for loopback alone. */
export const secureOrigin: MiddlewareHandler = async function secureOrigin(c, next) {
  if (!isSecureUrl(c.req.url)) {
    throw new ApiError("FORBIDDEN", { message: "The dashboard needs https", reason: "plain_http" });
  }
  return next();
};

export interface SessionOptions {
  cookies: Pick<DashboardCookies, "session">;
  sessions: Pick<Sessions, "current">;
}

/** Hono middleware: lets a request pass only with a session, and sets `c.var.token` with what belongs to it. */
export function requireSession({
  cookies,
  sessions,
}: SessionOptions): MiddlewareHandler<{ Variables: VisitorVariables }> {
  return async function requireSession(c, next) {
    const kept = await cookies.session.read(c);
    if (kept === null) throw signInAgain("UNAUTHORIZED", "missing");
    const { tokens, token } = await sessions.current(kept.secret);
    c.set("token", token);
    c.set("secret", kept.secret);
    c.set("visitorName", tokens.name ?? token.subject);
    return next();
  };
}

/** Path of the page where somebody of several companies chooses one. */
export const ORGANIZATIONS = "/dashboard/organizations";

/** The company that whoever has this token acts for: of several, the one that was chosen. `undefined`: none was. */
export async function companyOf(
  c: Context,
  token: AccessToken,
  cookies: Pick<DashboardCookies, "company">,
): Promise<string | undefined> {
  const companies = companiesFor(token);
  const chosen = companies.length > 1 ? (await cookies.company.read(c))?.id : companies[0];
  return companies.find((id) => id === chosen);
}

/** Hono middleware: sets `c.var.principal`, who acts for a company. Wants `requireSession` before it. */
export function requireCompany(
  cookies: Pick<DashboardCookies, "company">,
): MiddlewareHandler<{ Variables: SessionVariables }> {
  return async function requireCompany(c, next) {
    const { issuer, subject } = c.var.token;
    const companyId = await companyOf(c, c.var.token, cookies);
    if (companyId === undefined) return c.redirect(ORGANIZATIONS, 303);
    c.set("principal", { companyId, issuer, subject });
    c.set("visitorOf", companyId);
    return next();
  };
}

/** Hono middleware: what the company may, for the pages. Wants `requireCompany` before it. */
export function companyRules(
  keys: Pick<KeyService, "rules">,
): MiddlewareHandler<{ Variables: SessionVariables }> {
  return async function companyRules(c, next) {
    c.set("rules", await keys.rules(c.var.principal.companyId));
    return next();
  };
}

/** Hono middleware. @throws ApiError `FORBIDDEN` where the access token does not have `scope`. */
export function requireScope(scope: string): MiddlewareHandler<{ Variables: VisitorVariables }> {
  return async function requireScope(c, next) {
    refuseWithout(scope, c.var.token);
    return next();
  };
}

/** @throws ApiError `FORBIDDEN` where the access token does not have `scope`. */
export function refuseWithout(scope: string, token: AccessToken): void {
  if (mayUse(token, scope)) return;
  throw new ApiError("FORBIDDEN", { message: `Missing scope: ${scope}`, reason: "insufficient_scope" });
}
