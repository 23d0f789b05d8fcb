import type { MiddlewareHandler } from "hono";
import * as z from "zod";
import { ApiError } from "../http/errors.ts";
import type { BearerVariables, Principal } from "../oauth/bearer.ts";
import { IssuerUnavailableError } from "../oauth/jwks.ts";
import type { Login, Tokens } from "../oauth/login.ts";
import { type AccessToken, TokenError, type TokenVerifier } from "../oauth/token.ts";
import { type SealedCookie, sealedCookie } from "./cookies.ts";
import type { Seal } from "./seal.ts";

/** After this somebody signs in again, however often the tokens were renewed. */
const SESSION_SECONDS = 12 * 3600;
/** From the way to the issuer until the way back. */
const LOGIN_SECONDS = 15 * 60;
/** From the creation of a key until it is shown. */
const REVEAL_SECONDS = 60;

const sessionSchema = z.object({
  accessToken: z.string(),
  refreshToken: z.string().nullable(),
  name: z.string().nullable(),
  logoutHint: z.string().nullable(),
  /** Milliseconds since the epoch. */
  endsAt: z.number(),
});

export type Session = z.output<typeof sessionSchema>;

const pendingSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  /** The page to go to afterwards. */
  returnTo: z.string(),
});

const revealSchema = z.object({
  id: z.string(),
  /** `null`: it was shown. */
  rawKey: z.string().nullable(),
});

/** What the browser keeps. */
export interface DashboardCookies {
  session: SealedCookie<Session>;
  pending: SealedCookie<z.output<typeof pendingSchema>>;
  /** A new key, on its way to the one page that shows it. */
  reveal: SealedCookie<z.output<typeof revealSchema>>;
}

export function dashboardCookies(seal: Seal): DashboardCookies {
  return {
    session: sealedCookie(seal, {
      name: "session",
      schema: sessionSchema,
      sameSite: "Strict",
      maxAgeSeconds: SESSION_SECONDS,
    }),
    // The issuer sends people back here from its own site.
    pending: sealedCookie(seal, {
      name: "login",
      schema: pendingSchema,
      sameSite: "Lax",
      maxAgeSeconds: LOGIN_SECONDS,
    }),
    reveal: sealedCookie(seal, {
      name: "reveal",
      schema: revealSchema,
      sameSite: "Strict",
      maxAgeSeconds: REVEAL_SECONDS,
    }),
  };
}

/**
 * Starts a session, or renews `old`: what an issuer does not send again stays.
 *
 * @param now - Milliseconds since the epoch.
 */
export function sessionOf(tokens: Tokens, now: number, old?: Session): Session {
  return {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken ?? old?.refreshToken ?? null,
    name: tokens.name ?? old?.name ?? null,
    logoutHint: tokens.logoutHint ?? old?.logoutHint ?? null,
    endsAt: old?.endsAt ?? now + SESSION_SECONDS * 1000,
  };
}

export interface SessionVariables extends BearerVariables {
  token: AccessToken;
  /** How people call who is signed in. */
  visitorName: string;
}

export interface SessionParts {
  cookies: DashboardCookies;
  login: Login;
  verifyToken: TokenVerifier;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/**
 * Hono middleware: lets a request pass only with a session whose access token is good, and sets
 * `c.var.principal` with what belongs to it. A token that has expired is renewed where the issuer has
 * given the means.
 */
export function requireSession(parts: SessionParts): MiddlewareHandler<{ Variables: SessionVariables }> {
  const { cookies, login, verifyToken, now } = parts;

  async function renewed(session: Session): Promise<Session> {
    if (session.refreshToken === null) throw signInAgain("TOKEN_EXPIRED", "expired");
    try {
      return sessionOf(await login.refresh(session.refreshToken), now(), session);
    } catch (error) {
      const refused = error instanceof ApiError && error.code === "UNAUTHORIZED";
      throw refused ? signInAgain("TOKEN_EXPIRED", error.reason) : error;
    }
  }

  return async function requireSession(c, next) {
    const found = await cookies.session.read(c);
    if (found === null) throw signInAgain("UNAUTHORIZED", "missing");
    if (found.endsAt <= now()) throw signInAgain("TOKEN_EXPIRED", "session");
    let session = found;
    let token = await checked(verifyToken, session.accessToken);
    if (token === "expired") {
      session = await renewed(found);
      token = await checked(verifyToken, session.accessToken);
    }
    if (token === "expired") throw signInAgain("TOKEN_EXPIRED", "expired");
    c.set("principal", principalOf(token));
    c.set("token", token);
    c.set("visitorName", session.name ?? token.subject);
    await next();
    if (session !== found) await cookies.session.write(c, session);
  };
}

/** @throws ApiError `UNAUTHORIZED` for what is not good and never was; `UNAVAILABLE`. */
export async function checked(
  verifyToken: TokenVerifier,
  accessToken: string,
): Promise<AccessToken | "expired"> {
  try {
    return await verifyToken(accessToken);
  } catch (error) {
    if (error instanceof IssuerUnavailableError) throw new ApiError("UNAVAILABLE", { reason: "jwks" });
    if (!(error instanceof TokenError)) throw error;
    if (error.expired) return "expired";
    throw signInAgain("UNAUTHORIZED", error.message);
  }
}

/** @throws ApiError `FORBIDDEN` where the token names no company. */
export function principalOf({ issuer, subject, companyId }: AccessToken): Principal {
  if (companyId === null) {
    throw new ApiError("FORBIDDEN", {
      message: "Your account belongs to no company",
      reason: "company_claim",
    });
  }
  return { companyId, issuer, subject };
}

function signInAgain(code: "UNAUTHORIZED" | "TOKEN_EXPIRED", reason: string | undefined): ApiError {
  return new ApiError(code, {
    message: code === "UNAUTHORIZED" ? "Sign in first" : "The session has ended",
    headers: { "WWW-Authenticate": 'Cookie realm="latchkey"' },
    ...(reason !== undefined && { reason }),
  });
}
