import { and, asc, eq, exists, gt, lte, notExists, type SQL, sql } from "drizzle-orm";
import { type Database, onPrimary } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys, sealedAnswers } from "../db/tables.ts";
import { isKey } from "./conditions.ts";
import type { SealedAnswer } from "./idempotency.ts";

/** The answer that is kept for the request of this id, and not over. */
export function isAnswer(companyId: string, id: string, now: number): SQL | undefined {
  return and(
    eq(sealedAnswers.companyId, companyId),
    eq(sealedAnswers.id, id),
    gt(sealedAnswers.expiresAt, now),
  );
}

/** The key that the request of an answer made. */
export function isMade(companyId: string): SQL | undefined {
  return and(eq(apiKeys.companyId, companyId), eq(apiKeys.id, sealedAnswers.keyId));
}

/** No key was made by another request of the same id; without an answer there is none to ask for. */
export function isFirst(db: Database, answer: SealedAnswer | undefined, now: number): SQL | undefined {
  if (answer === undefined) return undefined;
  const { companyId, id } = answer;
  const made = db.select({ id: apiKeys.id }).from(sealedAnswers).innerJoin(apiKeys, isMade(companyId));
  return notExists(made.where(isAnswer(companyId, id, now)));
}

/**
 * The statement that keeps `answer` where its key was made: belongs into the batch that makes it, behind that. Of an
 * earlier request of the same id nothing is left.
 */
export function keepAnswer(db: Database, answer: SealedAnswer) {
  const made = db.select({ id: apiKeys.id }).from(apiKeys).where(isKey(answer.companyId, answer.keyId));
  const { keyId, sealed, fingerprint, expiresAt } = sealedAnswers;
  return db
    .insert(sealedAnswers)
    .select(selectInto(sealedAnswers, answer, sql`WHERE ${exists(made)}`))
    .onConflictDoUpdate({
      target: [sealedAnswers.companyId, sealedAnswers.id],
      set: {
        keyId: excluded(keyId),
        sealed: excluded(sealed),
        fingerprint: excluded(fingerprint),
        expiresAt: excluded(expiresAt),
      },
    });
}

function excluded(column: { name: string }): SQL {
  return sql`excluded.${sql.identifier(column.name)}`;
}

/**
 * Drops `limit` answers at most that are over at `now`, in milliseconds since the epoch.
 *
 * @returns How many there were.
 * @throws DatabaseError
 */
export function dropAnswers(d1: D1Database, now: number, limit: number): Promise<number> {
  return onPrimary(d1, async (db) => {
    const over = db
      .select({ rowid: sql`rowid` })
      .from(sealedAnswers)
      .where(lte(sealedAnswers.expiresAt, now))
      .orderBy(asc(sealedAnswers.expiresAt))
      .limit(limit);
    const dropped = await db
      .delete(sealedAnswers)
      .where(sql`rowid IN ${over}`)
      .returning({ id: sealedAnswers.id });
    return dropped.length;
  });
}
