import type { Context } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import type * as z from "zod";
import type { Seal } from "./seal.ts";

/** Browsers keep 4,096 bytes of a cookie, its name and attributes included (RFC 6265 §6.1): a larger one is cut up. */
const PIECE_CHARACTERS = 3_800;

/** Of one request: the dashboard never sets as many. */
const MAX_COOKIES = 32;

export interface SealedCookieOptions<T> {
  /** Also what it is sealed for: one cookie does not open as another. */
  name: string;
  schema: z.ZodType<T>;
  /** `Lax` where it must come back with what another site sends here. */
  sameSite: "Strict" | "Lax";
  maxAgeSeconds: number;
}

/** A value that only this deployment can read or make, kept by the browser, out of reach of its scripts. */
export interface SealedCookie<T> {
  /** `null`: there is none, it is too old, or somebody made it up. */
  read(c: Context): Promise<T | null>;
  write(c: Context, value: T): Promise<void>;
  clear(c: Context): void;
}

export function sealedCookie<T extends object>(
  seal: Seal,
  { name, schema, sameSite, maxAgeSeconds }: SealedCookieOptions<T>,
): SealedCookie<T> {
  const piece = (i: number) => `latchkey-${name}-${i}`;

  function piecesOf(c: Context): string[] {
    const cookies = ownCookies(c);
    const pieces: string[] = [];
    for (let next = cookies.get(piece(0)); next !== undefined; next = cookies.get(piece(pieces.length)))
      pieces.push(next);
    return pieces;
  }

  return {
    async read(c) {
      const pieces = piecesOf(c);
      if (pieces.length === 0) return null;
      return schema.safeParse(await seal.open(name, pieces.join(""))).data ?? null;
    },

    async write(c, value) {
      const sealed = await seal.seal(name, value, maxAgeSeconds);
      const pieces = Math.ceil(sealed.length / PIECE_CHARACTERS);
      const options = { ...attributes(c), sameSite, maxAge: maxAgeSeconds };
      for (let i = 0; i < pieces; i++) {
        setCookie(c, piece(i), sealed.slice(i * PIECE_CHARACTERS, (i + 1) * PIECE_CHARACTERS), options);
      }
      for (let i = pieces; i < piecesOf(c).length; i++) deleteCookie(c, piece(i), attributes(c));
    },

    clear(c) {
      for (const i of piecesOf(c).keys()) deleteCookie(c, piece(i), attributes(c));
    },
  };
}

const OVER_HTTP = /(?:^|;)[ \t]*(latchkey-[a-z]{1,20}-\d{1,2})=([\w.-]{1,4096})[ \t]*(?=;|$)/g;
const OVER_HTTPS = new RegExp(OVER_HTTP.source.replace("(latchkey-", "__Host-(latchkey-"), "g");
const parsed = new WeakMap<Request, ReadonlyMap<string, string>>();

/**
 * The dashboard's own cookies of a request, by their names without prefix, parsed once. Whatever else is sent is passed
 * over, in linear time.
 */
function ownCookies(c: Context): ReadonlyMap<string, string> {
  const known = parsed.get(c.req.raw);
  if (known !== undefined) return known;
  const cookies = new Map<string, string>();
  const form = isSecure(c) ? OVER_HTTPS : OVER_HTTP;
  for (const [, name = "", value = ""] of (c.req.header("Cookie") ?? "").matchAll(form)) {
    if (!cookies.has(name)) cookies.set(name, value);
    if (cookies.size === MAX_COOKIES) break;
  }
  parsed.set(c.req.raw, cookies);
  return cookies;
}

/** `__Host-` and `Secure` (RFC 6265bis §4.1.3.2), which plain http cannot have. */
function attributes(c: Context): CookieOptions {
  return { httpOnly: true, path: "/", ...(isSecure(c) && { prefix: "host", secure: true }) };
}

function isSecure(c: Context): boolean {
  return c.req.url.startsWith("https:");
}
