import { env, exports } from "cloudflare:workers";
import { importJWK, type JWTPayload, SignJWT } from "jose";
import type { ApiKey } from "../../src/keys/service.ts";

export const ORIGIN = "https://latchkey.example";

/** A request to the Worker under test. */
export function call(path: string, init?: RequestInit): Promise<Response> {
  return exports.default.fetch(new Request(new URL(path, ORIGIN), { redirect: "manual", ...init }));
}

export interface TokenOptions {
  /** The tenant; `acme` by default. */
  company?: unknown;
  /** `api-keys:read api-keys:write` by default. */
  scope?: string;
  /** Claims that replace the usual ones; `undefined` leaves one out. */
  claims?: JWTPayload;
  header?: Record<string, unknown>;
  alg?: string;
}

/** An access token of the issuer that the Worker under test trusts. */
export async function token(options: TokenOptions = {}): Promise<string> {
  const { company = "acme", scope = "api-keys:read api-keys:write", claims, header, alg = "ES256" } = options;
  const jwk = env.TEST_SIGNING_KEYS[alg];
  if (jwk === undefined) throw new TypeError(`no signing key for ${alg}`);
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: env.OAUTH_ISSUER,
    aud: env.OAUTH_AUDIENCE,
    sub: "ada",
    exp: now + 300,
    company_id: company,
    scope,
  };
  return new SignJWT({ ...payload, ...claims })
    .setProtectedHeader({ alg, kid: alg, typ: "at+jwt", ...header })
    .sign(await importJWK(jwk, alg));
}

export interface ManageOptions extends TokenOptions {
  method?: string;
  /** Sent as JSON; a string or bytes are sent as they are. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** A request with an access token. */
export async function manage(path: string, options: ManageOptions = {}): Promise<Response> {
  const { method = "GET", body, headers, ...tokenOptions } = options;
  const raw = typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream;
  return call(path, {
    method,
    headers: {
      Authorization: `Bearer ${await token(tokenOptions)}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: raw ? (body as BodyInit) : JSON.stringify(body) }),
  });
}

export type CreatedKey = ApiKey & { rawKey: string };

/** A key, made through the API. */
export async function createKey(
  body: Record<string, unknown> = {},
  options: TokenOptions = {},
): Promise<CreatedKey> {
  const answer = await manage("/settings/api-keys", {
    ...options,
    method: "POST",
    body: { label: "Careers page", scopes: ["jobs:read"], ...body },
  });
  if (answer.status !== 201)
    throw new Error(`could not create a key: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
