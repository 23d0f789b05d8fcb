import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { decodeJwt } from "jose";
import { expect } from "vitest";
import { dashboardCookies } from "../../src/dashboard/cookies.ts";
import { pepperSeal, type SealUse } from "../../src/dashboard/seal.ts";
import { sessions } from "../../src/dashboard/session.ts";
import { sessionStore } from "../../src/dashboard/store.ts";
import type { Tokens } from "../../src/oauth/login.ts";
import { appWith, ORIGIN, operatorToken, type Target, type TokenOptions, token } from "./api.ts";
import { settingsOf } from "./settings.ts";

const HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/** The Worker with its dashboard on, whose people sign in at the issuer that signs the tests' tokens. */
export function withDashboard(overrides: Record<string, unknown> = {}): Target {
  return appWith({ OAUTH_CLIENT_ID: "dashboard", OAUTH_CLIENT_SECRET: "secret", ...overrides });
}

/** The one of all visits that ask for no other. */
let usual: Target | undefined;

/** What a browser keeps: cookies by name. Attributes are not looked at. */
export class Jar {
  readonly cookies = new Map<string, string>();

  take(answer: Response): void {
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/;\s*Max-Age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }

  get header(): string {
    return [...this.cookies].map((pair) => pair.join("=")).join("; ");
  }
}

export interface VisitOptions {
  jar?: Jar;
  method?: string;
  /** Sent as a browser sends a form of the page itself. */
  form?: Record<string, string | string[]>;
  headers?: Record<string, string>;
  target?: Target;
}

/** A request as a browser makes it. */
export async function visit(path: string, options: VisitOptions = {}): Promise<Response> {
  usual ??= withDashboard();
  const { jar, form, headers, target = usual } = options;
  const fields = Object.entries(form ?? {}).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value]),
  );
  const answer = await target(
    new Request(new URL(path, ORIGIN), {
      method: options.method ?? (form ? "POST" : "GET"),
      redirect: "manual",
      headers: {
        Accept: HTML,
        ...(jar && { Cookie: jar.header }),
        ...(form && { Origin: ORIGIN, "Sec-Fetch-Site": "same-origin" }),
        ...headers,
      },
      ...(form && { body: new URLSearchParams(fields) }),
    }),
  );
  jar?.take(answer);
  return answer;
}

export interface SignedInOptions extends TokenOptions {
  session?: Partial<Tokens>;
  startedAt?: number;
}

/** The jar of somebody who is signed in, with a token of these claims, as the dashboard itself would have filled it. */
export async function signedIn(options: SignedInOptions = {}): Promise<Jar> {
  return jarOf("dashboard", await token(options), options);
}

/** The same of whoever runs the service, on their own pages. */
export async function operatorSignedIn(options: SignedInOptions = {}): Promise<Jar> {
  return jarOf("operator dashboard", await operatorToken(options), options);
}

async function jarOf(use: SealUse, accessToken: string, options: SignedInOptions): Promise<Jar> {
  const { session, startedAt = Date.now() } = options;
  const tokens = {
    accessToken,
    refreshToken: null,
    name: "ada@acme.example",
    logoutHint: "ada@acme.example",
    ...session,
  };
  const { iss = "", sub = "" } = decodeJwt(tokens.accessToken);
  const seal = pepperSeal(settingsOf(env).KEY_PEPPERS, () => startedAt, use);
  const { start } = sessions({
    store: sessionStore(env.DB),
    seal,
    now: () => startedAt,
    admit: () => undefined,
    audienceSetting: "",
    login: { refresh: unused, revoke: unused },
    verifyToken: async () => ({
      issuer: iss,
      subject: sub,
      companyId: "acme",
      companies: [],
      companyFault: "",
      scopes: [],
    }),
    wait: unused,
    background: unused,
  });
  const secret = await start(tokens);
  const jar = new Jar();
  const app = new Hono().get("/", async (c) => {
    await dashboardCookies(seal, use === "dashboard" ? "" : "operator-").session.write(c, { secret });
    return c.body(null);
  });
  jar.take(await app.request(ORIGIN));
  return jar;
}

function unused(): never {
  throw new Error("not for the start of a session");
}

/** Expects a page for people, and gives its text. */
export async function pageOf(answer: Response, status = 200): Promise<string> {
  const text = await answer.text();
  expect({ status: answer.status, text: text.slice(0, 15) }).toEqual({ status, text: "<!DOCTYPE html>" });
  expect(answer.headers.get("Content-Type")?.toLowerCase()).toBe("text/html; charset=utf-8");
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  expect(answer.headers.get("Referrer-Policy")).toBe("no-referrer");
  const policy = answer.headers.get("Content-Security-Policy") ?? "";
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
  expect(policy).toBe(
    `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'self' 'nonce-${nonce}'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  );
  expect(text.match(/<(script|style)[^>]*>/g)).toEqual([
    `<style nonce="${nonce}">`,
    `<script nonce="${nonce}">`,
  ]);
  expect(text).not.toMatch(/ style=| on[a-z]+=|javascript:/i);
  return text;
}

const LOCAL = env.TEST_LOCAL_ISSUER;

/** The Worker whose people sign in at an issuer of their own. */
export function atLocalIssuer(overrides: Record<string, unknown> = {}): Target {
  return withDashboard({
    OAUTH_ISSUER: LOCAL.url,
    OAUTH_CLIENT_ID: LOCAL.clientId,
    OAUTH_CLIENT_SECRET: LOCAL.clientSecret,
    OAUTH_LOGIN_PARAMETERS: { prompt: "consent" },
    ...overrides,
  });
}

/** What a person does at the issuer, in a browser of its own: picks an account. Gives where the issuer sends them. */
export async function signInAtIssuer(authorizationUrl: string, account = "ada@acme.example"): Promise<URL> {
  const jar = new Jar();
  let url = new URL(authorizationUrl);
  for (let steps = 0; url.origin === LOCAL.url; steps++) {
    if (steps > 5) throw new Error(`The issuer does not come to an end at ${url.pathname}`);
    const isLogin = url.pathname.startsWith("/interaction/");
    const answer = await fetch(url, {
      redirect: "manual",
      headers: { Cookie: jar.header },
      ...(isLogin && { method: "POST", body: new URLSearchParams({ account }) }),
    });
    jar.take(answer);
    const location = answer.headers.get("Location");
    if (location === null) throw new Error(`The issuer says ${answer.status} ${await answer.text()}`);
    url = new URL(location, url);
  }
  return url;
}
