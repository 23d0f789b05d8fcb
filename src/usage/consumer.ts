import { DatabaseError } from "../db/client.ts";
import { describeFault } from "../lib/fault.ts";
import { AT_ONCE, countReports, dueParts, mergeWaiting } from "./counting.ts";
import type { UsageReport } from "./recorder.ts";
import { usageReportSchema } from "./schema.ts";

/** Different keys that one transaction adds up, or little more: some 30 ms, for which everybody else waits. */
const MAX_KEYS = 10_000;
/** Between two statements that write it is everybody else's turn. */
const PAUSE_MS = 20;
/** Statements of one run: what is left over waits for the next one. */
const MAX_STATEMENTS = 400;

interface Delivery {
  message: Message<unknown>;
  report: UsageReport;
}

/**
 * Counts the reports of a batch of the queue, and acknowledges each message by itself: one that cannot be read or
 * counted is delivered again, comes to the dead-letter queue in the end, and takes no other along.
 *
 * @param now - Milliseconds since the epoch.
 */
export async function consumeReports(
  d1: D1Database,
  messages: readonly Message<unknown>[],
  now: number,
): Promise<void> {
  const deliveries: Delivery[] = [];
  for (const message of messages) {
    const { data: report, error } = usageReportSchema.safeParse(message.body);
    if (report) deliveries.push({ message, report });
    else refuse(message, error.issues.map(({ path, code }) => `${path.join(".")}: ${code}`).join("; "));
  }
  let isUrgent = false;
  for (const piece of pieces(deliveries)) isUrgent = (await count(d1, piece, now)) || isUrgent;
  if (isUrgent) await mergeParts(d1, [AT_ONCE]);
}

/** Each of so many different keys that one transaction may add up. */
function* pieces(deliveries: readonly Delivery[]): Generator<Delivery[]> {
  let piece: Delivery[] = [];
  const keys = new Set<string>();
  for (const delivery of deliveries) {
    piece.push(delivery);
    for (const { keyId } of delivery.report.keys) keys.add(keyId);
    if (keys.size < MAX_KEYS) continue;
    yield piece;
    piece = [];
    keys.clear();
  }
  if (piece.length > 0) yield piece;
}

/** Writes the sums that have waited for long enough. */
export async function mergeDue(d1: D1Database, now: number): Promise<void> {
  try {
    await mergeParts(d1, await dueParts(d1, now));
  } catch (fault) {
    report(fault);
  }
}

/** @returns Whether something waits to be written at once. */
async function count(d1: D1Database, deliveries: readonly Delivery[], now: number): Promise<boolean> {
  try {
    const reports = deliveries.map(({ report }) => report);
    const isUrgent = await countReports(d1, reports, now);
    for (const { message } of deliveries) message.ack();
    return isUrgent;
  } catch (fault) {
    if (fault instanceof DatabaseError || deliveries.length === 1) {
      for (const { message } of deliveries) refuse(message, describeFault(fault));
      return false;
    }
    // One of them is at fault: it must not keep the others back.
    let isUrgent = false;
    for (const delivery of deliveries) isUrgent = (await count(d1, [delivery], now)) || isUrgent;
    return isUrgent;
  }
}

async function mergeParts(d1: D1Database, parts: readonly string[]): Promise<void> {
  let statements = 0;
  for (const part of parts) {
    try {
      while (statements++ < MAX_STATEMENTS && (await mergeWaiting(d1, part)) > 0)
        await scheduler.wait(PAUSE_MS);
    } catch (fault) {
      report(fault);
    }
  }
}

function refuse(message: Message<unknown>, fault: string): void {
  const { id, attempts } = message;
  console.error(JSON.stringify({ event: "usage_report_failed", message: id, attempts, fault }));
  message.retry();
}

function report(fault: unknown): void {
  console.error(JSON.stringify({ event: "usage_merge_failed", fault: describeFault(fault) }));
}
