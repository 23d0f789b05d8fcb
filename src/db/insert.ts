import { getTableColumns, is, SQL, sql } from "drizzle-orm";
import { SQLiteColumn, type SQLiteTable } from "drizzle-orm/sqlite-core";

/** A value, or where it comes from, for each column of a table by its name. */
export type ValuesOf<T extends SQLiteTable> = {
  [Name in keyof T["$inferSelect"]]: T["$inferSelect"][Name] | SQL | SQLiteColumn | null;
};

/**
 * The `SELECT` of an `INSERT … SELECT` into `table`: `values` in the order of its columns, whatever that order is.
 *
 * @param rest - What follows the values: `FROM …`, `WHERE …`.
 */
export function selectInto<T extends SQLiteTable>(table: T, values: ValuesOf<T>, rest: SQL): SQL {
  const list = Object.entries(getTableColumns(table)).map(([name, column]) => {
    const value = values[name as keyof ValuesOf<T>];
    return is(value, SQL) || is(value, SQLiteColumn) || value === null
      ? sql`${value}`
      : sql.param(value, column);
  });
  return sql`SELECT ${sql.join(list, sql`, `)} ${rest}`;
}
