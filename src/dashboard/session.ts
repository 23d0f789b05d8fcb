import { base64url } from "jose";
import * as z from "zod";
import { ApiError } from "../http/errors.ts";
import type { Tokens } from "../oauth/login.ts";
import type { AccessToken } from "../oauth/token.ts";
import { SESSION_SECONDS } from "./cookies.ts";
import type { Seal } from "./seal.ts";
import type { SessionRow, SessionStore } from "./store.ts";
import { issuedTokens, signInAgain, type TokenParts } from "./tokens.ts";

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
  browser: z.string().default(""),
}) satisfies z.ZodType<SessionTokens>;

/** With what the browser calls itself, in short. */
type SessionTokens = Tokens & { browser: string };

/** Somebody who is signed in. */
export interface Visitor {
  tokens: Tokens;
  /** What the access token says. */
  token: AccessToken;
}

/** A session of a person. */
export interface PersonSession {
  /** `""`: it is not known. */
  browser: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** Whether it is the one that asks. */
  isThis: boolean;
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
  start(tokens: Tokens, browser?: string): Promise<string>;
  /**
   * Tokens that have expired are renewed, by one request alone: many issuers take a refresh token once.
   *
   * @throws ApiError `TOKEN_EXPIRED` where the session has ended; `UNAUTHORIZED` where its token is not good here;
   *   `UNAVAILABLE` where the issuer does not answer.
   */
  current(secret: string): Promise<Visitor>;
  /** Also ends the refresh token at the issuer, behind the answer. @returns the tokens, if there was a session. */
  end(secret: string): Promise<Tokens | null>;
  /** Where the person is signed in, newest first. */
  ofPerson(secret: string): Promise<PersonSession[]>;
  /** Ends all sessions of the person but this one, as `end` does. */
  endOthers(secret: string): Promise<void>;
  /** Ends a session that another one of the same browser takes the place of; its refresh token is left as it is. */
  forget(secret: string): Promise<void>;
}

export interface SessionsParts extends TokenParts {
  store: SessionStore;
  /** @throws ApiError `FORBIDDEN` where nobody is a visitor with this access token, though it is good. */
  admit: (token: AccessToken) => unknown;
  /** The setting that says what access tokens are for, for the log. */
  audienceSetting: string;
  seal: Seal;
  /** Milliseconds since the epoch. */
  now: () => number;
  wait: (milliseconds: number) => Promise<unknown>;
}

export function sessions(parts: SessionsParts): Sessions {
  const { store, admit, audienceSetting, seal, now, wait, background, ...issuer } = parts;
  const { verified, refreshed, drop } = issuedTokens({ ...issuer, background });
  const sealed = (id: string, tokens: SessionTokens, endsAt: number) =>
    seal.seal(`session ${id}`, tokens, Math.ceil((endsAt - now()) / 1000));
  const opened = async (row: SessionRow): Promise<SessionTokens | null> =>
    tokensSchema.safeParse(await seal.open(`session ${row.id}`, row.sealed)).data ?? null;

  /** By whoever has the lease. */
  async function renew({ id, endsAt }: SessionRow, renewer: string, tokens: SessionTokens): Promise<Visitor> {
    const { browser } = tokens;
    const fresh = await refreshed(tokens).catch(async (error: unknown) => {
      const isRefused =
        error instanceof ApiError && (error.code === "UNAUTHORIZED" || error.code === "TOKEN_EXPIRED");
      await (isRefused ? store.end(id) : store.release(id, renewer));
      throw isRefused ? signInAgain("TOKEN_EXPIRED", error.reason) : error;
    });
    const goesOn = await store.release(id, renewer, await sealed(id, { ...fresh, browser }, endsAt));
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
    async start(tokens, browser = "") {
      try {
        const token = await verified(tokens.accessToken);
        if (token === "expired") throw signInAgain("UNAUTHORIZED", "expired");
        admit(token);
        const secret = base64url.encode(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
        const id = await idOf(secret);
        const endsAt = now() + SESSION_SECONDS * 1000;
        const { issuer, subject } = token;
        await store.start({
          id,
          issuer,
          subject,
          sealed: await sealed(id, { ...tokens, browser }, endsAt),
          endsAt,
        });
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

    async ofPerson(secret) {
      const own = await store.find(await idOf(secret));
      const rows = own === null ? [] : await store.ofPerson(own);
      const going = rows.filter(({ endsAt }) => endsAt > now());
      return Promise.all(
        going.map(async (row) => ({
          browser: (await opened(row))?.browser ?? "",
          startedAt: row.endsAt - SESSION_SECONDS * 1000,
          isThis: row.id === own?.id,
        })),
      );
    },

    async endOthers(secret) {
      const own = await store.find(await idOf(secret));
      if (own === null) return;
      for (const row of await store.endOthers(own)) {
        const tokens = await opened(row);
        if (tokens !== null) drop(tokens);
      }
    },

    async forget(secret) {
      await store.end(await idOf(secret));
    },
  };
}

async function idOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return base64url.encode(new Uint8Array(digest));
}

/** For which companies somebody may act. @throws ApiError `FORBIDDEN` where the token names none. */
export function companiesFor({ companyId, companies }: AccessToken): readonly string[] {
  const names = companyId === null ? companies : [companyId];
  if (names.length > 0) return names;
  throw new ApiError("FORBIDDEN", {
    message: "Your account belongs to no company",
    reason: "company_claim",
  });
}
