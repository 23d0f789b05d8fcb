/** What counting uses writes: the arithmetic of `src/usage`, for reports as isolates send them. */

import type { Size } from "./world.ts";

/** As in `wrangler.toml`. */
const BATCH_MESSAGES = 100;
const BATCH_SECONDS = 20;
/** As in `src/usage/consumer.ts`: different keys of one transaction, and statements of one run of the cron, each minute. */
const MAX_KEYS = 10_000;
const STATEMENTS_A_MINUTE = 400;
/** As in `src/usage/counting.ts`. */
const MAX_ROWS = 500;
const MAX_PIECES = 50;
const WAIT_SECONDS = 600;
const MANY_SUMS = MAX_ROWS * 8;
/** By the last character of a UUID, or the last two. */
const PARTS = { few: 16, many: 256 };
/** As in `src/retention.ts`: of reports, an hour, in all databases. */
const DROPPED_REPORTS_AN_HOUR = 100 * 500;
/** A row of a report is written once and deleted once; so is one that waits. */
const TWICE = 2;

interface Reports {
  /** A second. Each message has keys of all databases. */
  requests: number;
  messages: number;
  databases: number;
  /** How much of all requests each key of one of them gets. */
  shares: readonly number[];
}

export interface UsageFigures {
  /** At one database, a second: rows of reports, rows that wait, rows of days; and all of them. */
  reportRows: number;
  waitingRows: number;
  dayRows: number;
  rowsWritten: number;
  /** Statements of the cron, a minute: needed, and allowed. */
  statements: number;
  allowedStatements: number;
  /** Reports remembered, an hour: added, and dropped at most. */
  reports: number;
  droppedReports: number;
}

/** How many different keys so many uses are of. */
function different(uses: number, shares: readonly number[]): number {
  return shares.reduce((sum, share) => sum + 1 - Math.exp(-uses * share), 0);
}

/** Of each database. */
export function usageOf({ keys, databases }: Size, requests: number, messages: number): UsageFigures[] {
  const total = Array.from({ length: keys }, (_, rank) => 1 / (rank + 1)).reduce((sum, one) => sum + one, 0);
  return Array.from({ length: databases }, (_, database) => {
    const count = Math.ceil((keys - database) / databases);
    const shares = Array.from({ length: count }, (_, i) => 1 / (i * databases + database + 1) / total);
    return usageFigures({ requests, messages, databases, shares });
  });
}

function usageFigures({ requests, messages, databases, shares }: Reports): UsageFigures {
  const batch = Math.min(BATCH_MESSAGES, Math.max(1, messages * BATCH_SECONDS));
  const batches = messages / batch;
  const sums = different(requests / batches, shares);
  const transactions = batches * Math.ceil(sums / MAX_KEYS);
  const inOne = Math.min(sums, MAX_KEYS);
  const reportRows = TWICE * messages;
  const common = {
    reportRows,
    allowedStatements: STATEMENTS_A_MINUTE / databases,
    reports: messages * 3600,
    droppedReports: DROPPED_REPORTS_AN_HOUR / databases,
  };
  if (inOne <= MAX_ROWS) {
    const dayRows = transactions * inOne;
    return { ...common, waitingRows: 0, dayRows, rowsWritten: reportRows + dayRows, statements: 0 };
  }
  const parts = inOne < MANY_SUMS ? PARTS.few : PARTS.many;
  const pieces = transactions * parts * Math.ceil(inOne / parts / MAX_ROWS);
  // One statement takes pieces of one part while their keys are few enough.
  let taken = 1;
  while (taken < MAX_PIECES && keysOf(taken + 1) <= MAX_ROWS) taken += 1;
  function keysOf(count: number): number {
    return different((count * requests) / transactions, shares) / parts;
  }
  const inWait = Math.max(1, (WAIT_SECONDS * pieces) / parts);
  const statementsOfPart = Math.ceil(inWait / Math.min(taken, inWait));
  const statements = (parts * statementsOfPart) / WAIT_SECONDS;
  const dayRows = statements * keysOf(inWait / statementsOfPart);
  const waitingRows = TWICE * pieces;
  return {
    ...common,
    waitingRows,
    dayRows,
    rowsWritten: reportRows + waitingRows + dayRows,
    statements: statements * 60,
  };
}
