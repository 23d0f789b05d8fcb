import { pageOf } from "../lib/page.ts";
import type { Databases } from "./databases.ts";
import type { Page, Place } from "./walk.ts";

/**
 * A page out of all databases, each of which has a page of the same walk.
 *
 * @returns `null` where `read` does.
 */
export async function acrossDatabases<T>(
  { all }: Pick<Databases, "all">,
  limit: number,
  read: (d1: D1Database) => Promise<Page<T> | null>,
): Promise<Page<T> | null> {
  const pages: Page<T>[] = [];
  for (const page of await Promise.all(all.map(({ d1 }) => read(d1)))) {
    if (page === null) return null;
    pages.push(page);
  }
  return merge(pages, limit);
}

function merge<T>(pages: readonly Page<T>[], limit: number): Page<T> {
  const isDescending = pages.some((page) => page.isDescending);
  const compare = (a: Place, b: Place) => (isDescending ? -1 : 1) * order(a, b);
  // As far as every database was read.
  const [end = null] = pages.flatMap(({ next }) => (next === null ? [] : [next])).sort(compare);
  const entries = pages
    .flatMap(({ rows, places }) => rows.map((row, i) => ({ row, place: places[i] ?? [] })))
    .filter(({ place }) => end === null || compare(place, end) <= 0)
    .sort((a, b) => compare(a.place, b.place));
  const { page, last } = pageOf(entries, limit);
  return {
    rows: page.map(({ row }) => row),
    places: page.map(({ place }) => place),
    next: last?.place ?? end,
    isDescending,
  };
}

function order(a: Place, b: Place): number {
  for (const [i, part] of a.entries()) {
    const other = b[i];
    const difference =
      typeof part === "number" && typeof other === "number"
        ? part - other
        : orderOfTexts(String(part), String(other));
    if (difference !== 0) return difference;
  }
  return 0;
}

/** As SQLite orders them: by their bytes in UTF-8. */
function orderOfTexts(a: string, b: string): number {
  const [x, y] = [bytesOf(a), bytesOf(b)];
  return Number(x > y) - Number(x < y);
}

/** In hex, which is in the order of the bytes. */
function bytesOf(text: string): string {
  return new TextEncoder().encode(text).toHex();
}
