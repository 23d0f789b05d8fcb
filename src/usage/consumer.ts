import { DatabaseError } from "../db/client.ts";
import type { Databases } from "../db/databases.ts";
import { describeFault } from "../lib/fault.ts";
import { countReports } from "./counting.ts";
import type { UsageReport } from "./recorder.ts";
import { usageMessageSchema } from "./schema.ts";
import { divideCrowd, dueParts, mergeWaiting } from "./waiting.ts";

/** Different keys that one transaction adds up, or little more: some 30 ms, for which everybody else waits. */
const MAX_KEYS = 10_000;
/** Between two statements that write it is everybody else's turn. */
const PAUSE_MS = 20;
/** Of one run, of two queries each: D1 lets it make 1,000. What is left over waits for the next one. */
const MAX_STEPS = 300;

/** A report, and the message that it came with. */
interface Delivery {
  message: Message<unknown>;
  report: UsageReport;
}

/** One database, and what is done with a message that it does not count. */
interface Counting {
  d1: D1Database;
  now: number;
  /** Of what waits. */
  maxSteps: number;
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
    const { data: reports, error } = usageMessageSchema.safeParse(message.body);
    if (!reports) {
      fail(message, error.issues.map(({ path, code }) => `${path.join(".")}: ${code}`).join("; "));
      continue;
    }
    for (const report of reports) {
      const deliveries = ofDatabase.get(report.database);
      if (deliveries) deliveries.push({ message, report });
      else fail(message, `The database ${report.database} is not bound`);
    }
  }
  const maxSteps = MAX_STEPS / all.length;
  await Promise.all(
    all.map(({ name, d1 }) => countAll({ d1, now, maxSteps, fail }, ofDatabase.get(name) ?? [])),
  );
  for (const message of messages) {
    if (failed.has(message)) message.retry();
    else message.ack();
  }
}

/** Whoever adds to what waits also takes of it, so that it does not become more, however much comes. */
async function countAll(counting: Counting, deliveries: readonly Delivery[]): Promise<void> {
  if (!(await countEach(counting, pieces(deliveries)))) return;
  const { d1, now, maxSteps } = counting;
  await repeat(() => divideCrowd(d1), maxSteps);
  await mergeIn(d1, now, maxSteps);
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
  await Promise.all(all.map(({ d1 }) => mergeIn(d1, now, MAX_STEPS / all.length)));
}

async function mergeIn(d1: D1Database, now: number, maxSteps: number): Promise<void> {
  const seen = new Set<string>();
  const unseen = async () => (await dueParts(d1, now)).filter((part) => !seen.has(part));
  let steps = maxSteps;
  try {
    // What was divided is due as well.
    for (let parts = await unseen(); parts.length > 0 && steps > 0; parts = await unseen()) {
      for (const part of parts) {
        seen.add(part);
        steps -= await repeat(() => mergeWaiting(d1, part), steps);
      }
    }
  } catch (fault) {
    report(fault);
  }
}

/** One piece after the other. @returns Whether some of it waits. */
async function countEach(counting: Counting, pieces: Iterable<readonly Delivery[]>): Promise<boolean> {
  let isWaiting = false;
  for (const piece of pieces) isWaiting = (await count(counting, piece)) || isWaiting;
  return isWaiting;
}

/** @returns Whether some of it waits. */
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
    const apart = deliveries.map((delivery) => [delivery]);
    return countEach(counting, apart);
  }
}

/** Takes steps while there is something to do. @returns how many, `most` at most or little more. */
async function repeat(step: () => Promise<number>, most: number): Promise<number> {
  let steps = 0;
  try {
    while (steps++ < most && (await step()) > 0) await scheduler.wait(PAUSE_MS);
  } catch (fault) {
    report(fault);
  }
  return steps;
}

function report(fault: unknown): void {
  console.error(JSON.stringify({ event: "usage_merge_failed", fault: describeFault(fault) }));
}
