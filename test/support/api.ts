import { createExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { importJWK, SignJWT } from "jose";
import { createApp } from "../../src/app.ts";
import latchkey from "../../src/index.ts";
import { createIsolate } from "../../src/isolate.ts";
import type { NewApiKey } from "../../src/keys/schema.ts";
import { expectDocumented } from "./agreement.ts";

export const ORIGIN = "https://latchkey.example";

/** Where a request goes: the Worker under test, or an app of other settings. */
export type Target = (request: Request) => Response | Promise<Response>;

/** The Worker under test, called as a service. */
export const service: Target = (request) => exports.default.fetch(request);

/** The same, called as a function: the pool takes several milliseconds for a call of it as a service. */
const worker: Target = (request) =>
  latchkey.fetch(request as Parameters<typeof latchkey.fetch>[0], env, createExecutionContext());

/** An isolate of its own, whose settings or bindings differ from those of the Worker under test. */
export function appWith(overrides: Record<string, unknown>): Target {
  const custom = { ...env, ...overrides } as Env;
  const app = createApp(custom, createIsolate(custom));
  return (request) => app(request, createExecutionContext());
}

/** A request to the Worker under test, or to `target`, whose answer must be as the document has it. */
export async function call(path: string, init?: RequestInit, target: Target = worker): Promise<Response> {
  const request = new Request(new URL(path, ORIGIN), { redirect: "manual", ...init });
  const answer = await target(request);
  await expectDocumented(request.method, path, answer);
  return answer;
}

export interface TokenOptions {
  /** The tenant; `acme` by default. */
  company?: unknown;
  /** `api-keys:read api-keys:write` by default. */
  scope?: string;
  /** Claims that replace the usual ones; `undefined` leaves one out. */
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  alg?: string;
}

const signingKeys = new Map<string, Promise<CryptoKey | Uint8Array>>();

/** What signs with an algorithm, imported once. */
function signingKey(alg: string): Promise<CryptoKey | Uint8Array> {
  const jwk = env.TEST_SIGNING_KEYS[alg];
  if (jwk === undefined) throw new TypeError(`no signing key for ${alg}`);
  const imported = signingKeys.get(alg) ?? importJWK(jwk, alg);
  signingKeys.set(alg, imported);
  return imported;
}

/** An access token of the issuer that the Worker under test trusts. */
export async function token(options: TokenOptions = {}): Promise<string> {
  const { company = "acme", scope = "api-keys:read api-keys:write", claims, header, alg = "ES256" } = options;
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
    .sign(await signingKey(alg));
}

export interface ManageOptions extends TokenOptions {
  method?: string;
  /** Sent as JSON; a string or bytes are sent as they are. */
  body?: unknown;
  headers?: Record<string, string>;
  target?: Target;
}

/** A request with an access token. */
export async function manage(path: string, options: ManageOptions = {}): Promise<Response> {
  const { method = "GET", body, headers, target, ...tokenOptions } = options;
  const raw = typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream;
  const init = {
    method,
    headers: {
      Authorization: `Bearer ${await token(tokenOptions)}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: raw ? (body as BodyInit) : JSON.stringify(body) }),
  };
  return call(path, init, target);
}

/** What is different in an access token of whoever runs the service. */
function ofOperator({ claims, ...options }: TokenOptions): TokenOptions {
  return {
    scope: "operator:read operator:write",
    ...options,
    claims: { aud: env.OPERATOR_AUDIENCE, company_id: undefined, sub: "olga", ...claims },
  };
}

/** An access token of whoever runs the service. */
export function operatorToken(options: TokenOptions = {}): Promise<string> {
  return token(ofOperator(options));
}

/** A request with such a token. */
export function operate(path: string, options: ManageOptions = {}): Promise<Response> {
  return manage(path, { ...options, ...ofOperator(options) });
}

export type CreatedKey = NewApiKey;

/** A key, made through the API. */
export async function createKey(
  body: Record<string, unknown> = {},
  options: Omit<ManageOptions, "method" | "body"> = {},
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
