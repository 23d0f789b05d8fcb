import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { acrossDatabases } from "../../src/db/across.ts";
import type { Page, Place } from "../../src/db/walk.ts";

/** A page for each of two databases, whose rows are their places. */
function read(
  limit: number,
  first: readonly Place[],
  second: readonly Place[] | null,
  options: Partial<Page<Place>> = {},
) {
  const pages = [first, second].map(
    (places) =>
      places && { rows: [...places], places: [...places], next: null, isDescending: false, ...options },
  );
  const all = ["00", "01"].map((name) => ({ name, d1: env.DB }));
  return acrossDatabases({ all: [all[0], all[1]] as never }, limit, async () => pages.shift() ?? null);
}

test("rows of several databases come in one order: numbers by size, texts by code points, a beginning before what goes on", async () => {
  const page = await read(
    9,
    [
      [1, "a"],
      [2, "ab"],
      [10, "𝕏"],
    ],
    [
      [2, "a"],
      [10, "\uffff"],
      [10, "𝕏"],
    ],
  );
  expect(page?.rows).toEqual([
    [1, "a"],
    [2, "a"],
    [2, "ab"],
    [10, "\uffff"],
    [10, "𝕏"],
    [10, "𝕏"],
  ]);
  expect(page?.next).toBeNull();
});

test("a page goes no further than every database was read, and is no longer than asked for", async () => {
  expect(await read(9, [[1], [4]], [[2]], { next: [3] })).toMatchObject({ rows: [[1], [2]], next: [3] });
  expect(await read(2, [[1], [4]], [[2]])).toMatchObject({ rows: [[1], [2]], next: [2] });
});

test("where the newest come first, they do so across databases", async () => {
  expect((await read(9, [[4], [1]], [[2]], { isDescending: true }))?.rows).toEqual([[4], [2], [1]]);
});

test("a place that is none of one database is none of all", async () => {
  expect(await read(9, [[1]], null)).toBeNull();
});
