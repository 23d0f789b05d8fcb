import { eq, type SQL, sql } from "drizzle-orm";
import { type Database, isOneOf, onPrimary } from "../db/client.ts";
import { waitingSums } from "../db/usage-tables.ts";
import { chunks } from "../lib/chunks.ts";
import { addToDays, MAX_ROWS } from "./days.ts";
import { addUp, type Sum } from "./sums.ts";

/** Rows of one statement, of four parameters each: D1 takes 100. */
const MAX_INSERTED = 20;
/** Of the sums of one piece, as JSON: a row of D1 holds 2 MB. */
const PIECE_BYTES = 200_000;
/** Of the pieces that are added up at once, or little more, and how many these are at most: an isolate holds 128 MB. */
const TAKEN_BYTES = 1_500_000;
const MAX_TAKEN = 500;
/** What waits in so many pieces is divided before its time, while they can be added up at once. */
const CROWD = 16;
/** So long sums wait, so that a key's are written once. */
const WAIT_MS = 10 * 60_000;
/** Of `since` in an id: pieces are in the order of their age. */
const TIME_LENGTH = 15;

/** The part of those that do not wait. */
export const AT_ONCE = "at once";
/** The part of all others, until it is divided. */
export const ALL = "";

interface Piece {
  id: string;
  since: number;
  sums: Sum[];
}

interface Aside {
  /** By part. */
  parts: ReadonlyMap<string, readonly Sum[]>;
  /** In milliseconds since the epoch. */
  since: number;
}

/** The statements that lay sums aside, where `isGranted`. */
export function layAside(db: Database, { parts, since }: Aside, isGranted: SQL = sql`true`) {
  const rows = [...parts].flatMap(([part, sums]) =>
    textsOf(sums, part === AT_ONCE ? MAX_ROWS : sums.length).map((text) => {
      const id = `${String(since).padStart(TIME_LENGTH, "0")} ${crypto.randomUUID()}`;
      return sql`(${part}, ${id}, ${since}, ${text})`;
    }),
  );
  return chunks(rows, MAX_INSERTED).map((some) =>
    db.insert(waitingSums).select(sql`SELECT * FROM (VALUES ${sql.join(some, sql`, `)}) WHERE ${isGranted}`),
  );
}

/** Sums as JSON, in pieces. */
function textsOf(sums: readonly Sum[], most: number): string[] {
  const pieces: string[][] = [];
  let bytes = 0;
  for (const sum of sums) {
    const text = JSON.stringify(sum);
    const piece = pieces.at(-1);
    bytes += text.length;
    if (piece !== undefined && piece.length < most && bytes <= PIECE_BYTES) piece.push(text);
    else {
      pieces.push([text]);
      bytes = text.length;
    }
  }
  return pieces.map((piece) => `[${piece.join(",")}]`);
}

/**
 * Adds up what waits in one part, or the oldest of it. Where it is of so few keys that one statement may write them, they
 * are written. Else it goes to smaller parts, by one more character of the end of their ids: so there are as many parts
 * as what waits takes.
 *
 * @returns How many pieces it was; 0: none is left.
 * @throws DatabaseError
 */
export function mergeWaiting(d1: D1Database, part: string): Promise<number> {
  return onPrimary(d1, async (db) => {
    const taken = fitting(part, await oldestPieces(db, part));
    if (taken.length === 0) return 0;
    const ids = taken.map(({ id }) => id);
    const isTaken = sql`${eq(waitingSums.part, part)} AND ${isOneOf(waitingSums.id, ids)}`;
    // Another run may have taken some of them meanwhile.
    const isWhole = sql`(SELECT count(*) FROM ${waitingSums} WHERE ${isTaken}) = ${ids.length}`;
    const remove = db.delete(waitingSums).where(sql`${isTaken} AND ${isWhole}`);
    const sums = addUp(taken.flatMap((piece) => piece.sums));
    if (sums.length <= MAX_ROWS) {
      const [, removed] = await db.batch([addToDays(db, sums, isWhole), remove]);
      return removed.meta.changes;
    }
    const since = Math.min(...taken.map((piece) => piece.since));
    const parts = Map.groupBy(sums, ([keyId]) => keyId.slice(-part.length - 1));
    const moves = layAside(db, { parts, since }, isWhole);
    const [removed] = (await db.batch([moves[0] ?? remove, ...moves.slice(1), remove])).slice(-1);
    return removed?.meta.changes ?? 0;
  });
}

async function oldestPieces(db: Database, part: string): Promise<Piece[]> {
  const { id, since, sums } = waitingSums;
  const rows = await db.all<{ id: string; since: number; sums: string }>(
    sql`SELECT * FROM (
      SELECT ${id}, ${since}, ${sums}, sum(octet_length(${sums})) OVER (ORDER BY ${id} ROWS UNBOUNDED PRECEDING) AS bytes
      FROM ${waitingSums} WHERE ${eq(waitingSums.part, part)} LIMIT ${MAX_TAKEN}
    ) WHERE bytes - octet_length(sums) < ${TAKEN_BYTES} ORDER BY id`,
  );
  return rows.map((row) => ({ ...row, sums: JSON.parse(row.sums) as Sum[] }));
}

/** What is written at once is never divided. */
function fitting(part: string, pieces: Piece[]): Piece[] {
  if (part !== AT_ONCE) return pieces;
  let rows = 0;
  return pieces.filter((piece, i) => {
    rows += piece.sums.length;
    return i === 0 || rows <= MAX_ROWS;
  });
}

/**
 * Divides what waits where it has become much, or some of it.
 *
 * @returns How many pieces it was; 0: it is not much.
 * @throws DatabaseError
 */
export async function divideCrowd(d1: D1Database): Promise<number> {
  const found = await onPrimary(d1, (db) =>
    db.select({ id: waitingSums.id }).from(waitingSums).where(eq(waitingSums.part, ALL)).limit(CROWD),
  );
  return found.length < CROWD ? 0 : mergeWaiting(d1, ALL);
}

/**
 * The parts that have waited for long enough, first those that were not to wait, else in any order: who looks at the same
 * time begins with another one.
 *
 * @throws DatabaseError
 */
export function dueParts(d1: D1Database, now: number): Promise<string[]> {
  return onPrimary(d1, async (db) => {
    // A part after the other is looked up: what waits may be many thousand rows.
    const parts = await db.all<{ part: string }>(
      sql`WITH RECURSIVE parts (part) AS (
        SELECT min(part) FROM ${waitingSums}
        UNION ALL
        SELECT (SELECT min(part) FROM ${waitingSums} WHERE part > parts.part) FROM parts WHERE part IS NOT NULL
      )
      SELECT part FROM parts WHERE part = ${AT_ONCE}
        OR (SELECT since FROM ${waitingSums} AS oldest WHERE oldest.part = parts.part ORDER BY id LIMIT 1) <= ${now - WAIT_MS}
      ORDER BY part <> ${AT_ONCE}, random()`,
    );
    return parts.map(({ part }) => part);
  });
}
