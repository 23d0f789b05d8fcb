import { and, notExists, type SQL, sql } from "drizzle-orm";
import type { AuditEvent } from "../audit/event.ts";
import { recordEvents } from "../audit/record.ts";
import { type Database, isOneOf, onPrimary } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys, auditEvents } from "../db/tables.ts";
import { type Caps, isLive } from "./conditions.ts";
import { fold } from "./fold.ts";
import type { NewKeyRow } from "./queries.ts";

type OfImport =
  | "id"
  | "companyId"
  | "label"
  | "keyPrefix"
  | "generation"
  | "scopes"
  | "allowedIps"
  | "metadata"
  | "createdAt"
  | "expiresAt";

/** A key that was made elsewhere, as it is to be stored. Times are milliseconds since the epoch. */
export interface ImportedKey extends Pick<NewKeyRow, OfImport> {
  /** Under each pepper, that of its generation first. */
  digests: readonly [string, ...string[]];
  event: AuditEvent;
}

/** The key of an import, whoever made it. */
export type FoundKey = Pick<NewKeyRow, "id" | "companyId" | "digest">;

/** Keys of one transaction: some 20 ms. */
export const PIECE_KEYS = 100;

/**
 * Stores keys that are not there yet, under whichever pepper, as far as their companies have room, each with its event:
 * one batch, which repeated does nothing more.
 *
 * @param keys - At most `PIECE_KEYS`, of companies of this database, no key twice.
 * @param caps - Of each of the companies.
 * @param now - Milliseconds since the epoch.
 * @returns Those of the keys that there are now.
 * @throws DatabaseError
 */
export function importKeys(
  d1: D1Database,
  keys: readonly ImportedKey[],
  caps: ReadonlyMap<string, Caps>,
  now: number,
): Promise<FoundKey[]> {
  const events = new Map(keys.map(({ digests: [digest], event }) => [digest, event]));
  const isOurs = isOneOf(
    apiKeys.id,
    keys.map(({ id }) => id),
  );
  return onPrimary(d1, async (db) => {
    const isNew = notExists(
      db.select({ id: auditEvents.id }).from(auditEvents).where(sql`${auditEvents.id} = value ->> '$[1].id'`),
    );
    const [, , found] = await db.batch([
      db.insert(apiKeys).select(selectImported(db, keys, caps, now)),
      recordEvents(db, events, and(isOurs, isNew)),
      db
        .select({ id: apiKeys.id, companyId: apiKeys.companyId, digest: apiKeys.digest })
        .from(apiKeys)
        .where(
          isOneOf(
            apiKeys.digest,
            keys.flatMap(({ digests }) => digests),
          ),
        ),
    ]);
    return found;
  });
}

/** The keys that are not there yet, of each company so many as it has room for, in their order. */
function selectImported(
  db: Database,
  keys: readonly ImportedKey[],
  caps: ReadonlyMap<string, Caps>,
  now: number,
): SQL {
  const entries = keys.map(({ event: _, scopes, allowedIps, metadata, ...key }) => ({
    ...key,
    labelFolded: fold(key.label),
    scopes: JSON.stringify(scopes),
    allowedIps: allowedIps && JSON.stringify(allowedIps),
    metadata: metadata && JSON.stringify(metadata),
  }));
  const digest = sql`(SELECT value FROM json_each(entry.value, '$.digests'))`;
  const known = db.select({ id: apiKeys.id }).from(apiKeys).where(sql`${apiKeys.digest} IN ${digest}`);
  const text = (name: string) => sql`value ->> ${sql.raw(`'$.${name}'`)}`;
  const values = selectInto(
    apiKeys,
    {
      id: text("id"),
      companyId: text("companyId"),
      label: text("label"),
      labelFolded: text("labelFolded"),
      keyPrefix: text("keyPrefix"),
      digest: sql`value ->> '$.digests[0]'`,
      generation: text("generation"),
      scopes: text("scopes"),
      createdAt: text("createdAt"),
      expiresAt: text("expiresAt"),
      revokedAt: null,
      lastUsedAt: null,
      replacesId: null,
      suspendedAt: null,
      metadata: text("metadata"),
      allowedIps: text("allowedIps"),
      createdByIssuer: null,
      createdBySubject: null,
    },
    sql`FROM numbered JOIN room ON room.company = value ->> '$.companyId' WHERE number <= room.keys`,
  );
  // Counted once for each company, not for each key.
  return sql`WITH room AS MATERIALIZED (
      SELECT company.key AS company, min(company.value ->> '$.live' - ${live(now)}, company.value ->> '$.stored' - ${all}) AS keys
      FROM ${companiesOf(caps)}
    ), numbered AS MATERIALIZED (
      SELECT entry.value AS value, row_number() OVER (PARTITION BY entry.value ->> '$.companyId' ORDER BY entry.key) AS number
      FROM json_each(${JSON.stringify(entries)}) AS entry WHERE ${notExists(known)}
    ) ${values}`;
}

/** Those of the digests that there are keys of. @throws DatabaseError */
export async function knownDigests(d1: D1Database, digests: readonly string[]): Promise<string[]> {
  const rows = await onPrimary(d1, (db) =>
    db.select({ digest: apiKeys.digest }).from(apiKeys).where(isOneOf(apiKeys.digest, digests)),
  );
  return rows.map(({ digest }) => digest);
}

/** The cap that each of these companies is at; those that have room are left out. @throws DatabaseError */
export async function fullCompanies(
  d1: D1Database,
  caps: ReadonlyMap<string, Caps>,
  now: number,
): Promise<ReadonlyMap<string, keyof Caps>> {
  const full = sql<keyof Caps | null>`CASE WHEN ${live(now)} >= company.value ->> '$.live' THEN 'live'
    WHEN ${all} >= company.value ->> '$.stored' THEN 'stored' END`;
  const rows = await onPrimary(d1, (db) =>
    db.select({ id: sql<string>`company.key`, full }).from(companiesOf(caps)),
  );
  return new Map(rows.flatMap((row) => (row.full === null ? [] : [[row.id, row.full]])));
}

/** A row for each company, with its key and its caps. */
function companiesOf(caps: ReadonlyMap<string, Caps>): SQL {
  return sql`json_each(${JSON.stringify(Object.fromEntries(caps))}) AS company`;
}

const isOfCompany = sql`${apiKeys.companyId} = company.key`;
const all = sql`(SELECT count(*) FROM ${apiKeys} WHERE ${isOfCompany})`;

function live(now: number): SQL {
  return sql`(SELECT count(*) FROM ${apiKeys} WHERE ${isOfCompany} AND ${isLive(now)})`;
}
