/** What a month of each way costs, from what was simulated. */
import type { Figures } from "./everywhere.ts";
import type { OtherFigures } from "./others.ts";
import { type Meter, monthly, monthlyTotal, PLAN } from "./prices.ts";
import { usageOf } from "./usage.ts";
import { MIN_REVOCATIONS_PER_SECOND, REVOCATIONS_PER_KEY_AND_SECOND, type Size } from "./world.ts";

/** Of one verification, as RESULTS.md has them for the whole process: from what is held, and with a read. */
export const CPU_MS = { held: 0.12, read: 1 };
/** Rows that D1 counts as read. */
export const ROWS_READ = { look: 11, first: 4, past: 1_000, again: 4, nearest: 4 };

export interface Costs {
  /** Over a service binding; over HTTP each verification is a request as well. */
  binding: number;
  http: number;
  /** Of the former, what counting uses costs, and what reads do. */
  usage: number;
  reads: number;
}

function costsOf(
  verifying: Partial<Record<Meter, number>>,
  usage: Partial<Record<Meter, number>>,
  requests: number,
): Costs {
  const together = { ...verifying, ...usage };
  const { rowsRead, kvReads } = monthly(together);
  const binding = PLAN + monthlyTotal(together);
  return {
    binding,
    http: binding + monthly({ requests }).requests,
    usage: monthlyTotal(usage),
    reads: rowsRead + kvReads,
  };
}

export function latchkeyCosts(size: Size, figures: Figures): Costs {
  const { requests, within, usage } = figures;
  const { look, first, past, again, nearest } = figures.total;
  const rowsRead =
    look * ROWS_READ.look +
    first * ROWS_READ.first +
    past * ROWS_READ.past +
    again * ROWS_READ.again +
    nearest * ROWS_READ.nearest;
  const cpuMs = requests * (CPU_MS.held + (1 - within.isolate) * CPU_MS.read);
  const rowsWritten = usageOf(size, figures).reduce((sum, one) => sum + one.rowsWritten, 0);
  return costsOf({ rowsRead, cpuMs }, { rowsWritten, queueOperations: usage.operations }, requests);
}

export function timeToLiveCosts({ requests, within, nearest }: OtherFigures): Costs {
  const reads = nearest.reduce((sum, one) => sum + one, 0);
  const cpuMs = requests * (CPU_MS.held + (1 - within.isolate) * CPU_MS.read);
  return costsOf({ rowsRead: reads, cpuMs }, {}, requests);
}

/** Each revoked key is written, and its successor. */
export function kvCosts({ keys }: Size, { requests }: OtherFigures): Costs {
  const revoked = Math.max(MIN_REVOCATIONS_PER_SECOND, keys * REVOCATIONS_PER_KEY_AND_SECOND);
  return costsOf({ kvReads: requests, kvWrites: 2 * revoked, cpuMs: requests * CPU_MS.held }, {}, requests);
}
