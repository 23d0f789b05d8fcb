import { eq, gt, gte, type SQL, sql } from "drizzle-orm";
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
/** Pieces that one statement looks at to find those that are due: some 10 ms. */
const MAX_LOOKED_AT = 10_000;
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

/** A part, and the oldest of so many of its pieces. */
interface PartAge {
  part: string;
  since: number;
  pieces: number;
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
export async function dueParts(d1: D1Database, now: number): Promise<string[]> {
  const places = new Map<string, number>();
  let from: SQL | undefined = gte(waitingSums.part, ALL);
  while (from !== undefined) {
    const looked = await oldestOfParts(d1, from);
    for (const { part, since } of looked)
      if (part === AT_ONCE) places.set(part, -1);
      else if (since <= now - WAIT_MS) places.set(part, Math.random());
    const pieces = looked.reduce((sum, part) => sum + part.pieces, 0);
    const last = looked.at(-1);
    from = last && pieces === MAX_LOOKED_AT ? gt(waitingSums.part, last.part) : undefined;
  }
  return [...places].sort(([, a], [, b]) => a - b).map(([part]) => part);
}

/**
 * Parts in order, as many as the pieces that are looked at are of. It is cheap to look at one piece after the other: SQLite
 * does not read their `sums`, the last column. To look up one part after the other is not: of each row that it compares
 * with, SQLite reads all, some 100 kB.
 */
function oldestOfParts(d1: D1Database, from: SQL): Promise<PartAge[]> {
  const { part, id, since } = waitingSums;
  return onPrimary(d1, (db) =>
    db.all<PartAge>(
      sql`SELECT part, min(since) AS since, count(*) AS pieces FROM (
        SELECT ${part}, ${since} FROM ${waitingSums} WHERE ${from} ORDER BY ${part}, ${id} LIMIT ${MAX_LOOKED_AT}
      ) GROUP BY part ORDER BY part`,
    ),
  );
}
