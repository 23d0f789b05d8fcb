import type { Context } from "hono";
import { setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import * as z from "zod";
import type { KeyForm } from "./form.ts";
import type { Seal } from "./seal.ts";
import type { Site } from "./site.ts";

/** After this somebody signs in again, however often the tokens were renewed. */
export const SESSION_SECONDS = 12 * 3600;
/** From the way to the issuer until the way back. */
export const LOGIN_SECONDS = 15 * 60;
/** From the end of a session, which a form met, until it is filled in again. */
const FORM_SECONDS = 15 * 60;
/** From the creation of a key until it is shown. */
export const REVEAL_SECONDS = 60;

/** Logins begun at a time, and new keys that wait to be shown: of more than these the oldest is forgotten. */
const MAX_AT_A_TIME = 5;

/** Of one request: the dashboard never sets as many. */
const MAX_COOKIES = 32;

const sessionSchema = z.object({ secret: z.string() });

const loginSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  /** The page to go to afterwards. */
  returnTo: z.string(),
});

const revealSchema = z.object({
  /** Whose key it is. */
  owner: z.string(),
  /** `null`: it was shown. */
  rawKey: z.string().nullable(),
});

const companySchema = z.object({ id: z.string() });

const formSchema = z.object({
  label: z.string(),
  scopes: z.array(z.string()),
  expiry: z.string(),
  date: z.string(),
  allowedIps: z.string(),
  metadata: z.string(),
}) satisfies z.ZodType<KeyForm>;

/** Cookies of one kind, told apart by an id of `[\w-]`. Only this deployment reads or makes them; no script sees them. */
export interface SealedCookies<T> {
  /** `null`: there is none, it is too old, or somebody made it up. */
  read(c: Context, id?: string): Promise<T | null>;
  write(c: Context, value: T, id?: string): Promise<void>;
  clear(c: Context, id?: string): void;
}

/** What the browser keeps. */
export interface DashboardCookies {
  session: SealedCookies<z.output<typeof sessionSchema>>;
  /** By state: logins in several tabs do not get in each other's way. */
  login: SealedCookies<z.output<typeof loginSchema>>;
  /** The company that somebody of several has chosen. */
  company: SealedCookies<z.output<typeof companySchema>>;
  /** The form that creates a key, as it was when the session had ended. */
  form: SealedCookies<KeyForm>;
  /** By key: a new one, on its way to the one page that shows it. */
  reveal: SealedCookies<z.output<typeof revealSchema>>;
  /** All of the site. */
  clear(c: Context): void;
}

/** @param prefix - Sets the cookies of a site apart from the others'. */
export function dashboardCookies(seal: Seal, prefix: Site["cookies"]): DashboardCookies {
  const kinds = {
    session: `${prefix}session`,
    login: `${prefix}login`,
    reveal: `${prefix}reveal`,
    form: `${prefix}form`,
    company: `${prefix}company`,
  };
  const isOwn = (name: string) =>
    Object.values(kinds).some((kind) => name === kind || name.startsWith(`${kind}-`));
  return {
    session: sealedCookies(seal, {
      kind: kinds.session,
      schema: sessionSchema,
      sameSite: "Strict",
      maxAgeSeconds: SESSION_SECONDS,
    }),
    // The issuer sends people back here from its own site.
    login: sealedCookies(seal, {
      kind: kinds.login,
      schema: loginSchema,
      sameSite: "Lax",
      maxAgeSeconds: LOGIN_SECONDS,
    }),
    reveal: sealedCookies(seal, {
      kind: kinds.reveal,
      schema: revealSchema,
      sameSite: "Strict",
      maxAgeSeconds: REVEAL_SECONDS,
    }),
    // The issuer sends people back here from its own site.
    form: sealedCookies(seal, {
      kind: kinds.form,
      schema: formSchema,
      sameSite: "Lax",
      maxAgeSeconds: FORM_SECONDS,
    }),
    company: sealedCookies(seal, {
      kind: kinds.company,
      schema: companySchema,
      sameSite: "Strict",
      maxAgeSeconds: SESSION_SECONDS,
    }),
    clear(c) {
      for (const name of ownCookies(c).keys()) {
        if (isOwn(name)) clear(c, name);
      }
    },
  };
}

export interface SealedCookiesOptions<T> {
  /** Also what it is sealed for: one cookie does not open as another. */
  kind: string;
  schema: z.ZodType<T>;
  /** `Lax` where it must come back with what another site sends here. */
  sameSite: "Strict" | "Lax";
  maxAgeSeconds: number;
}

export function sealedCookies<T extends object>(
  seal: Seal,
  { kind, schema, sameSite, maxAgeSeconds }: SealedCookiesOptions<T>,
): SealedCookies<T> {
  const nameOf = (id: string | undefined) => (id === undefined ? kind : `${kind}-${id}`);

  return {
    async read(c, id) {
      const name = nameOf(id);
      return schema.safeParse(await seal.open(name, ownCookies(c).get(name))).data ?? null;
    },

    async write(c, value, id) {
      const name = nameOf(id);
      const sealed = await seal.seal(name, value, maxAgeSeconds);
      // Browsers send the oldest first (RFC 6265 §5.4).
      const others = [...ownCookies(c).keys()].filter((one) => one.startsWith(`${kind}-`) && one !== name);
      for (const old of others.slice(0, 1 - MAX_AT_A_TIME)) clear(c, old);
      setCookie(c, PREFIX + name, sealed, { ...attributes(c), sameSite, maxAge: maxAgeSeconds });
    },

    clear: (c, id) => clear(c, nameOf(id)),
  };
}

const PREFIX = "latchkey-";
const OVER_HTTP = /(?:^|;)[ \t]*latchkey-([\w-]{1,100})=([\w.-]{1,4096})[ \t]*(?=;|$)/g;
const OVER_HTTPS = new RegExp(OVER_HTTP.source.replace(PREFIX, `__Host-${PREFIX}`), "g");

/** The cookies of a request that are of this deployment, by name without prefix. Whatever else is sent is passed over, in linear time. */
function ownCookies(c: Context): ReadonlyMap<string, string> {
  const known = parsed.get(c.req.raw);
  if (known !== undefined) return known;
  const cookies = new Map<string, string>();
  for (const [, name = "", value = ""] of (c.req.header("Cookie") ?? "").matchAll(
    isSecure(c) ? OVER_HTTPS : OVER_HTTP,
  )) {
    if (!cookies.has(name)) cookies.set(name, value);
    if (cookies.size === MAX_COOKIES) break;
  }
  parsed.set(c.req.raw, cookies);
  return cookies;
}

const parsed = new WeakMap<Request, ReadonlyMap<string, string>>();

function clear(c: Context, name: string): void {
  setCookie(c, PREFIX + name, "", { ...attributes(c), maxAge: 0 });
}

/** `__Host-` and `Secure` (RFC 6265bis §4.1.3.2), which plain http cannot have. */
function attributes(c: Context): CookieOptions {
  return { httpOnly: true, path: "/", ...(isSecure(c) && { prefix: "host", secure: true }) };
}

export function isSecure(c: Context): boolean {
  return c.req.url.startsWith("https:");
}
