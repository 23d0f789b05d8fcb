import { type ForeignDigests, sha256 } from "./foreign.ts";
import type { KeyFormat } from "./format.ts";
import { findPlaces, firstOf, type KeyPlace } from "./places.ts";

/** Where keys are, whoever made them, and whether or not there are such keys; `null`: it is no key. @throws DatabaseError */
export type LocateKeys = (rawKeys: readonly string[]) => Promise<(KeyPlace | null)[]>;

/** Texts that are looked up in one statement. */
const PIECE_TEXTS = 500;

export function keyLocator(
  format: Pick<KeyFormat, "digest" | "database" | "form">,
  digestsOf: ForeignDigests,
  first: D1Database,
): LocateKeys {
  async function locateForeign(rawKeys: readonly string[]): Promise<Map<string, KeyPlace>> {
    const located = new Map<string, KeyPlace>();
    const foreign = rawKeys.filter((rawKey) => format.form.isForeign(rawKey));
    for (let i = 0; i < foreign.length; i += PIECE_TEXTS) {
      const piece = foreign.slice(i, i + PIECE_TEXTS);
      const digests = await Promise.all(piece.map(async (rawKey) => digestsOf(await sha256(rawKey))));
      const rows = await findPlaces(first, digests.flat());
      for (const [j, rawKey] of piece.entries()) {
        const place = firstOf(digests[j] ?? [], rows);
        if (place !== undefined) located.set(rawKey, place);
      }
    }
    return located;
  }

  return async function locate(rawKeys) {
    const digests = await Promise.all(rawKeys.map((rawKey) => format.digest(rawKey)));
    const others = await locateForeign(rawKeys.filter((_, i) => digests[i] === null));
    return rawKeys.map((rawKey, i) => {
      const digest = digests[i];
      return digest ? { digest, database: format.database(rawKey) } : (others.get(rawKey) ?? null);
    });
  };
}
