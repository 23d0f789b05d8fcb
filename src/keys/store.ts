import {
  and,
  desc,
  eq,
  exists,
  gt,
  isNotNull,
  isNull,
  ne,
  not,
  notExists,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import { type AuditEvent, recordEvent } from "../audit/store.ts";
import { type Database, onPrimary } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys, usageDays } from "../db/tables.ts";
import { fold } from "./fold.ts";
import type { ListKeys } from "./schema.ts";

/** A key as stored, less its digest. */
export type StoredKey = Omit<NewKeyRow, "digest">;
export type NewKeyRow = Omit<typeof apiKeys.$inferSelect, "labelFolded">;

export interface Successor extends Pick<NewKeyRow, "id" | "keyPrefix" | "digest" | "generation"> {
  /** When the old key ends. */
  endsAt: number;
  rotated: AuditEvent;
  created: AuditEvent;
  maxLiveKeys: number;
}

/** A key whose verdict has changed, with its digest for those who verify it. */
export type ChangedKey = StoredKey & Pick<NewKeyRow, "digest">;

export interface Rotation {
  /** `null`: there is no such key. */
  old: ChangedKey | null;
  /** Its successor, whoever made it; `null`: none. */
  successor: StoredKey | null;
}

/**
 * Keys as their company manages them. Each call is one batch on the primary, and every statement is
 * bound to the company; repeated, it does nothing more. Times are milliseconds since the epoch.
 *
 * All methods throw DatabaseError.
 */
export interface KeyStore {
  /** `null`: the company has `maxLiveKeys` live keys already, and nothing was stored. */
  insert(key: NewKeyRow, event: AuditEvent, maxLiveKeys: number): Promise<StoredKey | null>;
  /** Newest first. */
  list(companyId: string, filter: ListKeys, now: number): Promise<StoredKey[]>;
  find(companyId: string, id: string): Promise<StoredKey | null>;
  /** The key afterwards, `null` where there is none. A revoked key keeps its label. */
  rename(companyId: string, id: string, label: string, event: AuditEvent): Promise<StoredKey | null>;
  /**
   * Makes `successor` from the key of `id`, of the same label, scopes and expiry, and ends that key at
   * `endsAt` or when it would have ended anyway, whichever is first.
   */
  rotate(companyId: string, id: string, successor: Successor): Promise<Rotation>;
  /** The key afterwards, `null` where there is none. A revoked key keeps its time of revocation. */
  revoke(companyId: string, id: string, event: AuditEvent): Promise<ChangedKey | null>;
}

/** Of the days whose use is kept. */
const lastUse = sql`(SELECT ${usageDays.lastUsedAt} FROM ${usageDays}
  WHERE ${and(eq(usageDays.keyId, apiKeys.id), isNotNull(usageDays.lastUsedAt))}
  ORDER BY ${usageDays.day} DESC LIMIT 1)`;

const stored = {
  id: apiKeys.id,
  companyId: apiKeys.companyId,
  label: apiKeys.label,
  keyPrefix: apiKeys.keyPrefix,
  generation: apiKeys.generation,
  scopes: apiKeys.scopes,
  createdAt: apiKeys.createdAt,
  expiresAt: apiKeys.expiresAt,
  revokedAt: apiKeys.revokedAt,
  lastUsedAt: sql<number | null>`coalesce(${lastUse}, ${apiKeys.lastUsedAt})`,
  replacesId: apiKeys.replacesId,
};

export function keyStore(d1: D1Database): KeyStore {
  return {
    insert: (key, event, maxLiveKeys) =>
      onPrimary(d1, async (db) => {
        const liveKeys = db
          .select({ count: sql`count(*)` })
          .from(apiKeys)
          .where(and(eq(apiKeys.companyId, key.companyId), isLive(event.at)));
        const values = selectInto(
          apiKeys,
          { ...key, labelFolded: fold(key.label) },
          sql`WHERE (${liveKeys}) < ${maxLiveKeys}`,
        );
        const [, , rows] = await db.batch([
          db.insert(apiKeys).select(values).onConflictDoNothing({ target: apiKeys.id }),
          recordEvent(db, event, isKey(key.companyId, key.id)),
          selectKey(db, key.companyId, key.id),
        ]);
        return rows[0] ?? null;
      }),

    list: (companyId, filter, now) => onPrimary(d1, (db) => listQuery(db, companyId, filter, now).all()),

    find: (companyId, id) => onPrimary(d1, async (db) => (await selectKey(db, companyId, id).get()) ?? null),

    rename: (companyId, id, label, event) =>
      onPrimary(d1, async (db) => {
        const changes = and(isKey(companyId, id), isNull(apiKeys.revokedAt), ne(apiKeys.label, label));
        const [, , rows] = await db.batch([
          recordEvent(db, event, changes),
          db
            .update(apiKeys)
            .set({ label, labelFolded: fold(label) })
            .where(changes),
          selectKey(db, companyId, id),
        ]);
        return rows[0] ?? null;
      }),

    rotate: (companyId, id, { endsAt, rotated, created, maxLiveKeys, ...successor }) =>
      onPrimary(d1, async (db) => {
        const now = created.at;
        const old = and(isKey(companyId, id), isLive(now));
        const others = db
          .select({ count: sql`count(*)` })
          .from(apiKeys)
          .where(
            and(eq(apiKeys.companyId, companyId), isLive(now), endsAt > now ? undefined : ne(apiKeys.id, id)),
          );
        const replaced = db.select({ id: apiKeys.id }).from(apiKeys).where(isSuccessor(companyId, id));
        const values = selectInto(
          apiKeys,
          {
            ...successor,
            companyId: apiKeys.companyId,
            label: apiKeys.label,
            labelFolded: apiKeys.labelFolded,
            scopes: apiKeys.scopes,
            createdAt: now,
            expiresAt: apiKeys.expiresAt,
            revokedAt: null,
            lastUsedAt: null,
            replacesId: apiKeys.id,
          },
          sql`FROM ${apiKeys} WHERE ${and(old, notExists(replaced))} AND (${others}) < ${maxLiveKeys}`,
        );
        const made = db.select({ id: apiKeys.id }).from(apiKeys).where(isKey(companyId, successor.id));
        const endsLater = or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, endsAt));
        const [, , , , olds, successors] = await db.batch([
          db.insert(apiKeys).select(values),
          recordEvent(db, rotated, and(isKey(companyId, id), exists(made))),
          recordEvent(db, created, isKey(companyId, successor.id)),
          db
            .update(apiKeys)
            .set({ expiresAt: endsAt })
            .where(and(isKey(companyId, id), exists(made), endsLater)),
          selectChanged(db, companyId, id),
          db.select(stored).from(apiKeys).where(isSuccessor(companyId, id)),
        ]);
        return { old: olds[0] ?? null, successor: successors[0] ?? null };
      }),

    revoke: (companyId, id, event) =>
      onPrimary(d1, async (db) => {
        const changes = and(isKey(companyId, id), isNull(apiKeys.revokedAt));
        const [, , rows] = await db.batch([
          recordEvent(db, event, changes),
          db.update(apiKeys).set({ revokedAt: event.at }).where(changes),
          selectChanged(db, companyId, id),
        ]);
        return rows[0] ?? null;
      }),
  };
}

function listQuery(db: Database, companyId: string, filter: ListKeys, now: number) {
  const { limit, cursor, active, q } = filter;
  const conditions: (SQL | undefined)[] = [eq(apiKeys.companyId, companyId)];
  if (cursor)
    conditions.push(sql`(${apiKeys.createdAt}, ${apiKeys.id}) < (${cursor.createdAt}, ${cursor.id})`);
  if (active !== undefined) conditions.push(active ? isLive(now) : not(isLive(now)));
  // instr, as D1 limits a LIKE pattern to 50 bytes.
  if (q) {
    const label = sql`coalesce(${apiKeys.labelFolded}, upper(${apiKeys.label}))`;
    conditions.push(
      or(...[label, sql`upper(${apiKeys.keyPrefix})`].map((c) => sql`instr(${c}, ${fold(q)}) > 0`)),
    );
  }
  const query = db
    .select(stored)
    .from(apiKeys)
    .where(and(...conditions))
    .orderBy(desc(apiKeys.createdAt), desc(apiKeys.id))
    .$dynamic();
  return limit === undefined ? query : query.limit(limit);
}

function selectKey(db: Database, companyId: string, id: string) {
  return db.select(stored).from(apiKeys).where(isKey(companyId, id));
}

function selectChanged(db: Database, companyId: string, id: string) {
  return db
    .select({ ...stored, digest: apiKeys.digest })
    .from(apiKeys)
    .where(isKey(companyId, id));
}

function isKey(companyId: string, id: string): SQL | undefined {
  return and(eq(apiKeys.companyId, companyId), eq(apiKeys.id, id));
}

function isSuccessor(companyId: string, id: string): SQL | undefined {
  return and(eq(apiKeys.companyId, companyId), eq(apiKeys.replacesId, id));
}

function isLive(now: number): SQL {
  return sql`(${isNull(apiKeys.revokedAt)} AND (${or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, now))}))`;
}
