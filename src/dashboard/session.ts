import { base64url } from "jose";
import * as z from "zod";
import { ApiError } from "../http/errors.ts";
import type { Background } from "../lib/background.ts";
import { describeFault } from "../lib/fault.ts";
import type { Principal } from "../oauth/bearer.ts";
import { IssuerUnavailableError } from "../oauth/jwks.ts";
import type { Login, Tokens } from "../oauth/login.ts";
import { type AccessToken, TokenError, type TokenVerifier } from "../oauth/token.ts";
import { SESSION_SECONDS } from "./cookies.ts";
import type { Seal } from "./seal.ts";
import type { SessionRow, SessionStore } from "./store.ts";

/** A renewal is done within this time, or another request tries. Longer than the issuer is waited for. */
const LEASE_MS = 15_000;
/** How often a request looks whether another one has renewed the tokens. */
const POLL_MS = 250;
/** 256 bits. */
const SECRET_BYTES = 32;

const tokensSchema = z.object({
  accessToken: z.string(),
  refreshToken: z.string().nullable(),
  name: z.string().nullable(),
  logoutHint: z.string().nullable(),
}) satisfies z.ZodType<Tokens>;

/** Somebody who is signed in. */
export interface Visitor {
  tokens: Tokens;
  /** What the access token says. */
  token: AccessToken;
}

/**
 * Sessions begin and end on the server: the browser keeps a secret, the database its digest beside the sealed tokens.
 *
 * All methods throw DatabaseError.
 */
export interface Sessions {
  /**
   * @returns the secret for the browser to keep.
   * @throws ApiError `FORBIDDEN` where the access token is not accepted here or not admitted; `UNAVAILABLE`.
   */
  start(tokens: Tokens): Promise<string>;
  /**
   * Tokens that have expired are renewed, by one request alone: many issuers take a refresh token once.
   *
   * @throws ApiError `TOKEN_EXPIRED` where the session has ended; `UNAUTHORIZED` where its token is not good here;
   *   `UNAVAILABLE` where the issuer does not answer.
   */
  current(secret: string): Promise<Visitor>;
  /** Also ends the refresh token at the issuer, behind the answer. @returns the tokens, if there was a session. */
  end(secret: string): Promise<Tokens | null>;
}

export interface SessionsParts {
  store: SessionStore;
  /** @throws ApiError `FORBIDDEN` where nobody is a visitor with this access token, though it is good. */
  admit: (token: AccessToken) => unknown;
  /** The setting that says what access tokens are for, for the log. */
  audienceSetting: string;
  seal: Seal;
  login: Pick<Login, "refresh" | "revoke">;
  verifyToken: TokenVerifier;
  /** Milliseconds since the epoch. */
  now: () => number;
  wait: (milliseconds: number) => Promise<unknown>;
  background: Background;
}

export function sessions(parts: SessionsParts): Sessions {
  const { store, admit, audienceSetting, seal, now, wait, background, ...issuer } = parts;
  const { verified, refreshed, drop } = issuedTokens({ ...issuer, background });
  const sealed = (id: string, tokens: Tokens, endsAt: number) =>
    seal.seal(`session ${id}`, tokens, Math.ceil((endsAt - now()) / 1000));
  const opened = async (row: SessionRow): Promise<Tokens | null> =>
    tokensSchema.safeParse(await seal.open(`session ${row.id}`, row.sealed)).data ?? null;

  /** By whoever has the lease. */
  async function renew({ id, endsAt }: SessionRow, renewer: string, tokens: Tokens): Promise<Visitor> {
    const fresh = await refreshed(tokens).catch(async (error: unknown) => {
      const isRefused =
        error instanceof ApiError && (error.code === "UNAUTHORIZED" || error.code === "TOKEN_EXPIRED");
      await (isRefused ? store.end(id) : store.release(id, renewer));
      throw isRefused ? signInAgain("TOKEN_EXPIRED", error.reason) : error;
    });
    const goesOn = await store.release(id, renewer, await sealed(id, fresh, endsAt));
    if (!goesOn) {
      drop(fresh);
      throw signInAgain("TOKEN_EXPIRED", "session");
    }
    const token = await verified(fresh.accessToken);
    if (token !== "expired") return { tokens: fresh, token };
    // It would be renewed by every request.
    await store.end(id);
    throw signInAgain("TOKEN_EXPIRED", "expired");
  }

  return {
    async start(tokens) {
      try {
        const token = await verified(tokens.accessToken);
        if (token === "expired") throw signInAgain("UNAUTHORIZED", "expired");
        admit(token);
        const secret = base64url.encode(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
        const id = await idOf(secret);
        const endsAt = now() + SESSION_SECONDS * 1000;
        const { issuer, subject } = token;
        await store.start({ id, issuer, subject, sealed: await sealed(id, tokens, endsAt), endsAt });
        return secret;
      } catch (error) {
        drop(tokens);
        if (!(error instanceof ApiError) || error.code !== "UNAUTHORIZED") throw error;
        const reason = `${audienceSetting}, OAUTH_TOKEN_TYPES, OAUTH_ALGORITHMS: ${error.reason}`;
        throw new ApiError("FORBIDDEN", {
          message: "The issuer’s access token is not accepted here",
          reason,
        });
      }
    },

    async current(secret) {
      const id = await idOf(secret);
      const giveUpAt = now() + LEASE_MS;
      for (;;) {
        const row = await store.find(id);
        const tokens = row && row.endsAt > now() ? await opened(row) : null;
        if (row === null || tokens === null) throw signInAgain("TOKEN_EXPIRED", "session");
        const token = await verified(tokens.accessToken);
        if (token !== "expired") return { tokens, token };
        const renewer = crypto.randomUUID();
        if (row.renewingUntil <= now() && (await store.lease(row, renewer, now(), now() + LEASE_MS))) {
          const work = renew(row, renewer, tokens);
          // It goes on where whoever asked has hung up.
          background(work.catch(() => undefined));
          return work;
        }
        if (now() >= giveUpAt) throw new ApiError("UNAVAILABLE", { reason: "renewal" });
        await wait(POLL_MS);
      }
    },

    async end(secret) {
      const row = await store.end(await idOf(secret));
      const tokens = row && (await opened(row));
      if (tokens !== null) drop(tokens);
      return tokens;
    },
  };
}

/** What the issuer says of tokens. */
function issuedTokens({
  login,
  verifyToken,
  background,
}: Pick<SessionsParts, "login" | "verifyToken" | "background">) {
  async function verified(accessToken: string): Promise<AccessToken | "expired"> {
    try {
      return await verifyToken(accessToken);
    } catch (error) {
      if (error instanceof IssuerUnavailableError) throw new ApiError("UNAVAILABLE", { reason: "jwks" });
      if (!(error instanceof TokenError)) throw error;
      if (error.expired) return "expired";
      throw signInAgain("UNAUTHORIZED", error.message);
    }
  }

  /** A refresh token that nobody keeps any more ends, whatever the issuer says. */
  function drop({ refreshToken }: Tokens): void {
    if (refreshToken === null) return;
    const revoked = login.revoke(refreshToken).catch((fault: unknown) => {
      const reason = fault instanceof ApiError ? fault.reason : describeFault(fault);
      console.warn(JSON.stringify({ event: "refresh_token_not_revoked", reason }));
    });
    background(revoked);
  }

  /** What an issuer does not send again stays. */
  async function refreshed(tokens: Tokens): Promise<Tokens> {
    if (tokens.refreshToken === null) throw signInAgain("TOKEN_EXPIRED", "expired");
    const fresh = await login.refresh(tokens.refreshToken);
    return {
      accessToken: fresh.accessToken,
      refreshToken: fresh.refreshToken ?? tokens.refreshToken,
      name: fresh.name ?? tokens.name,
      logoutHint: fresh.logoutHint ?? tokens.logoutHint,
    };
  }

  return { verified, refreshed, drop };
}

async function idOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return base64url.encode(new Uint8Array(digest));
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

export function signInAgain(code: "UNAUTHORIZED" | "TOKEN_EXPIRED", reason: string | undefined): ApiError {
  return new ApiError(code, {
    message: code === "UNAUTHORIZED" ? "Sign in first" : "The session has ended",
    headers: { "WWW-Authenticate": 'Cookie realm="latchkey"' },
    ...(reason !== undefined && { reason }),
  });
}
