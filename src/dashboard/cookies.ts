import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import type * as z from "zod";
import type { Seal } from "./seal.ts";

/** Browsers keep 4,096 bytes of a cookie, its name and attributes included (RFC 6265 §6.1): a larger one is cut up. */
const PIECE_CHARACTERS = 3_800;

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
    const pieces: string[] = [];
    for (let next = get(c, piece(0)); next !== undefined; next = get(c, piece(pieces.length)))
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

function get(c: Context, name: string): string | undefined {
  return isSecure(c) ? getCookie(c, name, "host") : getCookie(c, name);
}

/** `__Host-` and `Secure` (RFC 6265bis §4.1.3.2), which plain http cannot have. */
function attributes(c: Context): CookieOptions {
  return { httpOnly: true, path: "/", ...(isSecure(c) && { prefix: "host", secure: true }) };
}

function isSecure(c: Context): boolean {
  return c.req.url.startsWith("https:");
}
