import { sql } from "drizzle-orm";
import { type Database, isOneOf, nearest, onPrimary, primaryAlone } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { importedKeys } from "../db/tables.ts";
import { once } from "../lib/settings.ts";

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
  const dbs = [once(() => nearest(first)), once(() => primaryAlone(first))];
  return async function findPlace(digests) {
    for (const db of dbs) {
      const rows = await selectPlaces(db(), digests);
      const found = firstOf(digests, rows);
      if (found !== undefined) return found;
    }
    return null;
  };
}

/** Of a key that was stored under several peppers, the place that counts. */
export function firstOf(digests: readonly string[], places: readonly KeyPlace[]): KeyPlace | undefined {
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
