import { decodeJwt } from "jose";
import * as oauth from "oauth4webapi";
import * as z from "zod";
import { ApiError } from "../http/errors.ts";
import type { Background } from "../lib/background.ts";
import { remote, TIMEOUT_MS } from "../lib/remote.ts";
import { answered } from "./answered.ts";
import { discover, type LoginMetadata, loginMetadataSchema } from "./discovery.ts";
import { loginScopes, parametersOf } from "./parameters.ts";
import type { ClientSettings, OAuthSettings } from "./settings.ts";
import { issuerOf, TENANT } from "./tenants.ts";

const METADATA_MAX_AGE_MS = 10 * 60_000;
const METADATA_STALE_LIMIT_MS = 60 * 60_000;
const METADATA_COOLDOWN_MS = 30_000;
/** For what must not be given up lightly: an issuer that rotates refresh tokens takes each of them once. */
const TOKEN_TIMEOUT_MS = 10_000;

const idTokenSchema = z.object({ id_token: z.string().optional() });

/** What must be remembered of a login until the issuer answers. Not for the issuer to see, nor for anybody else. */
export interface PendingLogin {
  state: string;
  nonce: string;
  codeVerifier: string;
}

/** What an issuer hands out to somebody who signed in. */
export interface Tokens {
  accessToken: string;
  refreshToken: string | null;
  /** How people call who signed in. */
  name: string | null;
  /** What tells the issuer who signs out, in place of the ID token. */
  logoutHint: string | null;
}

export type LoginOptions = Pick<
  OAuthSettings,
  "OAUTH_ISSUER" | "OAUTH_METADATA_URL" | "OAUTH_AUDIENCE" | "OAUTH_READ_SCOPE" | "OAUTH_WRITE_SCOPE"
> &
  Omit<ClientSettings, "OAUTH_CLIENT_SECRET"> & {
    clientSecret: string;
    /** Milliseconds since the epoch. */
    now: () => number;
    background: Background;
  };

/**
 * A confidential client of the issuer: authorization code with PKCE (RFC 6749, RFC 7636, OpenID Connect Core).
 *
 * All methods throw ApiError: `UNAVAILABLE` where the issuer cannot be reached, `UNAUTHORIZED` where
 * it refuses, `INTERNAL_ERROR` where it does not know this client or lets nobody sign in.
 */
export interface Login {
  /** Where to send who wants to sign in, `another`: with a choice of the account and what it is of, though somebody is signed in there. */
  begin(redirectUri: string, asked?: { another: boolean }): Promise<{ url: URL; pending: PendingLogin }>;
  /** The tokens for what the issuer sent to `redirectUri`, in `url`. */
  complete(url: URL, redirectUri: string, pending: PendingLogin): Promise<Tokens>;
  /** New tokens; `null` is what the issuer has left as it was. */
  refresh(refreshToken: string): Promise<Tokens>;
  /** Ends the refresh token (RFC 7009), where the issuer lets it. */
  revoke(refreshToken: string): Promise<void>;
  /**
   * Where to send who signs out (OpenID Connect RP-Initiated Logout 1.0 §2); `null` where the issuer has no such
   * place. The URL is for the browser, so it holds no ID token: the client's id and `logoutHint` say who it is.
   */
  end(logoutHint: string | null, returnTo: string): Promise<URL | null>;
}

export function login(options: LoginOptions): Login {
  const { now, background } = options;
  const client: oauth.Client = { client_id: options.OAUTH_CLIENT_ID };
  const metadata = remote({
    load: () => discover(loginMetadataSchema, options),
    maxAgeMs: METADATA_MAX_AGE_MS,
    staleLimitMs: METADATA_STALE_LIMIT_MS,
    cooldownMs: METADATA_COOLDOWN_MS,
    event: "issuer_metadata_fetch_failed",
    now,
    background,
  });
  const { authorization: authorizationParameters, token: tokenParameters } = parametersOf(options);

  const clientAuth = (as: LoginMetadata) => clientAuthOf(as, options);

  async function server(): Promise<LoginMetadata> {
    const found = await metadata.current();
    if (found === undefined) throw new ApiError("UNAVAILABLE", { reason: "issuer_metadata" });
    return found;
  }

  return {
    async begin(redirectUri, { another } = { another: false }) {
      const as = await server();
      if (as.authorization_endpoint === undefined || as.token_endpoint === undefined) {
        const reason =
          "OAUTH_ISSUER: has no authorization_endpoint and token_endpoint, so nobody can sign in";
        throw new ApiError("INTERNAL_ERROR", { reason });
      }
      const pending = {
        state: oauth.generateRandomState(),
        nonce: oauth.generateRandomNonce(),
        codeVerifier: oauth.generateRandomCodeVerifier(),
      };
      const url = urlWith(as.authorization_endpoint, {
        ...authorizationParameters,
        ...(another && { prompt: promptFor(as, authorizationParameters.prompt) }),
        client_id: client.client_id,
        redirect_uri: redirectUri,
        response_type: "code",
        scope: loginScopes(options, as).join(" "),
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(pending.codeVerifier),
        code_challenge_method: "S256",
      });
      return { url, pending };
    },

    async complete(url, redirectUri, { state, nonce, codeVerifier }) {
      const as = await server();
      return answered(async () => {
        const code = oauth.validateAuthResponse(as, client, url, state);
        const response = await oauth.authorizationCodeGrantRequest(
          as,
          client,
          clientAuth(as),
          code,
          redirectUri,
          codeVerifier,
          { ...http(TOKEN_TIMEOUT_MS), additionalParameters: tokenParameters },
        );
        const expected = { expectedNonce: nonce, requireIdToken: true };
        const signer = await signerOf(as, response);
        return tokensOf(await oauth.processAuthorizationCodeResponse(signer, client, response, expected));
      });
    },

    async refresh(refreshToken) {
      const as = await server();
      return answered(async () => {
        const response = await oauth.refreshTokenGrantRequest(as, client, clientAuth(as), refreshToken, {
          ...http(TOKEN_TIMEOUT_MS),
          additionalParameters: tokenParameters,
        });
        const signer = await signerOf(as, response);
        return tokensOf(await oauth.processRefreshTokenResponse(signer, client, response));
      });
    },

    async revoke(refreshToken) {
      const as = await server();
      if (as.revocation_endpoint === undefined) return;
      await answered(async () => {
        const response = await oauth.revocationRequest(as, client, clientAuth(as), refreshToken, {
          ...http(TIMEOUT_MS),
          additionalParameters: { token_type_hint: "refresh_token" },
        });
        await oauth.processRevocationResponse(response);
      });
    },

    async end(logoutHint, returnTo) {
      const endpoint = (await server()).end_session_endpoint;
      if (endpoint === undefined) return null;
      return urlWith(endpoint, {
        client_id: client.client_id,
        post_logout_redirect_uri: returnTo,
        logout_uri: returnTo, // Cognito's name for it
        ...(logoutHint !== null && { logout_hint: logoutHint }),
      });
    },
  };
}

/** OpenID Connect Core §3.1.2.1: an issuer that does not list `select_account` may refuse it; signing in anew is a choice, too. */
function promptFor(as: LoginMetadata, usual = ""): string {
  const choice = as.prompt_values_supported?.includes("select_account") ? "select_account" : "login";
  return [...new Set([choice, ...usual.split(" ")])]
    .filter((value) => value !== "" && value !== "none")
    .join(" ");
}

function clientAuthOf(as: LoginMetadata, options: LoginOptions): oauth.ClientAuth {
  const methods = as.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  const method = options.OAUTH_CLIENT_AUTH || (methods.includes("client_secret_basic") ? "basic" : "post");
  const authenticate = method === "basic" ? oauth.ClientSecretBasic : oauth.ClientSecretPost;
  return authenticate(options.clientSecret);
}

function http(timeoutMs: number) {
  return {
    signal: AbortSignal.timeout(timeoutMs),
    // The metadata's URLs were checked: plain http is on loopback alone.
    [oauth.allowInsecureRequests]: true as const,
  };
}

function urlWith(endpoint: string, parameters: Record<string, string>): URL {
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

/** The issuer that the ID token of a response must name: where it has many tenants, that of the token's own. */
async function signerOf(as: LoginMetadata, response: Response): Promise<LoginMetadata> {
  if (!as.issuer.includes(TENANT)) return as;
  const { id_token: idToken } = idTokenSchema.parse(await response.clone().json());
  return { ...as, issuer: (idToken && issuerOf(as.issuer, decodeJwt(idToken))) || as.issuer };
}

function tokensOf(response: oauth.TokenEndpointResponse): Tokens {
  const claims = oauth.getValidatedIdTokenClaims(response);
  const name = textOf(claims?.email ?? claims?.preferred_username ?? claims?.name ?? claims?.sub);
  return {
    accessToken: response.access_token,
    refreshToken: response.refresh_token ?? null,
    name,
    // Issuers that look for a claim of their own: Microsoft's for `login_hint`, Auth0 for `sid`.
    logoutHint: textOf(claims?.login_hint ?? claims?.sid) ?? name,
  };
}

function textOf(claim: unknown): string | null {
  return typeof claim === "string" ? claim : null;
}
