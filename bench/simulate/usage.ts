/** What counting uses writes: the arithmetic of `src/usage`, for messages as isolates send them. */

import type { Figures } from "./everywhere.ts";
import type { Size } from "./world.ts";

/** As in `wrangler.toml`. */
const BATCH_MESSAGES = 100;
const BATCH_SECONDS = 20;
/** As in `src/usage/consumer.ts`: different keys of one transaction, and steps of one run, at all databases. */
const MAX_KEYS = 10_000;
const MAX_STEPS = 300;
/** As in `src/usage/days.ts`. */
const MAX_ROWS = 500;
/** As in `src/usage/waiting.ts`. */
const PIECE_BYTES = 200_000;
const TAKEN_BYTES = 1_500_000;
const MAX_TAKEN = 500;
const CROWD = 16;
const WAIT_SECONDS = 600;
/** By one more character of a UUID. */
const PARTS_OF_PART = 16;
/** Of a sum with the UUIDs of a key and of a company, as JSON. */
const SUM_BYTES = 120;
/** A row of a report is written once and deleted once; so is one that waits. */
const TWICE = 2;

export interface UsageFigures {
  /** At one database, a second: rows of reports, rows that wait, rows of days; and all of them. */
  reportRows: number;
  waitingRows: number;
  dayRows: number;
  rowsWritten: number;
  /** By which what waits is divided and written, a minute: needed, and allowed to the cron and to those who count batches. */
  steps: number;
  allowedSteps: number;
}

/** What waits in the parts of one size: how many of these there are, and what comes to each. */
interface Level {
  parts: number;
  /** A second, of so many sums each, which are of so many uses of all keys. */
  pieces: number;
  sums: number;
  uses: number;
}

/** How many different keys so many uses are of. */
function different(uses: number, shares: readonly number[]): number {
  return shares.reduce((sum, share) => sum + 1 - Math.exp(-uses * share), 0);
}

/** Of each database. */
export function usageOf(
  { keys, databases }: Size,
  { requests, usage }: Pick<Figures, "requests" | "usage">,
): UsageFigures[] {
  const told = { requests, messages: usage.messages, reports: usage.reports / databases };
  const total = Array.from({ length: keys }, (_, rank) => 1 / (rank + 1)).reduce((sum, one) => sum + one, 0);
  return Array.from({ length: databases }, (_, database) => {
    const count = Math.ceil((keys - database) / databases);
    const shares = Array.from({ length: count }, (_, i) => 1 / (i * databases + database + 1) / total);
    return usageFigures(told, shares, MAX_STEPS / databases);
  });
}

/**
 * @param told - A second: all uses and messages, and the reports of this database.
 * @param shares - How much of all requests each key of the database gets.
 * @param maxSteps - Of one run.
 */
function usageFigures(
  { requests, messages, reports }: { requests: number; messages: number; reports: number },
  shares: readonly number[],
  maxSteps: number,
): UsageFigures {
  const batches = messages / Math.min(BATCH_MESSAGES, Math.max(1, messages * BATCH_SECONDS));
  const transactions = batches * Math.ceil(different(requests / batches, shares) / MAX_KEYS);
  const uses = requests / transactions;
  const sums = different(uses, shares);
  const reportRows = TWICE * reports;
  const allowedSteps = maxSteps * (1 + 60 * batches);
  if (sums <= MAX_ROWS) {
    const dayRows = transactions * sums;
    const rowsWritten = reportRows + dayRows;
    return { reportRows, waitingRows: 0, dayRows, rowsWritten, steps: 0, allowedSteps };
  }
  const pieces = Math.ceil((sums * SUM_BYTES) / PIECE_BYTES);
  let level: Level = { parts: 1, pieces: transactions * pieces, sums: sums / pieces, uses: uses / pieces };
  let waitingRows = TWICE * level.pieces;
  let steps = 0;
  for (;;) {
    // What is not divided yet does not wait once it is many pieces.
    const isCrowd = level.parts === 1 && WAIT_SECONDS * level.pieces > CROWD;
    const inWait = isCrowd ? CROWD : Math.max(1, WAIT_SECONDS * level.pieces);
    const taken = Math.min(MAX_TAKEN, inWait, Math.ceil(TAKEN_BYTES / (level.sums * SUM_BYTES)));
    const found = different(taken * level.uses, shares) / level.parts;
    const often = isCrowd ? level.pieces / taken : (level.parts * Math.ceil(inWait / taken)) / WAIT_SECONDS;
    // The last of those in a row finds nothing.
    steps += often + (isCrowd ? batches : level.parts / WAIT_SECONDS);
    if (found <= MAX_ROWS) {
      const dayRows = often * found;
      const rowsWritten = reportRows + waitingRows + dayRows;
      return { reportRows, waitingRows, dayRows, rowsWritten, steps: steps * 60, allowedSteps };
    }
    waitingRows += TWICE * PARTS_OF_PART * often;
    level = {
      parts: level.parts * PARTS_OF_PART,
      pieces: often / level.parts,
      sums: found / PARTS_OF_PART,
      uses: taken * level.uses,
    };
  }
}
