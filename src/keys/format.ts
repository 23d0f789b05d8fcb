import { FIRST_DATABASE } from "../db/settings.ts";
import { base62, type RandomSource, randomBase62 } from "../lib/encoding.ts";
import type { Settings } from "../lib/settings.ts";
import { type KeyForm, keyForm, startOf } from "./form.ts";
import { isForeignLength } from "./pattern.ts";

/** Base62 characters of randomness: 244 bits. */
const RANDOM_LENGTH = 41;
/** Base62 characters that name the database which holds the key. */
const DATABASE_LENGTH = 2;
const GENERATION_LENGTH = 1;
const TAG_LENGTH = 6;
/** Bytes of the digest that the tag is made from. */
const TAG_BYTES = 6;
const AFTER_DATABASE_LENGTH = GENERATION_LENGTH + TAG_LENGTH;
const BODY_LENGTH = RANDOM_LENGTH + DATABASE_LENGTH + AFTER_DATABASE_LENGTH;
/** Characters of the randomness that are shown and logged, to tell keys apart. */
const SHOWN_LENGTH = 5;
const HMAC = { name: "HMAC", hash: "SHA-256" };
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

const utf8 = new TextEncoder();

export interface NewKey {
  /** To be shown once and kept nowhere. */
  rawKey: string;
  /** Brand, environment and the first characters of the randomness: safe to show and log. */
  keyPrefix: string;
  /** What the database stores and looks up by. */
  digest: string;
  /** Names the pepper that the digest was made with: one character. */
  generation: string;
}

export interface KeyFormat {
  /** A new key, under the newest pepper. @param database - Which will hold it: `DB` where nothing else is said. */
  create(database?: string): Promise<NewKey>;
  /** The digest of a key that this service has made, `null` for everything else. Does no I/O. */
  digest(rawKey: string): Promise<string | null>;
  /** The database that a key which has a digest is in. */
  database(rawKey: string): string;
  /** What is shown of a key that this service has made: its `keyPrefix`. Of others, which may be shorter, nothing. */
  shown(rawKey: string): string | undefined;
  /** Whether it has the form of keys that were made elsewhere, and not that of this service. @throws SettingsError */
  isForeign(rawKey: string): boolean;
  /** The generations whose pepper is here: keys of all others cannot be checked. */
  generations: readonly string[];
  form: KeyForm;
}

type Missing = (name: string, keys: number) => void;

export interface KeyFormatOptions {
  /** What older keys begin with, which are good as well. */
  accepted?: readonly string[];
  /** Those whose keys are good: `DB` alone where nothing else is said. */
  databases?: readonly string[];
  /** The form of keys that were made elsewhere; `null`: there are none. */
  foreign?: Settings<RegExp | null>;
  /** Called for a generation that a presented key names and that has no pepper: with the 1st such key, the 10th, the 100th… */
  onMissingPepper?: Missing;
  /** The same for a database that is not there. */
  onMissingDatabase?: Missing;
}

/**
 * The format of a key: `<prefix>_<41 random><2 database><1 generation><6 tag>`, all base62. A key is for ever, so it says
 * which database holds it.
 *
 * The digest is HMAC-SHA-256 of everything before the tag under the generation's pepper, base64url;
 * the tag is its first 48 bits in base62. The tag keeps forgeries away from the database and is
 * never the reason to accept a key.
 *
 * @param prefix - Brand and environment, for instance `lk_live`: what new keys begin with.
 * @param peppers - Generation character to pepper, the newest last; not empty.
 */
export function keyFormat(
  prefix: string,
  peppers: ReadonlyMap<string, string>,
  random: RandomSource,
  {
    accepted = [],
    databases = [FIRST_DATABASE],
    foreign = () => null,
    onMissingPepper = () => {},
    onMissingDatabase = () => {},
  }: KeyFormatOptions = {},
): KeyFormat {
  const start = `${prefix}_`;
  const prefixes = [prefix, ...accepted];
  // The one expression that every key is held against says as well which databases there are.
  const whole = wholeKey(prefixes, databases.join("|"));
  const ofAnyDatabase = wholeKey(prefixes, `[0-9A-Za-z]{${DATABASE_LENGTH}}`);
  const databaseOf = (rawKey: string) =>
    rawKey.slice(
      rawKey.length - AFTER_DATABASE_LENGTH - DATABASE_LENGTH,
      rawKey.length - AFTER_DATABASE_LENGTH,
    );
  const countMissingDatabase = counting(onMissingDatabase);
  const newest = [...peppers.keys()].at(-1) ?? "";
  // By length, one for all keys, as a buffer for each costs its collection: `sign` has copied it when it returns.
  const payloads = new Map(
    prefixes.map(({ length }) => {
      const text = length + 1 + BODY_LENGTH;
      return [text, new Uint8Array(text - TAG_LENGTH)];
    }),
  );
  const tag = new Uint8Array(TAG_LENGTH);
  const presentedTag = new Uint8Array(TAG_LENGTH);
  const hmacKeys = hmacKeysOf(peppers, onMissingPepper);
  const isForeign = (rawKey: string) =>
    isForeignLength(rawKey) && foreign()?.test(rawKey) === true && !ofAnyDatabase.test(rawKey);

  return {
    async create(database = FIRST_DATABASE) {
      const body = randomBase62(RANDOM_LENGTH, random);
      const text = start + body + database + newest;
      const key = hmacKeys.held.get(newest) ?? (await hmacKeys.make(newest));
      if (key === null) throw new TypeError("keyFormat: no pepper");
      const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8.encode(text)));
      return {
        rawKey: text + String.fromCharCode(...tagOf(signature, tag)),
        keyPrefix: start + body.slice(0, SHOWN_LENGTH),
        digest: digestOf(signature),
        generation: newest,
      };
    },

    async digest(rawKey) {
      const payload = whole.test(rawKey) ? payloads.get(rawKey.length) : undefined;
      if (payload === undefined) {
        if (ofAnyDatabase.test(rawKey)) countMissingDatabase(databaseOf(rawKey));
        return null;
      }
      const generation = rawKey.charAt(rawKey.length - TAG_LENGTH - GENERATION_LENGTH);
      const key = hmacKeys.held.get(generation) ?? (await hmacKeys.make(generation));
      if (key === null) return null;
      writeAscii(rawKey, payload);
      const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, payload));
      writeAscii(rawKey.slice(-TAG_LENGTH), presentedTag);
      const isGenuine = crypto.subtle.timingSafeEqual(tagOf(signature, tag), presentedTag);
      return isGenuine ? digestOf(signature) : null;
    },

    database: databaseOf,
    shown: (rawKey) =>
      ofAnyDatabase.test(rawKey) ? rawKey.slice(0, rawKey.length - BODY_LENGTH + SHOWN_LENGTH) : undefined,
    isForeign,
    generations: [...peppers.keys()],
    form: keyForm(prefixes, isForeign),
  };
}

function wholeKey(prefixes: readonly string[], databases: string): RegExp {
  const [before, after] = [RANDOM_LENGTH, AFTER_DATABASE_LENGTH].map((length) => `[0-9A-Za-z]{${length}}`);
  return new RegExp(`^${startOf(prefixes)}${before}(?:${databases})${after}$`);
}

/** Counts what is missing, and tells of the 1st key that names it, the 10th, the 100th… */
function counting(onMissing: Missing): (name: string) => void {
  const counts = new Map<string, number>();
  return function count(name) {
    const keys = (counts.get(name) ?? 0) + 1;
    counts.set(name, keys);
    if (Number.isInteger(Math.log10(keys))) onMissing(name, keys);
  };
}

/** The peppers as keys of WebCrypto, by generation: those that were made, and how to make one. */
export function hmacKeysOf(peppers: ReadonlyMap<string, string>, onMissingPepper: Missing) {
  // Plain data, not promises: a promise of one request must not be awaited by another.
  const held = new Map<string, CryptoKey>();
  const countMissing = counting(onMissingPepper);

  /** `null`: there is no such pepper. */
  async function make(generation: string): Promise<CryptoKey | null> {
    const pepper = peppers.get(generation);
    if (pepper === undefined) {
      countMissing(generation);
      return null;
    }
    const key = await crypto.subtle.importKey("raw", utf8.encode(pepper), HMAC, false, ["sign"]);
    held.set(generation, key);
    return key;
  }

  return { held, make };
}

export function digestOf(signature: Uint8Array): string {
  return signature.toBase64(BASE64URL);
}

function tagOf(signature: Uint8Array, tag: Uint8Array): Uint8Array {
  let bits = 0;
  for (let i = 0; i < TAG_BYTES; i++) bits = bits * 256 + (signature[i] ?? 0);
  return base62(bits, tag);
}

/** As much of a text in ASCII as `bytes` holds. For so short a text a call of `TextEncoder` costs more. */
function writeAscii(text: string, bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
}
