import type { Answer } from "./answer.ts";
import { appWith, call } from "./api.ts";
import { keyPair, type P256 } from "./jws.ts";
import { scenario } from "./scenario.ts";

const SEQUENCE = 0x30;
const INTEGER = 0x02;

/** Where reports go. */
export const REPORTS = "/integrations/github/secret-scanning";

/** A DER integer, at least one byte long, with a zero before a first bit that is set. */
function integer(digits: Uint8Array): number[] {
  const first = digits.findIndex((byte) => byte !== 0);
  const short = first < 0 ? [0] : [...digits.subarray(first)];
  const positive = (short[0] ?? 0) < 0x80 ? short : [0, ...short];
  return [INTEGER, positive.length, ...positive];
}

/** The DER form of a raw signature of P-256. */
export function derOf(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const contents = [...integer(raw.subarray(0, 32)), ...integer(raw.subarray(32))];
  return Uint8Array.of(SEQUENCE, contents.length, ...contents);
}

interface PublicKey {
  key_identifier: unknown;
  key: unknown;
  is_current?: boolean;
}

/** The answer that publishes `keys`. */
export function published(...keys: unknown[]): Answer {
  return { body: JSON.stringify({ public_keys: keys }) };
}

/** The public part of `key` as GitHub publishes it. */
async function publicKey(identifier: string, key: CryptoKey): Promise<PublicKey> {
  const spki = new Uint8Array((await crypto.subtle.exportKey("spki", key)) as ArrayBuffer);
  const lines = spki.toBase64().replace(/.{64}/g, "$&\n");
  return {
    key_identifier: identifier,
    key: `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n`,
    is_current: true,
  };
}

/** A new key pair of `algorithm`: what signs, and what is published. */
export async function reporterPair(identifier: string, algorithm?: object) {
  const { key, jwk } = await keyPair(algorithm);
  const open = await crypto.subtle.importKey("jwk", jwk as JsonWebKey, key.algorithm as typeof P256, true, [
    "verify",
  ]);
  return { key, published: await publicKey(identifier, open) };
}

/** The headers of a report that `key` has signed. */
export async function signed(
  identifier: string,
  key: CryptoKey,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<Record<string, string>> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const raw = new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, bytes));
  return {
    "Content-Type": "application/json",
    "Github-Public-Key-Identifier": identifier,
    "Github-Public-Key-Signature": derOf(raw).toBase64(),
  };
}

/** A reporter with a key of its own, and an app that trusts it. */
export async function reporter(overrides: Record<string, unknown> = {}) {
  const { key, published: own } = await reporterPair("current");
  const server = await scenario(published(own));
  const url = `${server.url}/keys`;
  const target = appWith({ LEAK_REPORT_KEYS_URL: url, ...overrides });

  /** A body as it goes on the wire. */
  const wire = (body: unknown) =>
    typeof body === "string" || body instanceof Uint8Array
      ? (body as string | Uint8Array<ArrayBuffer>)
      : JSON.stringify(body);

  return {
    ...server,
    url,
    key,
    target,
    headers: (body: unknown) => signed("current", key, wire(body)),
    /** Sends `body`, signed but for what `headers` change. */
    async report(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
      const init = { ...(await signed("current", key, wire(body))), ...headers };
      return call(REPORTS, { method: "POST", headers: init, body: wire(body) }, target);
    },
  };
}
