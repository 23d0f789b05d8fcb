import { sql } from "drizzle-orm";
import { type Database, isOneOf, nearest, onPrimary, primaryAlone } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { importedKeys } from "../db/tables.ts";
import { type ForeignDigests, sha256 } from "./foreign.ts";
import type { KeyFormat } from "./format.ts";

/** Where a key is. */
export type KeyPlace = typeof importedKeys.$inferSelect;

/** Where the key is that has one of these digests, the first of them that there is; `null`: nobody's. */
export type FindPlace = (digests: readonly string[]) => Promise<KeyPlace | null>;

/**
 * Asks the nearest replica. What is there never moves; of what is not there the primary has the last word, so that a key
 * works the moment after its import.
 *
 * @param first - `DB`, which has the index.
 */
export function placeFinder(first: D1Database): FindPlace {
  const dbs = [nearest(first), primaryAlone(first)];
  return async function findPlace(digests) {
    for (const db of dbs) {
      const rows = await selectPlaces(db, digests);
      const found = firstOf(digests, rows);
      if (found !== undefined) return found;
    }
    return null;
  };
}

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

/** Of a key that was stored under several peppers, the place that counts. */
function firstOf(digests: readonly string[], places: readonly KeyPlace[]): KeyPlace | undefined {
  return digests.flatMap((digest) => places.find((place) => place.digest === digest) ?? [])[0];
}

/** Of these digests, those that are imported. @throws DatabaseError */
export function findPlaces(first: D1Database, digests: readonly string[]): Promise<KeyPlace[]> {
  return onPrimary(first, (db) => selectPlaces(db, digests));
}

/** Says where keys are. Those that are somewhere already stay there: where each is now. @throws DatabaseError */
export function addPlaces(first: D1Database, places: readonly KeyPlace[]): Promise<KeyPlace[]> {
  return onPrimary(first, async (db) => {
    const values = selectInto(
      importedKeys,
      { digest: sql`value ->> '$.digest'`, database: sql`value ->> '$.database'` },
      sql`FROM json_each(${JSON.stringify(places)}) WHERE true`, // without WHERE, ON would be that of a join
    );
    const [, rows] = await db.batch([
      db.insert(importedKeys).select(values).onConflictDoNothing(),
      selectPlaces(
        db,
        places.map(({ digest }) => digest),
      ),
    ]);
    return rows;
  });
}

/** @throws DatabaseError */
export function dropPlaces(first: D1Database, digests: readonly string[]): Promise<void> {
  return onPrimary(first, async (db) => {
    await db.delete(importedKeys).where(isOneOf(importedKeys.digest, digests));
  });
}

function selectPlaces(db: Database, digests: readonly string[]) {
  return db.select().from(importedKeys).where(isOneOf(importedKeys.digest, digests));
}
