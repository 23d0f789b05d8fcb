import { eq, gte, lt, max, type SQL, sql } from "drizzle-orm";
import { type Database, nearest, onPrimary, primary, primaryAlone } from "../db/client.ts";
import { apiKeys, companies, keyChanges } from "../db/tables.ts";
import { addressList } from "../lib/address.ts";
import { once } from "../lib/settings.ts";
import type { CompanyRecord, KeyRecord } from "./decide.ts";
import { FEED_PAGE_SIZE, type KeyChange, NO_KEY, PAGE_SIZE, RECENT_SIZE, type Snapshot } from "./snapshot.ts";

export interface FeedStore {
  /**
   * The feed from the change `cursor` on and the record of `digest`, of one moment, from the primary.
   *
   * @param since - Milliseconds since the epoch: the feed alone comes from the last change before it on, where that is an
   *   older one than the cursor and one of the newest `RECENT_SIZE`.
   */
  read(cursor: KeyChange | null, digest: string, since?: number): Promise<Snapshot>;
  /** The record of `digest`, and of the same moment the change `cursor`, or the newest where that is an older one: from the nearest replica. */
  readNearest(cursor: number, digest: string): Promise<Snapshot>;
  /** The newest change, if there is any, and the record of `digest`, from the primary. */
  readPrimary(digest: string): Promise<Snapshot>;
  /** The `RECENT_SIZE` changes up to `cursor`, and those that follow, from the primary: a page at most. */
  readPast(cursor: KeyChange): Promise<Snapshot>;
  /**
   * What another isolate of the data centre has just read of the feed, from the change `cursor` on; `null`: nothing that
   * may be used. Absent: nothing is shared.
   */
  readShared?(cursor: KeyChange): Promise<Snapshot | null>;
}

/** What a verdict depends on: the triggers of the change feed name the same columns. */
export const VERDICT_COLUMNS = {
  id: apiKeys.id,
  companyId: apiKeys.companyId,
  scopes: apiKeys.scopes,
  expiresAt: apiKeys.expiresAt,
  revokedAt: apiKeys.revokedAt,
  suspendedAt: apiKeys.suspendedAt,
  metadata: apiKeys.metadata,
  allowedIps: apiKeys.allowedIps,
};

/** The same of the company. The id comes first: Drizzle takes an object that begins with `NULL` for none. */
export const COMPANY_COLUMNS = {
  id: companies.id,
  suspendedAt: companies.suspendedAt,
  allowedIps: companies.allowedIps,
  rateTier: companies.rateTier,
};

const CHANGE_COLUMNS = { seq: keyChanges.seq, digest: keyChanges.digest, changedAt: keyChanges.changedAt };

const newest = sql<number | null>`(SELECT max(${keyChanges.seq}) FROM ${keyChanges})`;

/**
 * Keys for verification. Records may come from a replica; changes come from the primary alone. A statement is prepared
 * when it is first needed, as an isolate starts with one of them.
 */
export function feedStore(d1: D1Database): FeedStore {
  const db = once(() => primaryAlone(d1));
  const fromNewest = once(() => prepareSnapshot(db(), newest, 0));
  // A feed that was set back does not reach the cursor: its newest change tells so.
  const cursorOrNewest = sql`min(${sql.placeholder("cursor")}, ${newest})`;
  const withKey = once(() => prepareSnapshot(db(), cursorOrNewest, PAGE_SIZE));
  const feedAlone = once(() => prepareSnapshot(db(), cursorOrRecent(), FEED_PAGE_SIZE));
  const ofReplica = once(() => prepareSnapshot(nearest(d1), cursorOrNewest, 0));
  return {
    async read(cursor, digest, since = Number.MAX_SAFE_INTEGER) {
      if (cursor === null) return snapshotOf(await fromNewest().all({ digest }));
      const isAlone = digest === NO_KEY;
      const values = { cursor: cursor.seq, digest };
      return snapshotOf(await (isAlone ? feedAlone().all({ ...values, since }) : withKey().all(values)));
    },
    async readNearest(cursor, digest) {
      return snapshotOf(await ofReplica().all({ cursor, digest }));
    },
    async readPrimary(digest) {
      const row = await primary(d1)
        .select({ head: newest, change: CHANGE_COLUMNS, record: VERDICT_COLUMNS, company: COMPANY_COLUMNS })
        .from(sql`(SELECT 1)`)
        .leftJoin(keyChanges, eq(keyChanges.seq, newest))
        .leftJoin(apiKeys, eq(apiKeys.digest, digest))
        .leftJoin(companies, eq(companies.id, apiKeys.companyId))
        .get();
      const changes = row?.change ? [row.change] : [];
      return { changes, head: row?.head ?? 0, record: recordOf(row) };
    },
    async readPast({ seq }) {
      const cursor = seq - RECENT_SIZE + 1;
      return snapshotOf(await feedAlone().all({ cursor, digest: NO_KEY, since: Number.MAX_SAFE_INTEGER }));
    },
  };
}

type Stored<T> = Omit<T, "allowedIps"> & { allowedIps: readonly string[] | null };

/** What a record is made of. */
export interface StoredRecord {
  record: Stored<Omit<KeyRecord, "company" | "verified">>;
  company: Stored<CompanyRecord> | null;
}

type Row = { [Part in keyof StoredRecord]: StoredRecord[Part] | null };

function snapshotOf(rows: readonly (Row & { head: number | null; change: KeyChange })[]): Snapshot {
  return {
    changes: rows.map((row) => row.change),
    head: rows[0]?.head ?? 0,
    record: recordOf(rows[0]),
  };
}

function recordOf(row: Row | undefined): KeyRecord | null {
  if (row === undefined || row.record === null) return null;
  return recordFrom({ record: row.record, company: row.company });
}

/** Addresses are read once, not by each verification. */
export function recordFrom({ record, company }: StoredRecord): KeyRecord {
  return { ...record, allowedIps: listOf(record.allowedIps), company: companyOf(company) };
}

/** `null` where nothing is set that verdicts depend on: most records have no more than that. */
function companyOf(company: StoredRecord["company"]): CompanyRecord | null {
  if (company === null) return null;
  const { suspendedAt, allowedIps, rateTier } = company;
  if (suspendedAt === null && allowedIps === null && rateTier === null) return null;
  return { suspendedAt, allowedIps: listOf(allowedIps), rateTier };
}

function listOf(addresses: readonly string[] | null) {
  return addresses === null ? null : addressList(addresses);
}

function cursorOrRecent(): SQL {
  const { seq, changedAt } = keyChanges;
  const oldest = sql`${newest} - ${sql.raw(`${RECENT_SIZE - 1}`)}`;
  const isBefore = sql`${seq} >= ${oldest} AND ${changedAt} < ${sql.placeholder("since")}`;
  const before = sql`(SELECT ${seq} FROM ${keyChanges} WHERE ${isBefore} ORDER BY ${seq} DESC LIMIT 1)`;
  return sql`min(${sql.placeholder("cursor")}, coalesce(${before}, ${oldest}))`;
}

/** The feed is never empty, and the change at the cursor comes with the newer ones: a row always carries the key. */
function prepareSnapshot(db: Database, from: SQL, pageSize: number) {
  // Written out: as one more parameter it costs a twentieth of the whole look-up.
  const limit = sql.raw(`${pageSize + 1}`) as unknown as number;
  return db
    .select({ head: newest, change: CHANGE_COLUMNS, record: VERDICT_COLUMNS, company: COMPANY_COLUMNS })
    .from(keyChanges)
    .leftJoin(apiKeys, eq(apiKeys.digest, sql.placeholder("digest")))
    .leftJoin(companies, eq(companies.id, apiKeys.companyId))
    .where(gte(keyChanges.seq, from))
    .orderBy(keyChanges.seq)
    .limit(limit)
    .prepare();
}

/**
 * Drops the oldest of the changes before `before`, in milliseconds since the epoch: `limit` of them at most. The
 * newest of them stays, as isolates whose cursor stands on it must find it again.
 *
 * @returns How many there were: fewer than `limit` where none is left.
 * @throws DatabaseError
 */
export function dropChanges(d1: D1Database, before: number, limit: number): Promise<number> {
  return onPrimary(d1, async (db) => {
    const oldest = db
      .select({ seq: keyChanges.seq, changedAt: keyChanges.changedAt })
      .from(keyChanges)
      .orderBy(keyChanges.seq)
      .limit(limit + 1)
      .as("oldest");
    const newestOld = db
      .select({ seq: max(oldest.seq) })
      .from(oldest)
      .where(lt(oldest.changedAt, before));
    const { meta } = await db.delete(keyChanges).where(lt(keyChanges.seq, newestOld));
    return meta.changes;
  });
}
