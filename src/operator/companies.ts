import type * as z from "zod";
import { listCompanies } from "../companies/listing.ts";
import { acrossDatabases } from "../db/across.ts";
import type { Databases } from "../db/databases.ts";
import { badCursor } from "../http/paging.ts";
import { DAY_MS, dayOf } from "../lib/time.ts";
import type { listCompaniesSchema } from "./schema.ts";

interface Parts {
  databases: Pick<Databases, "all">;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/**
 * A page of the companies of all databases; their use is that of yesterday.
 *
 * @throws DatabaseError
 * @throws ApiError `BAD_REQUEST` where `cursor` is of another list.
 */
export async function searchCompanies(
  { databases, now }: Parts,
  { cursor: after, ...wanted }: z.output<typeof listCompaniesSchema>,
) {
  const search = { ...wanted, after, day: dayOf(now() - DAY_MS) };
  const page = await acrossDatabases(databases, search.limit, (d1) => listCompanies(d1, search));
  return page ?? badCursor();
}
