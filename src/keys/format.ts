import { base62, type RandomSource, randomBase62 } from "../lib/encoding.ts";

/** Base62 characters of randomness: 256 bits. */
const RANDOM_LENGTH = 43;
const GENERATION_LENGTH = 1;
const TAG_LENGTH = 6;
const BODY_LENGTH = RANDOM_LENGTH + GENERATION_LENGTH + TAG_LENGTH;
/** Characters of the randomness that are shown and logged, to tell keys apart. */
const SHOWN_LENGTH = 5;
const HMAC = { name: "HMAC", hash: "SHA-256" };

const utf8 = new TextEncoder();

export interface NewKey {
  /** To be shown once and kept nowhere. */
  rawKey: string;
  /** Brand, environment and the first characters of the randomness: safe to show and log. */
  keyPrefix: string;
  /** What the database stores and looks up by. */
  digest: string;
}

export interface KeyFormat {
  /** A new key, under the newest pepper. */
  create(): Promise<NewKey>;
  /** The digest of a key that this service has made, `null` for everything else. Does no I/O. */
  digest(rawKey: string): Promise<string | null>;
}

/**
 * The format of a key: `<prefix>_<43 random><1 generation><6 tag>`, all base62.
 *
 * The digest is HMAC-SHA-256 of everything before the tag under the generation's pepper, base64url;
 * the tag is its first 48 bits in base62. The tag keeps forgeries away from the database and is
 * never the reason to accept a key.
 *
 * @param prefix - Brand and environment, for instance `lk_live`.
 * @param peppers - Generation character to pepper, the newest last; not empty.
 */
export function keyFormat(
  prefix: string,
  peppers: ReadonlyMap<string, string>,
  random: RandomSource,
): KeyFormat {
  const start = `${prefix}_`;
  const form = new RegExp(`^${RegExp.escape(start)}[0-9A-Za-z]{${BODY_LENGTH}}$`);
  const newest = [...peppers.keys()].at(-1) ?? "";
  // Plain data, not promises: a promise of one request must not be awaited by another.
  const hmacKeys = new Map<string, CryptoKey>();

  function hmacKey(generation: string): CryptoKey | Promise<CryptoKey | null> {
    return hmacKeys.get(generation) ?? importHmacKey(generation);
  }

  async function importHmacKey(generation: string): Promise<CryptoKey | null> {
    const pepper = peppers.get(generation);
    if (pepper === undefined) return null;
    const key = await crypto.subtle.importKey("raw", utf8.encode(pepper), HMAC, false, ["sign"]);
    hmacKeys.set(generation, key);
    return key;
  }

  return {
    async create() {
      const body = randomBase62(RANDOM_LENGTH, random);
      const payload = start + body + newest;
      const key = await hmacKey(newest);
      if (key === null) throw new TypeError("keyFormat: no pepper");
      const { digest, tag } = signed(await sign(key, payload));
      return {
        rawKey: payload + tag,
        keyPrefix: start + body.slice(0, SHOWN_LENGTH),
        digest,
      };
    },

    async digest(rawKey) {
      if (!form.test(rawKey)) return null;
      const payload = rawKey.slice(0, -TAG_LENGTH);
      const key = await hmacKey(payload.slice(-GENERATION_LENGTH));
      if (key === null) return null;
      const { digest, tag } = signed(await sign(key, payload));
      const genuine = crypto.subtle.timingSafeEqual(utf8.encode(tag), utf8.encode(rawKey.slice(-TAG_LENGTH)));
      return genuine ? digest : null;
    },
  };
}

function sign(key: CryptoKey, payload: string): Promise<ArrayBuffer> {
  return crypto.subtle.sign("HMAC", key, utf8.encode(payload));
}

function signed(signature: ArrayBuffer): { digest: string; tag: string } {
  const view = new DataView(signature);
  return {
    digest: new Uint8Array(signature).toBase64({ alphabet: "base64url", omitPadding: true }),
    tag: base62(view.getUint16(0) * 2 ** 32 + view.getUint32(2), TAG_LENGTH),
  };
}
