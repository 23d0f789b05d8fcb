/** Sets this key apart from every other use of a pepper, and what is signed from what earlier releases sign. */
const PURPOSE = "latchkey shared feed v1";
/** Of HMAC-SHA-256. */
const SIGNATURE_BYTES = 32;
/** What is longer is not read: a thousand changes are some 90 KB. */
const MAX_BYTES = 200_000;
/** The Cache API knows whole seconds; `readAt` tells the age. */
const HEADERS = { "Cache-Control": "max-age=1" };

const utf8 = new TextEncoder();

/** One text that the isolates of a data centre share. Both may fail, and may never end. */
export interface SharedText {
  /** `null`: there is none, or nobody with the pepper wrote it, of this database. */
  get(): Promise<string | null>;
  put(text: string): Promise<void>;
}

/**
 * A text in the Cache API, which is one for each data centre. Whoever writes that cache could hide a revocation, so the
 * text is signed: by HMAC-SHA-256 under a key that HKDF-SHA-256 (RFC 5869) derives from the pepper of new keys, for
 * this database alone. Where there is no Cache API, or none that keeps anything (workers.dev), there is no text.
 *
 * @param database - The characters by which keys name it.
 */
export function signedText(database: string, peppers: ReadonlyMap<string, string>): SharedText {
  const url = `https://latchkey.invalid/feed/${database}`;
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
    async get() {
      const response = await (await caches.open("latchkey")).match(url);
      const bytes = response === undefined ? null : await bytesOf(response);
      if (bytes === null) return null;
      const [signature, text] = [bytes.subarray(0, SIGNATURE_BYTES), bytes.subarray(SIGNATURE_BYTES)];
      const isOurs = await crypto.subtle.verify("HMAC", await key(), signature, text);
      return isOurs ? new TextDecoder().decode(text) : null;
    },
    async put(text) {
      const bytes = utf8.encode(text);
      const signature = await crypto.subtle.sign("HMAC", await key(), bytes);
      const body = await new Blob([signature, bytes]).arrayBuffer();
      await (await caches.open("latchkey")).put(url, new Response(body, { headers: HEADERS }));
    },
  };
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
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
