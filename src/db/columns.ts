import { type SQL, sql } from "drizzle-orm";
import { customType, type SQLiteColumn } from "drizzle-orm/sqlite-core";
import { isStringArray, isStringRecord, jsonOr } from "./json.ts";

/** Names, as a JSON array. A row that holds anything else, by whatever way it came there, has none. */
export const names = customType<{ data: string[]; driverData: string }>({
  dataType: () => "text",
  toDriver: (value) => JSON.stringify(value),
  fromDriver: (stored) => jsonOr(stored, isStringArray, []),
});

/** Texts by name, as a JSON object. Anything else is read as `null`. */
export const texts = customType<{ data: Record<string, string> | null; driverData: string }>({
  dataType: () => "text",
  toDriver: (value) => JSON.stringify(value),
  fromDriver: (stored) => jsonOr(stored, isStringRecord, null),
});

/**
 * A time, or none: whoever writes another value is refused. A text would never be reached, and what is past the year
 * 9999 cannot be shown.
 */
export function isTime(column: SQLiteColumn): SQL {
  return sql`typeof(${column}) IN ('integer', 'null') AND coalesce(${column} BETWEEN 0 AND 253402300799999, 1)`;
}

/** When what ends at `column` ends; that which never does, last. Without a comma, at which drizzle-kit would cut it. */
export function endOf(column: SQLiteColumn): SQL<number> {
  return sql<number>`CASE WHEN ${column} IS NULL THEN 253402300800000 ELSE ${column} END`;
}

export function isCount(column: SQLiteColumn): SQL {
  return sql`typeof(${column}) IN ('integer', 'null') AND coalesce(${column} >= 0, 1)`;
}

/** A list as JSON, or nothing. */
export function isList(column: SQLiteColumn): SQL {
  return sql`${column} IS NULL OR (json_valid(${column}) AND json_type(${column}) = 'array')`;
}

/** An object as JSON, or nothing. */
export function isObject(column: SQLiteColumn): SQL {
  return sql`${column} IS NULL OR (json_valid(${column}) AND json_type(${column}) = 'object')`;
}
