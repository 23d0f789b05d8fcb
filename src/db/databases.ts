import { eq, exists, or, type SQL, sql } from "drizzle-orm";
import { LruCache } from "../lib/cache.ts";
import { once, readSettings, type Settings } from "../lib/settings.ts";
import { type Database, DatabaseError, isOneOf, onPrimary } from "./client.ts";
import { selectInto } from "./insert.ts";
import { databaseSettings, FIRST_DATABASE, placementSettings } from "./settings.ts";
import { apiKeys, auditEvents, companies, placements } from "./tables.ts";

/** Companies of which an isolate remembers where they live. */
const REMEMBERED_COMPANIES = 10_000;

/** A database, and the two characters by which the keys that it holds name it. */
export interface NamedDatabase {
  readonly name: string;
  readonly d1: D1Database;
}

/** All databases that are bound: `DB`, `DB_01`, … Everything of one company is in one of them, for ever. */
export interface Databases {
  /** In the order of their names. */
  readonly all: readonly [NamedDatabase, ...NamedDatabase[]];
  /** `DB`: what belongs to no company is there. */
  readonly first: D1Database;
  /** `undefined`: none of this name is bound. */
  named(name: string): D1Database | undefined;
  /**
   * Where the company lives. Of one that lives nowhere yet there is nothing anywhere: that is `DB`, and not for ever.
   *
   * @throws DatabaseError
   */
  of(companyId: string): Promise<NamedDatabase>;
  /**
   * Where the company lives, from now on at the latest: belongs before the first write of anything of it.
   *
   * @throws DatabaseError
   */
  place(companyId: string): Promise<NamedDatabase>;
  /** The same of several companies at once. */
  placeAll(companyIds: readonly string[]): Promise<ReadonlyMap<string, NamedDatabase>>;
}

/** @returns The databases of the bindings of `env`; it throws SettingsError where one is wrong. */
export function databasesOf(env: object): Settings<Databases> {
  const bindings = readSettings(databaseSettings, env);
  const placement = readSettings(placementSettings, env);
  return once(() => {
    const [first, ...others] = [...bindings()].map(([name, d1]) => ({ name, d1 }));
    if (first === undefined) throw new TypeError("databasesOf: none");
    return others.length === 0 ? oneDatabase(first) : severalDatabases([first, ...others], placement);
  });
}

/** Nothing is asked. */
function oneDatabase(only: NamedDatabase): Databases {
  const here = async () => only;
  return {
    all: [only],
    first: only.d1,
    named: (name) => (name === only.name ? only.d1 : undefined),
    of: here,
    place: here,
    placeAll: async (companyIds) => new Map(companyIds.map((companyId) => [companyId, only])),
  };
}

function severalDatabases(
  all: Databases["all"],
  placement: Settings<{ PLACE_NEW_COMPANIES: string }>,
): Databases {
  const [first] = all;
  const byName = new Map(all.map((database) => [database.name, database]));
  // A company never moves.
  const remembered = new LruCache<NamedDatabase>(REMEMBERED_COMPANIES);

  function databaseOf(companyId: string, name: string | null | undefined): NamedDatabase {
    const database = byName.get(name ?? FIRST_DATABASE);
    if (database === undefined) throw new DatabaseError(`The database ${name} of a company is not bound`);
    if (name != null) remembered.set(companyId, database);
    return database;
  }

  async function placeAll(companyIds: readonly string[]): Promise<Map<string, NamedDatabase>> {
    const places = new Map<string, NamedDatabase>();
    for (const companyId of companyIds) {
      const known = remembered.get(companyId);
      if (known !== undefined) places.set(companyId, known);
    }
    const unknown = companyIds.filter((companyId) => !places.has(companyId));
    if (unknown.length === 0) return places;
    const { PLACE_NEW_COMPANIES: name } = placement();
    const rows = await onPrimary(first.d1, async (db) => {
      const newest = name || all.at(-1)?.name;
      const companyId = sql`value`;
      const database = sql`CASE WHEN ${isOf(db, companyId)} THEN ${FIRST_DATABASE} ELSE ${newest} END`;
      const from = sql`FROM json_each(${JSON.stringify(unknown)}) WHERE true`; // without WHERE, ON would be that of a join
      const [, placed] = await db.batch([
        db
          .insert(placements)
          .select(selectInto(placements, { companyId, database }, from))
          .onConflictDoNothing(),
        db.select().from(placements).where(isOneOf(placements.companyId, unknown)),
      ]);
      return placed;
    });
    for (const row of rows) places.set(row.companyId, databaseOf(row.companyId, row.database));
    return places;
  }

  return {
    all,
    first: first.d1,
    named: (name) => byName.get(name)?.d1,

    async of(companyId) {
      const known = remembered.get(companyId);
      if (known !== undefined) return known;
      const row = await onPrimary(first.d1, async (db) => {
        const isHere = sql`CASE WHEN ${isOf(db, companyId)} THEN ${FIRST_DATABASE} END`;
        const placed = selectPlacement(db, companyId);
        return db
          .select({ name: sql<string | null>`coalesce(${placed}, ${isHere})` })
          .from(sql`(SELECT 1)`)
          .get();
      });
      return databaseOf(companyId, row?.name);
    },

    async place(companyId) {
      return (await placeAll([companyId])).get(companyId) ?? first;
    },

    placeAll,
  };
}

function selectPlacement(db: Database, companyId: string) {
  return db
    .select({ database: placements.database })
    .from(placements)
    .where(eq(placements.companyId, companyId));
}

/** Whether this database had something of the company before there was another one. */
function isOf(db: Database, companyId: string | SQL) {
  const one = { one: sql`1` };
  return or(
    exists(db.select(one).from(auditEvents).where(eq(auditEvents.companyId, companyId))),
    exists(db.select(one).from(apiKeys).where(eq(apiKeys.companyId, companyId))),
    exists(db.select(one).from(companies).where(eq(companies.id, companyId))),
  );
}
