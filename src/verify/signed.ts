/** Sets this key apart from every other use of a pepper, and what is signed from what earlier releases sign. */
const PURPOSE = "latchkey shared texts v1";
/** Of HMAC-SHA-256. */
const SIGNATURE_BYTES = 32;
/** What is longer is not read: a thousand changes are some 90 KB. */
const MAX_BYTES = 200_000;

const utf8 = new TextEncoder();

/** Texts that the isolates of a data centre share, each by its name. Both may fail, and may never end. */
export interface SharedTexts {
  /** `null`: there is none, or nobody with the pepper wrote it, under this name and of this database. */
  get(name: string): Promise<string | null>;
  /** @param seconds - Whole ones, for which it is kept at most. */
  put(name: string, text: string, seconds: number): Promise<void>;
}

/**
 * Texts in the Cache API, which is one for each data centre. Whoever writes that cache could hide a revocation, so each
 * is signed with its name: by HMAC-SHA-256 under a key that HKDF-SHA-256 (RFC 5869) derives from the pepper of new keys,
 * for this database alone. Where there is no Cache API, or none that keeps anything (workers.dev), there is no text.
 *
 * @param database - The characters by which keys name it.
 */
export function signedTexts(database: string, peppers: ReadonlyMap<string, string>): SharedTexts {
  const pepper = [...peppers.values()].at(-1) ?? "";
  let held: CryptoKey | undefined;

  async function key(): Promise<CryptoKey> {
    if (held !== undefined) return held;
    const secret = await crypto.subtle.importKey("raw", utf8.encode(pepper), "HKDF", false, ["deriveKey"]);
    const info = utf8.encode(JSON.stringify([PURPOSE, database]));
    const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
    const hmac = { name: "HMAC", hash: "SHA-256" };
    held = await crypto.subtle.deriveKey(hkdf, secret, hmac, false, ["sign", "verify"]);
    return held;
  }

  return {
    async get(name) {
      const response = await (await caches.open("latchkey")).match(await urlOf(name));
      const bytes = response === undefined ? null : await bytesOf(response);
      if (bytes === null) return null;
      const [signature, text] = [bytes.subarray(0, SIGNATURE_BYTES), bytes.subarray(SIGNATURE_BYTES)];
      const isOurs = await crypto.subtle.verify("HMAC", await key(), signature, await named(name, text));
      return isOurs ? new TextDecoder().decode(text) : null;
    },
    async put(name, text, seconds) {
      const bytes = utf8.encode(text);
      const signature = await crypto.subtle.sign("HMAC", await key(), await named(name, bytes));
      const body = await joined(signature, bytes);
      const headers = { "Cache-Control": `max-age=${seconds}` };
      await (await caches.open("latchkey")).put(await urlOf(name), new Response(body, { headers }));
    },
  };

  /** A name may hold what belongs in no URL. */
  async function urlOf(name: string): Promise<string> {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(name)));
    return `https://latchkey.invalid/${database}/${hash.toBase64({ alphabet: "base64url", omitPadding: true })}`;
  }
}

/** What is signed: a name has no line break. */
function named(name: string, text: Uint8Array): Promise<ArrayBuffer> {
  return joined(`${name}\n`, text);
}

function joined(...parts: (string | ArrayBuffer | ArrayBufferView)[]): Promise<ArrayBuffer> {
  return new Blob(parts).arrayBuffer();
}

/** `null`: it is too long. */
async function bytesOf({ body }: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const part of body ?? []) {
    length += part.byteLength;
    if (length > MAX_BYTES) return null;
    parts.push(part);
  }
  return new Uint8Array(await joined(...parts));
}
