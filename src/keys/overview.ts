import { and, asc, desc, eq, isNotNull, lt, not, or, type SQL, sql } from "drizzle-orm";
import { isOneOf, onPrimary } from "../db/client.ts";
import { endOf } from "../db/columns.ts";
import { apiKeys } from "../db/tables.ts";
import { usageDays } from "../db/usage-tables.ts";
import { DAY_MS, dayOf } from "../lib/time.ts";
import { isActive, isKey, isLive } from "./conditions.ts";
import { SOON_MS } from "./expiry.ts";
import { holds, labelForm, type StoredKey, stored } from "./queries.ts";

/** What people look for among their keys. A key may be in several groups, or in none. */
export const KEY_GROUPS = ["active", "expiring", "unused", "suspended", "ended"] as const;
export type KeyGroup = (typeof KEY_GROUPS)[number];

export const KEY_SORTS = ["created", "label", "expires", "used"] as const;
export type KeySort = (typeof KEY_SORTS)[number];

/** Which of a company's keys, and in what order. */
export interface KeyView {
  group?: KeyGroup | undefined;
  /** After how many days without use a key counts as unused. */
  unusedDays: number;
  /** A part of the label or of the prefix. */
  q?: string | undefined;
  sort: KeySort;
  isDescending: boolean;
  /** The last key of the page before, or the first one of the page behind. */
  from?: { id: string; isBackward: boolean } | undefined;
  limit: number;
}

export interface KeyOverview {
  rows: StoredKey[];
  /** How many keys there are of each group, among those that the search finds. */
  counts: Record<KeyGroup | "all", number>;
  /** The company has more keys than are counted: there may be more of each group. */
  isCapped: boolean;
  hasPrevious: boolean;
  hasNext: boolean;
}

/** Keys that are counted, the newest: some 10 ms. */
const COUNTED_KEYS = 2_000;

const NO_KEYS = { total: 0, all: 0, active: 0, expiring: 0, unused: 0, suspended: 0, ended: 0 };

const ORDERS: Record<KeySort, SQL> = {
  created: sql`${apiKeys.createdAt}`,
  label: labelForm,
  expires: endOf(apiKeys.expiresAt),
  used: sql`coalesce(${stored.lastUsedAt}, 0)`,
};

/**
 * A page of the company's keys, and how many there are of each group. Every statement reads keys of this company alone,
 * of which there are as many as its cap allows.
 *
 * @param generations - Those whose keys can be checked.
 * @param now - Milliseconds since the epoch.
 * @throws DatabaseError
 */
export function keyOverview(
  d1: D1Database,
  companyId: string,
  view: KeyView,
  { generations, now }: { generations: readonly string[]; now: number },
): Promise<KeyOverview> {
  const { group, unusedDays, q = "", sort, from, limit } = view;
  const groups = groupConditions(now, generations, unusedDays);
  const found = q === "" ? sql`true` : holds(q);
  const isOurs = eq(apiKeys.companyId, companyId);
  const isDescending = view.isDescending !== (from?.isBackward ?? false);
  const direction = isDescending ? desc : asc;
  const place = sql`(${ORDERS[sort]}, ${apiKeys.id})`;
  const further = sql.raw(isDescending ? "<" : ">");
  const beyond =
    from &&
    sql`${place} ${further} (SELECT ${ORDERS[sort]}, ${apiKeys.id} FROM ${apiKeys} WHERE ${isKey(companyId, from.id)})`;
  const count = (condition: SQL) => sql<number>`count(*) FILTER (WHERE ${found} AND ${condition})`;
  const { active, expiring, unused, suspended, ended } = groups;
  const newest = sql`(SELECT * FROM ${apiKeys} WHERE ${isOurs}
    ORDER BY ${desc(apiKeys.createdAt)}, ${desc(apiKeys.id)} LIMIT ${COUNTED_KEYS + 1}) AS ${apiKeys}`;

  return onPrimary(d1, async (db) => {
    const [rows, [counted]] = await db.batch([
      db
        .select(stored)
        .from(apiKeys)
        .where(and(isOurs, group && groups[group], q === "" ? undefined : found, beyond))
        .orderBy(direction(ORDERS[sort]), direction(apiKeys.id))
        .limit(limit + 1),
      db
        .select({
          total: sql<number>`count(*)`,
          all: count(sql`true`),
          active: count(active),
          expiring: count(expiring),
          unused: count(unused),
          suspended: count(suspended),
          ended: count(ended),
        })
        .from(newest),
    ]);
    const { total, ...counts } = { ...NO_KEYS, ...counted };
    const page = rows.slice(0, limit);
    const isMore = rows.length > limit;
    const isBackward = from?.isBackward ?? false;
    return {
      rows: isBackward ? page.reverse() : page,
      counts,
      isCapped: total > COUNTED_KEYS,
      hasPrevious: isBackward ? isMore : from !== undefined,
      hasNext: isBackward || isMore,
    };
  });
}

/** Those of the company's keys that have one of these ids, by it. @throws DatabaseError */
export async function keysOf(
  d1: D1Database,
  companyId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredKey>> {
  const wanted = and(eq(apiKeys.companyId, companyId), isOneOf(apiKeys.id, ids));
  const rows = await onPrimary(d1, (db) => db.select(stored).from(apiKeys).where(wanted).all());
  return new Map(rows.map((row) => [row.id, row]));
}

/** The keys that a rotation made of the key of `id`, and that which one made it of. @throws DatabaseError */
export function neighbours(
  d1: D1Database,
  companyId: string,
  { id, replaces }: { id: string; replaces: string | null },
): Promise<StoredKey[]> {
  const isOne = or(eq(apiKeys.replacesId, id), eq(apiKeys.id, replaces ?? ""));
  const wanted = and(eq(apiKeys.companyId, companyId), isOne);
  return onPrimary(d1, (db) => db.select(stored).from(apiKeys).where(wanted).all());
}

/** When a key is in which group. */
function groupConditions(
  now: number,
  generations: readonly string[],
  unusedDays: number,
): Record<KeyGroup, SQL> {
  const since = now - unusedDays * DAY_MS;
  const live = isLive(now);
  const isGood = isActive(now, generations);
  const wasUsed = sql`EXISTS (SELECT 1 FROM ${usageDays} WHERE ${and(
    eq(usageDays.keyId, apiKeys.id),
    sql`${usageDays.day} >= ${dayOf(since)}`,
    sql`${usageDays.lastUsedAt} >= ${since}`,
  )})`;
  return {
    active: isGood,
    expiring: sql`(${isGood} AND ${lt(apiKeys.expiresAt, now + SOON_MS)})`,
    unused: sql`(${live} AND max(${apiKeys.createdAt}, coalesce(${apiKeys.lastUsedAt}, 0)) < ${since} AND NOT ${wasUsed})`,
    suspended: sql`(${live} AND ${isNotNull(apiKeys.suspendedAt)})`,
    ended: not(live),
  };
}
