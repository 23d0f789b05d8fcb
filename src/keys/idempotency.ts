import { DAY_MS } from "../lib/time.ts";

/** How long a request is known again. */
const MEMORY_MS = DAY_MS;

/** Sets these keys apart from every other use of a pepper. */
const PURPOSE = "latchkey idempotency v1";
const CIPHER = "AES-GCM";
/** NIST SP 800-38D §8.2.2. */
const IV_BYTES = 12;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

const utf8 = new TextEncoder();

/** What is kept of a request that made a key: enough to know it again, and the key for whoever repeats it. */
export interface SealedAnswer {
  companyId: string;
  /** Of the request. */
  id: string;
  keyId: string;
  fingerprint: string;
  sealed: string;
  /** Milliseconds since the epoch, as all times here. */
  expiresAt: number;
}

/** A request that may come again: draft-ietf-httpapi-idempotency-key-header-07. */
export interface IdempotentRequest {
  companyId: string;
  /** Of company, path and the header's value, none of which can be read from it. */
  id: string;
  /** Of the body. */
  fingerprint: string;
  /** @param key - Made by this request. */
  seal(key: { id: string; rawKey: string; generation: string }, now: number): Promise<SealedAnswer>;
  /**
   * The raw key; `null` where the pepper is gone, or where somebody changed what was kept.
   *
   * @param generation - Of the key that the request made.
   */
  open(answer: SealedAnswer, generation: string | null): Promise<string | null>;
}

export interface RequestParts {
  companyId: string;
  path: string;
  /** Of the header: what the sealing depends on besides the pepper. */
  value: string;
  body: BufferSource;
}

/**
 * Seals by AES-256-GCM under a key that HKDF-SHA-256 (RFC 5869) derives from the header's value and the pepper, for this
 * company and path alone. The value is kept nowhere, so neither the database nor the peppers nor both open an answer.
 *
 * @param peppers - Generation character to pepper.
 */
export async function idempotentRequest(
  peppers: ReadonlyMap<string, string>,
  { companyId, path, value, body }: RequestParts,
): Promise<IdempotentRequest> {
  const id = await sha256(utf8.encode(JSON.stringify([PURPOSE, companyId, path, value])));
  const fingerprint = await sha256(body);
  const info = utf8.encode(JSON.stringify([PURPOSE, companyId, path]));

  async function sealingKey(generation: string): Promise<CryptoKey | null> {
    const pepper = peppers.get(generation);
    if (pepper === undefined) return null;
    const secret = await crypto.subtle.importKey("raw", utf8.encode(value), "HKDF", false, ["deriveKey"]);
    const hkdf = { name: "HKDF", hash: "SHA-256", salt: utf8.encode(pepper), info };
    const aes = { name: CIPHER, length: 256 };
    return crypto.subtle.deriveKey(hkdf, secret, aes, false, ["encrypt", "decrypt"]);
  }

  return {
    companyId,
    id,
    fingerprint,

    async seal({ id: keyId, rawKey, generation }, now) {
      const key = await sealingKey(generation);
      if (key === null) throw new TypeError("idempotentRequest: no pepper");
      const kept = { companyId, id, keyId, fingerprint, expiresAt: now + MEMORY_MS };
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const sealed = await crypto.subtle.encrypt(cipher(iv, kept), key, utf8.encode(rawKey));
      return { ...kept, sealed: new Uint8Array([...iv, ...new Uint8Array(sealed)]).toBase64(BASE64URL) };
    },

    async open({ sealed, ...kept }, generation) {
      const key = await sealingKey(generation ?? "");
      if (key === null) return null;
      try {
        const bytes = Uint8Array.fromBase64(sealed, BASE64URL);
        const opened = await crypto.subtle.decrypt(
          cipher(bytes.slice(0, IV_BYTES), kept),
          key,
          bytes.slice(IV_BYTES),
        );
        return new TextDecoder().decode(opened);
      } catch (fault) {
        if (fault instanceof DOMException || fault instanceof SyntaxError) return null;
        throw fault;
      }
    },
  };
}

/** What is kept in clear is authenticated with the rest: its end cannot be put off in the database. */
function cipher(iv: Uint8Array<ArrayBuffer>, kept: Omit<SealedAnswer, "sealed">) {
  const additionalData = utf8.encode(JSON.stringify([kept.id, kept.keyId, kept.fingerprint, kept.expiresAt]));
  return { name: CIPHER, iv, additionalData };
}

async function sha256(bytes: BufferSource): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toBase64(BASE64URL);
}
