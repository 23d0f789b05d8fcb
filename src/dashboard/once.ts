import { eq, inArray, lte } from "drizzle-orm";
import { onPrimary } from "../db/client.ts";
import { dashboardUses as uses } from "../db/tables.ts";

/**
 * Whether nobody has done before what `id` names. It is remembered until `endsAt`, in milliseconds since the epoch.
 *
 * @throws DatabaseError
 */
export type Once = (id: string, endsAt: number) => Promise<boolean>;

export function once(d1: D1Database): Once {
  return async function once(id, endsAt) {
    const user = crypto.randomUUID();
    return onPrimary(d1, async (db) => {
      const first = await db
        .insert(uses)
        .values({ id, user, endsAt })
        .onConflictDoUpdate({ target: uses.id, set: { endsAt }, setWhere: eq(uses.user, user) })
        .returning({ id: uses.id });
      return first.length > 0;
    });
  };
}

/** Forgets at most `limit` uses that are over by `now`. @returns how many there were. @throws DatabaseError */
export function dropUses(d1: D1Database, now: number, limit: number): Promise<number> {
  return onPrimary(d1, async (db) => {
    const over = db.select({ id: uses.id }).from(uses).where(lte(uses.endsAt, now)).limit(limit);
    return (await db.delete(uses).where(inArray(uses.id, over)).returning({ id: uses.id })).length;
  });
}
