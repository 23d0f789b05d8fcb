import { and, eq, getTableColumns, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import { onPrimary } from "../db/client.ts";
import { companies, keyCounts } from "../db/tables.ts";
import { companyDays } from "../db/usage-tables.ts";
import { type Page, type Place, placeIn, type Walk, walk } from "../db/walk.ts";
import { type Company, usualCompany } from "./policy.ts";

export interface CompanySearch {
  /** A part of its id. */
  q?: string | undefined;
  /** By how many keys they have, or uses on `day`, most first; by their ids by default. */
  sort?: "keys" | "use" | undefined;
  /** `YYYY-MM-DD`. */
  day: string;
  after?: Place | undefined;
  limit: number;
}

export interface ListedCompany extends Company {
  /** That are not revoked, expired ones among them. */
  keys: number;
  /** How often they were accepted on the day. */
  uses: number;
}

/** Beside what is walked through, which may be the same table. */
const counted = alias(keyCounts, "counted");
const used = alias(companyDays, "used");

/**
 * A page of the companies that ever had a key or a setting; by use, of those that had any. It may have fewer of them than `limit`, or none, and yet not
 * be the last.
 *
 * @returns `null` where `after` is no place of such a list.
 * @throws DatabaseError
 */
export function listCompanies(d1: D1Database, search: CompanySearch): Promise<Page<ListedCompany> | null> {
  const { q, sort, day, after, limit } = search;
  const { order, ...way } = wayOf(search);
  const id = way.key;
  const isWanted = q === undefined ? undefined : sql`instr(${id}, ${q}) > 0`;
  // Of one day, all are read: there are no more of them than companies.
  const wanted = sort === "use" ? { range: and(way.range, isWanted) } : { filter: isWanted };
  return onPrimary(d1, async (db) => {
    const keys = db.select({ keys: counted.keys }).from(counted).where(eq(counted.companyId, id));
    const uses = db
      .select({ allowed: used.allowed })
      .from(used)
      .where(and(eq(used.companyId, id), eq(used.day, day)));
    const columns = {
      id: sql<string>`${id}`,
      keys: sql<number>`coalesce(${keys}, 0)`,
      uses: sql<number>`coalesce(${uses}, 0)`,
      set: getTableColumns(companies),
      place: placeIn(order),
    };
    const page = await walk(db, { ...way, order, ...wanted, after, limit }, (part) =>
      db
        .select(columns)
        .from(way.table)
        .leftJoin(companies, eq(companies.id, id))
        .where(part.where)
        .orderBy(...part.orderBy)
        .limit(part.limit),
    );
    return page && { ...page, rows: page.rows.map(listed) };
  });
}

function wayOf({
  sort,
  day,
}: CompanySearch): Pick<Walk, "table" | "key" | "range" | "order" | "isDescending"> {
  if (sort === "use") {
    const { companyId: key, allowed } = companyDays;
    const range = eq(companyDays.day, day);
    return { table: companyDays, key, range, order: [allowed, key], isDescending: true };
  }
  const { companyId: key, keys } = keyCounts;
  if (sort === "keys") return { table: keyCounts, key, order: [keys, key], isDescending: true };
  return { table: keyCounts, key, order: [key] };
}

function listed({ id, keys, uses, set }: { id: string; keys: number; uses: number; set: Company | null }) {
  return { ...(set ?? usualCompany(id)), keys, uses };
}
