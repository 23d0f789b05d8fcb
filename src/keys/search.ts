import { and, eq, gte, isNull, lt, type SQL, sql } from "drizzle-orm";
import { onPrimary } from "../db/client.ts";
import { endOf } from "../db/columns.ts";
import { apiKeys } from "../db/tables.ts";
import { type Page, type Place, placeIn, type Walk, walk } from "../db/walk.ts";
import { type StoredKey, stored } from "./queries.ts";

/** Which keys of all companies; times are milliseconds since the epoch. */
export interface KeySearch {
  /** What their prefix begins with. */
  prefix?: string | undefined;
  company?: string | undefined;
  /** Subject of the access token that made them. */
  createdBy?: string | undefined;
  /** Made with its pepper and not revoked. */
  generation?: string | undefined;
  expiresBefore?: number | undefined;
  /** Last used before. Those that were never used are not among them. */
  unusedSince?: number | undefined;
  after?: Place | undefined;
  limit: number;
}

/** Behind every prefix. */
const LAST_CHARACTER = "\u{10FFFF}";

type Way = Pick<Walk, "order" | "isDescending"> & { range: SQL | undefined };

const newest: Pick<Walk, "order" | "isDescending"> = {
  order: [apiKeys.createdAt, apiKeys.id],
  isDescending: true,
};

/** What of each part of a search an index finds, the narrowest first. */
function waysOf({ prefix, company, createdBy, generation, expiresBefore }: KeySearch): Way[] {
  const { keyPrefix, companyId, createdBySubject, expiresAt, revokedAt, id } = apiKeys;
  return [
    ...(prefix === undefined
      ? []
      : [
          {
            range: and(gte(keyPrefix, prefix), lt(keyPrefix, prefix + LAST_CHARACTER)),
            order: [keyPrefix, id],
          },
        ]),
    ...(createdBy === undefined ? [] : [{ range: eq(createdBySubject, createdBy), ...newest }]),
    ...(company === undefined ? [] : [{ range: eq(companyId, company), ...newest }]),
    ...(generation === undefined
      ? []
      : [
          {
            range: and(eq(apiKeys.generation, generation), isNull(revokedAt)),
            order: [endOf(expiresAt), id],
          },
        ]),
    ...(expiresBefore === undefined ? [] : [{ range: lt(expiresAt, expiresBefore), order: [expiresAt, id] }]),
  ];
}

/**
 * A page of keys: by prefix, the newest first, or by when they end, as what is asked for has it. It may have fewer of
 * them than `limit`, or none, and yet not be the last.
 *
 * @returns `null` where `after` is no place of such a search.
 * @throws DatabaseError
 */
export function searchKeys(d1: D1Database, search: KeySearch): Promise<Page<StoredKey> | null> {
  const { unusedSince, after, limit } = search;
  const [way = { range: undefined, order: [apiKeys.id] }, ...others] = waysOf(search);
  const isUnused = unusedSince === undefined ? undefined : sql`${stored.lastUsedAt} < ${unusedSince}`;
  const filter = and(...others.map(({ range }) => range), isUnused);
  return onPrimary(d1, async (db) => {
    const page = await walk(db, { table: apiKeys, key: apiKeys.id, ...way, filter, after, limit }, (part) =>
      db
        .select({ ...stored, place: placeIn(way.order) })
        .from(apiKeys)
        .where(part.where)
        .orderBy(...part.orderBy)
        .limit(part.limit),
    );
    return page && { ...page, rows: page.rows.map(({ place: _, ...row }) => row) };
  });
}

/** The key of whichever company. @throws DatabaseError */
export function findKey(d1: D1Database, by: { id: string } | { digest: string }): Promise<StoredKey | null> {
  const isIt = "id" in by ? eq(apiKeys.id, by.id) : eq(apiKeys.digest, by.digest);
  return onPrimary(d1, async (db) => (await db.select(stored).from(apiKeys).where(isIt).get()) ?? null);
}
