import { DatabaseError } from "../db/client.ts";
import type { Databases, NamedDatabase } from "../db/databases.ts";
import { FIRST_DATABASE } from "../db/settings.ts";
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

/** One database, and what is done with a message that it does not count. */
interface Counting {
  d1: D1Database;
  now: number;
  fail: (message: Message<unknown>, fault: string) => void;
}

/**
 * Counts the reports of a batch of the queue, each key in its own database, and acknowledges each message by itself: one
 * that cannot be read or counted is delivered again, comes to the dead-letter queue in the end, and takes no other along.
 * What a database has counted of it by then it does not count again.
 *
 * @param now - Milliseconds since the epoch.
 */
export async function consumeReports(
  { all }: Pick<Databases, "all">,
  messages: readonly Message<unknown>[],
  now: number,
): Promise<void> {
  const ofDatabase = new Map(all.map(({ name }): [string, Delivery[]] => [name, []]));
  const failed = new Set<Message<unknown>>();
  const fail = (message: Message<unknown>, fault: string) => {
    const { id, attempts } = message;
    console.error(JSON.stringify({ event: "usage_report_failed", message: id, attempts, fault }));
    failed.add(message);
  };
  for (const message of messages) {
    const { data: report, error } = usageReportSchema.safeParse(message.body);
    if (!report) {
      fail(message, error.issues.map(({ path, code }) => `${path.join(".")}: ${code}`).join("; "));
      continue;
    }
    for (const [name, keys] of Map.groupBy(report.keys, ({ database }) => database ?? FIRST_DATABASE)) {
      const deliveries = ofDatabase.get(name);
      if (deliveries) deliveries.push({ message, report: { ...report, keys } });
      else fail(message, `The database ${name} is not bound`);
    }
  }
  await Promise.all(
    all.map(({ name, d1 }) => countAll({ d1, now, fail }, ofDatabase.get(name) ?? [], all.length)),
  );
  for (const message of messages) {
    if (failed.has(message)) message.retry();
    else message.ack();
  }
}

/** @param databases - That have a share each of what one run may do. */
async function countAll(
  counting: Counting,
  deliveries: readonly Delivery[],
  databases: number,
): Promise<void> {
  let isUrgent = false;
  for (const piece of pieces(deliveries)) isUrgent = (await count(counting, piece)) || isUrgent;
  if (isUrgent) await mergeParts(counting.d1, [AT_ONCE], MAX_STATEMENTS / databases);
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
export async function mergeDue({ all }: Pick<Databases, "all">, now: number): Promise<void> {
  const mergeIn = async ({ d1 }: NamedDatabase) => {
    try {
      await mergeParts(d1, await dueParts(d1, now), MAX_STATEMENTS / all.length);
    } catch (fault) {
      report(fault);
    }
  };
  await Promise.all(all.map(mergeIn));
}

/** @returns Whether something waits to be written at once. */
async function count(counting: Counting, deliveries: readonly Delivery[]): Promise<boolean> {
  const { d1, now, fail } = counting;
  try {
    const reports = deliveries.map(({ report }) => report);
    return await countReports(d1, reports, now);
  } catch (fault) {
    if (fault instanceof DatabaseError || deliveries.length === 1) {
      for (const { message } of deliveries) fail(message, describeFault(fault));
      return false;
    }
    // One of them is at fault: it must not keep the others back.
    let isUrgent = false;
    for (const delivery of deliveries) isUrgent = (await count(counting, [delivery])) || isUrgent;
    return isUrgent;
  }
}

async function mergeParts(d1: D1Database, parts: readonly string[], most: number): Promise<void> {
  let statements = 0;
  for (const part of parts) {
    try {
      while (statements++ < most && (await mergeWaiting(d1, part)) > 0) await scheduler.wait(PAUSE_MS);
    } catch (fault) {
      report(fault);
    }
  }
}

function report(fault: unknown): void {
  console.error(JSON.stringify({ event: "usage_merge_failed", fault: describeFault(fault) }));
}
