import { and, asc, desc, is, type SQL, sql } from "drizzle-orm";
import type { RunnableQuery } from "drizzle-orm/runnable-query";
import { SQLiteColumn, type SQLiteTable } from "drizzle-orm/sqlite-core";
import { pageOf } from "../lib/page.ts";
import type { Database } from "./client.ts";
import { jsonOr } from "./json.ts";

/** Rows that one page reads at most, whatever is wanted of them: some 10 ms. */
const WINDOW = 2_000;

/** What the columns of an order hold at a row: where it stands. */
export type Place = readonly (string | number)[];

/** A way through a table, in the order of an index. */
export interface Walk {
  table: SQLiteTable;
  /** Tells a row of the table from all others. */
  key: SQLiteColumn;
  /** What of the index is walked through; all of it by default. */
  range?: SQL | undefined;
  /** The columns of the index behind those of the range; what is no column is a number. */
  order: readonly (SQLiteColumn | SQL)[];
  isDescending?: boolean;
  /** What is wanted of the range, where that is not all of it. */
  filter?: SQL | undefined;
  /** Where the page before ended. */
  after?: Place | undefined;
  limit: number;
}

/** What a page is read by. */
export interface Part {
  where: SQL | undefined;
  orderBy: SQL[];
  limit: number;
}

export interface Page<T> {
  rows: T[];
  /** Where each of them stands. */
  places: Place[];
  /** Where this page ended; `null`: there is no other one. */
  next: Place | null;
  isDescending: boolean;
}

/** Where a row stands, to be selected with it. */
export function placeIn(order: Walk["order"]): SQL<string> {
  return sql<string>`json_array(${sql.join([...order], sql`, `)})`;
}

/**
 * One page of a walk. Where there is a filter it may have fewer rows than `limit`, or none, and yet not be the last: it
 * reads a bounded number of them.
 *
 * @returns `null` where `after` is no place of this order.
 */
export async function walk<T extends { place: string }>(
  db: Database,
  { table, key, range, order, isDescending = false, filter, after, limit }: Walk,
  select: (part: Part) => RunnableQuery<T[], "sqlite"> & PromiseLike<T[]>,
): Promise<Page<T> | null> {
  if (after !== undefined && !fits(after, order)) return null;
  const orderBy = order.map((column) => (isDescending ? desc(column) : asc(column)));

  async function read(where: SQL | undefined): Promise<{ rows: T[]; end: string | null }> {
    if (filter === undefined) return { rows: await select({ where, orderBy, limit: limit + 1 }), end: null };
    const within = db
      .select({ key })
      .from(table)
      .where(where)
      .orderBy(...orderBy)
      .limit(WINDOW);
    // What is wanted must not lead SQLite to another index, of which it would read more.
    const wanted = sql`${key} IN ${within} AND (${filter}) IS TRUE`;
    const [rows, ends] = await db.batch([
      select({ where: wanted, orderBy, limit: limit + 1 }),
      db
        .select({ place: placeIn(order) })
        .from(table)
        .where(where)
        .orderBy(...orderBy)
        .limit(1)
        .offset(WINDOW - 1),
    ]);
    return { rows, end: ends[0]?.place ?? null };
  }

  const all: T[] = [];
  let end: string | null = null;
  for (const part of after === undefined ? [undefined] : behind(order, after, isDescending)) {
    const found = await read(and(range, part));
    all.push(...found.rows);
    end = found.end;
    if (end !== null || all.length > limit) break;
  }
  const { page: rows, last } = pageOf(all, limit);
  const places = rows.map(({ place }) => placeOf(place));
  const next = last?.place ?? end;
  return { rows, places, next: next === null ? null : placeOf(next), isDescending };
}

function placeOf(selected: string): Place {
  return jsonOr(selected, isPlace, []);
}

export function isPlace(value: unknown): value is Place {
  return (
    Array.isArray(value) &&
    value.every((part) => typeof part === "string" || (typeof part === "number" && Number.isFinite(part)))
  );
}

function fits(place: Place, order: Walk["order"]): boolean {
  return (
    place.length === order.length &&
    order.every((column, i) => typeof place[i] === (is(column, SQLiteColumn) ? column.dataType : "number"))
  );
}

/** What comes behind a place: ranges of the index, one after the other. */
function behind(order: Walk["order"], place: Place, isDescending: boolean): SQL[] {
  const further = sql.raw(isDescending ? "<" : ">");
  const [first, second] = order;
  // SQLite finds rows of values in an index of columns alone.
  if (second !== undefined && !is(first, SQLiteColumn)) {
    const [value, other] = place;
    return [sql`${first} = ${value} AND ${second} ${further} ${other}`, sql`${first} ${further} ${value}`];
  }
  const values = place.map((part) => sql`${part}`);
  return [sql`(${sql.join([...order], sql`, `)}) ${further} (${sql.join(values, sql`, `)})`];
}
