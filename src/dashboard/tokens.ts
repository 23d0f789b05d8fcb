import { ApiError } from "../http/errors.ts";
import type { Background } from "../lib/background.ts";
import { describeFault } from "../lib/fault.ts";
import { IssuerUnavailableError } from "../oauth/jwks.ts";
import type { Login, Tokens } from "../oauth/login.ts";
import { type AccessToken, TokenError, type TokenVerifier } from "../oauth/token.ts";

export interface TokenParts {
  login: Pick<Login, "refresh" | "revoke">;
  verifyToken: TokenVerifier;
  background: Background;
}

/** What the issuer says of tokens. */
export function issuedTokens({ login, verifyToken, background }: TokenParts) {
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

export function signInAgain(code: "UNAUTHORIZED" | "TOKEN_EXPIRED", reason: string | undefined): ApiError {
  return new ApiError(code, {
    message: code === "UNAUTHORIZED" ? "Sign in first" : "The session has ended",
    headers: { "WWW-Authenticate": 'Cookie realm="latchkey"' },
    ...(reason !== undefined && { reason }),
  });
}
