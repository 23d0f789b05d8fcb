import { digestOf, hmacKeysOf } from "./format.ts";

const utf8 = new TextEncoder();

export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(text)));
}

/** What the database may have a key by that was made elsewhere: one digest for each pepper, that of new keys first. */
export type ForeignDigests = (sha256: Uint8Array) => Promise<[string, ...string[]]>;

/**
 * Such a key names no generation. Its digest is HMAC-SHA-256 of its SHA-256 under a pepper, base64url: those who kept no
 * more than a hash of their keys can move in as well. No key of our own has the same one, as 32 bytes are never the
 * text of a key.
 *
 * @param peppers - Not empty.
 */
export function foreignDigests(peppers: ReadonlyMap<string, string>): ForeignDigests {
  const hmacKeys = hmacKeysOf(peppers, () => {});
  const [newest = "", ...older] = [...peppers.keys()].reverse();

  async function digest(generation: string, hash: Uint8Array): Promise<string> {
    const key = hmacKeys.held.get(generation) ?? (await hmacKeys.make(generation));
    if (key === null) throw new TypeError("foreignDigests: no pepper");
    return digestOf(new Uint8Array(await crypto.subtle.sign("HMAC", key, hash)));
  }

  return async (hash) => [
    await digest(newest, hash),
    ...(await Promise.all(older.map((generation) => digest(generation, hash)))),
  ];
}
