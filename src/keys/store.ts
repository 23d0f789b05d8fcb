import { and, eq, getTableColumns, isNotNull, isNull, sql } from "drizzle-orm";
import type { AuditEvent } from "../audit/event.ts";
import { recordEvent } from "../audit/record.ts";
import { type Database, onPrimary } from "../db/client.ts";
import type { Databases } from "../db/databases.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys, sealedAnswers } from "../db/tables.ts";
import { isAnswer, isFirst, isMade, keepAnswer } from "./answers.ts";
import { changeUnrevoked, type KeyChange, updateKey } from "./changes.ts";
import { type Caps, fullCap, isActive, isKey } from "./conditions.ts";
import { fold } from "./fold.ts";
import type { SealedAnswer } from "./idempotency.ts";
import type { ListKeys } from "./listing.ts";
import {
  type ChangedKey,
  listQuery,
  type NewKeyRow,
  ONE_ROW,
  type StoredKey,
  selectKey,
  stored,
} from "./queries.ts";
import { type Rotation, rotateKey, type Successor } from "./rotation.ts";

/**
 * Keys as their company manages them. Each call is one batch on the primary of the company's database, and every
 * statement is bound to the company; repeated, it does nothing more. Times are milliseconds since the epoch.
 *
 * All methods throw DatabaseError.
 */
export interface KeyStore {
  /**
   * The key, or the cap that the company is at: then nothing was stored.
   *
   * @param answer - Kept with the key. Where there is one already for a request of this id, nothing is stored.
   */
  insert(
    key: NewKeyRow,
    event: AuditEvent,
    caps: Caps,
    answer?: SealedAnswer,
  ): Promise<StoredKey | keyof Caps>;
  /** What the request of this id made, with what is kept of it; `null`: nothing, or it is over. */
  recall(
    companyId: string,
    id: string,
    now: number,
  ): Promise<{ answer: SealedAnswer; key: StoredKey } | null>;
  /** Newest first. @param generations - Those whose keys can be checked: others are not active. */
  list(
    companyId: string,
    filter: ListKeys,
    now: number,
    generations: readonly string[],
  ): Promise<StoredKey[]>;
  find(companyId: string, id: string): Promise<StoredKey | null>;
  findByDigest(companyId: string, digest: string): Promise<StoredKey | null>;
  /** The key afterwards, `null` where there is none. A revoked key stays as it is. */
  update(companyId: string, id: string, change: KeyChange): Promise<ChangedKey | null>;
  /**
   * Makes `successor` from the key of `id`, of the same label and scopes, and ends that key at
   * `endsAt` or when it would have ended anyway, whichever is first.
   */
  rotate(companyId: string, id: string, successor: Successor): Promise<Rotation>;
  /** The key afterwards, `null` where there is none. A revoked key keeps its time of revocation. */
  revoke(companyId: string, id: string, event: AuditEvent): Promise<ChangedKey | null>;
  /** The same for who holds the key itself, which says what database it is in. */
  revokeByDigest(database: string, digest: string, event: AuditEvent): Promise<ChangedKey | null>;
  /** The key afterwards, `null` where there is none. A suspended key keeps its time of suspension, a revoked one stays as it is. */
  suspend(companyId: string, id: string, event: AuditEvent): Promise<ChangedKey | null>;
  resume(companyId: string, id: string, event: AuditEvent): Promise<ChangedKey | null>;
}

export function keyStore(databases: Pick<Databases, "named" | "of">): KeyStore {
  const home = async (companyId: string) => (await databases.of(companyId)).d1;
  const onHome = async <T>(companyId: string, work: (db: Database) => Promise<T>) =>
    onPrimary(await home(companyId), work);

  return {
    insert: (key, event, caps, answer) =>
      onHome(key.companyId, async (db) => {
        const full = fullCap(key.companyId, event.at, caps);
        const row = { ...key, labelFolded: fold(key.label) };
        const isNew = isFirst(db, answer, event.at);
        const values = selectInto(apiKeys, row, sql`WHERE ${and(sql`${full} IS NULL`, isNew)}`);
        const [, , rows, caught] = await db.batch([
          db.insert(apiKeys).select(values).onConflictDoNothing({ target: apiKeys.id }),
          recordEvent(db, event, isKey(key.companyId, key.id)),
          selectKey(db, key.companyId, key.id),
          db.select({ full }).from(ONE_ROW),
          ...(answer ? [keepAnswer(db, answer)] : []),
        ]);
        return rows[0] ?? caught[0]?.full ?? "live";
      }),

    recall: (companyId, id, now) =>
      onHome(companyId, async (db) => {
        const made = db
          .select({ key: stored, answer: getTableColumns(sealedAnswers) })
          .from(sealedAnswers)
          .innerJoin(apiKeys, isMade(companyId));
        return (await made.where(isAnswer(companyId, id, now)).get()) ?? null;
      }),

    list: (companyId, filter, now, generations) =>
      onHome(companyId, (db) => listQuery(db, companyId, filter, isActive(now, generations)).all()),

    find: (companyId, id) =>
      onHome(companyId, async (db) => (await selectKey(db, companyId, id).get()) ?? null),

    findByDigest: (companyId, digest) =>
      onHome(companyId, async (db) => {
        const found = and(eq(apiKeys.companyId, companyId), eq(apiKeys.digest, digest));
        return (await db.select(stored).from(apiKeys).where(found).get()) ?? null;
      }),

    update: async (companyId, id, change) => updateKey(await home(companyId), isKey(companyId, id), change),

    rotate: async (companyId, id, successor) => rotateKey(await home(companyId), companyId, id, successor),

    revoke: async (companyId, id, event) =>
      changeUnrevoked(await home(companyId), isKey(companyId, id), { set: { revokedAt: event.at } }, event),

    async revokeByDigest(database, digest, event) {
      const d1 = databases.named(database);
      if (d1 === undefined) return null;
      return changeUnrevoked(d1, eq(apiKeys.digest, digest), { set: { revokedAt: event.at } }, event);
    },

    suspend: async (companyId, id, event) =>
      changeUnrevoked(
        await home(companyId),
        isKey(companyId, id),
        { where: isNull(apiKeys.suspendedAt), set: { suspendedAt: event.at } },
        event,
      ),

    resume: async (companyId, id, event) =>
      changeUnrevoked(
        await home(companyId),
        isKey(companyId, id),
        { where: isNotNull(apiKeys.suspendedAt), set: { suspendedAt: null } },
        event,
      ),
  };
}
