import { DatabaseError } from "../db/client.ts";
import { describeFault } from "../lib/fault.ts";
import type { UsageReport } from "./recorder.ts";
import { usageReportSchema } from "./schema.ts";
import { mergeReports } from "./store.ts";

/** Uses that one statement merges: some 10 ms, for which everybody else waits. A single report may have as many. */
const MAX_USES = 1_000;

interface Delivery {
  message: Message<unknown>;
  report: UsageReport;
}

/**
 * Merges the reports of a batch of the queue, and acknowledges each message by itself: one that cannot be read or
 * merged is delivered again, comes to the dead-letter queue in the end, and takes no other along.
 */
export async function consumeReports(d1: D1Database, messages: readonly Message<unknown>[]): Promise<void> {
  const deliveries: Delivery[] = [];
  for (const message of messages) {
    const { data: report, error } = usageReportSchema.safeParse(message.body);
    if (report) deliveries.push({ message, report });
    else refuse(message, error.issues.map(({ path, code }) => `${path.join(".")}: ${code}`).join("; "));
  }
  for (const piece of pieces(deliveries)) await merge(d1, piece);
}

function* pieces(deliveries: readonly Delivery[]): Generator<Delivery[]> {
  let piece: Delivery[] = [];
  let uses = 0;
  for (const delivery of deliveries) {
    const { length } = delivery.report.keys;
    if (piece.length > 0 && uses + length > MAX_USES) {
      yield piece;
      piece = [];
      uses = 0;
    }
    piece.push(delivery);
    uses += length;
  }
  if (piece.length > 0) yield piece;
}

async function merge(d1: D1Database, piece: readonly Delivery[]): Promise<void> {
  try {
    await mergeReports(
      d1,
      piece.map(({ report }) => report),
    );
    for (const { message } of piece) message.ack();
  } catch (fault) {
    if (fault instanceof DatabaseError || piece.length === 1) {
      for (const { message } of piece) refuse(message, describeFault(fault));
      return;
    }
    // One of them is at fault: it must not keep the others back.
    for (const delivery of piece) await merge(d1, [delivery]);
  }
}

function refuse(message: Message<unknown>, fault: string): void {
  const { id, attempts } = message;
  console.error(JSON.stringify({ event: "usage_report_failed", message: id, attempts, fault }));
  message.retry();
}
