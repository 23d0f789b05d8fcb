import * as z from "zod/mini";
import { bound } from "../lib/settings.ts";

/** Of `DB`. What belongs to no company is there, and where each company is. */
export const FIRST_DATABASE = "00";

/** Which database new companies come to live in. Empty: the last one. */
export const placementSettings = z.pipe(
  z
    .looseObject({ PLACE_NEW_COMPANIES: z.string() })
    .check(
      z.refine(
        ({ PLACE_NEW_COMPANIES: name, ...env }) =>
          name === "" || name === FIRST_DATABASE || Object.hasOwn(env, `DB_${name}`),
        { path: ["PLACE_NEW_COMPANIES"], error: "must be a database that is bound: 00 for DB, 01 for DB_01" },
      ),
    ),
  z.transform(({ PLACE_NEW_COMPANIES }) => ({ PLACE_NEW_COMPANIES })),
);

/** The other bindings, whose names end in those of their databases: `DB_01`. */
const OTHER_BINDING = /^DB_([0-9A-Za-z]{2})$/;

/** The databases by name, in rising order. */
export const databaseSettings = z.pipe(
  z.pipe(
    z.transform((env: object) =>
      Object.fromEntries(Object.entries(env).filter(([name]) => name === "DB" || OTHER_BINDING.test(name))),
    ),
    z
      .catchall(z.object({ DB: bound<D1Database>() }), bound<D1Database>())
      .check(z.refine((bindings) => !Object.hasOwn(bindings, "DB_00"), { path: ["DB_00"], error: "is DB" })),
  ),
  z.transform((bindings): ReadonlyMap<string, D1Database> => {
    const named = Object.entries(bindings).map(([binding, d1]): [string, D1Database] => [
      OTHER_BINDING.exec(binding)?.[1] ?? FIRST_DATABASE,
      d1,
    ]);
    return new Map(named.sort(([a], [b]) => (a < b ? -1 : 1)));
  }),
);
