import { and, asc, desc, eq, gt, lt, sql } from "drizzle-orm";
import { NO_KEY_ID } from "../audit/event.ts";
import { shownActor } from "../audit/store.ts";
import { type Database, onPrimary } from "../db/client.ts";
import { apiKeys, auditEvents, EVENTS_JOB, progress } from "../db/tables.ts";
import { timestamp } from "../lib/time.ts";
import type { KeyEvent, KeyEventType } from "./contract.ts";

/** Events of one message batch: it holds 256 KB, and an event has at most some 8 KB. */
const PIECE = 25;
/** Of one run. What is left over waits for the next. */
const MAX_PIECES = 200;
/** Whoever tells has so long for a piece, before another may take over. */
const HOLD_MS = 30_000;
/** The first run tells what happened in this time: an event may have come before it. */
const FIRST_MS = 3_600_000;

const TYPES: Record<(typeof auditEvents.$inferSelect)["action"], KeyEventType> = {
  create: "api_key.created",
  rename: "api_key.renamed",
  update: "api_key.updated",
  rotate: "api_key.rotated",
  suspend: "api_key.suspended",
  resume: "api_key.resumed",
  revoke: "api_key.revoked",
  expiring: "api_key.expiring",
  expired: "api_key.expired",
  dismiss: "api_key.leak_dismissed",
  suspend_company: "company.suspended",
  resume_company: "company.resumed",
  update_company: "company.updated",
};

export interface OutboxParts {
  d1: D1Database;
  queue: Pick<Queue<KeyEvent>, "sendBatch">;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/**
 * Hands the events of the audit log to the queue, in its order, from where the last run got to. One run at a time does
 * it: a second one does nothing. Whatever ends a run before its end, the next one goes on from the last piece that is
 * known to be in the queue, so an event may go there twice and is never left out.
 *
 * @throws DatabaseError; what the queue throws.
 */
export async function tellEvents({ d1, queue, now }: OutboxParts): Promise<void> {
  const holder = crypto.randomUUID();
  let done = await take(d1, holder, now());
  for (let i = 0; done !== null && i < MAX_PIECES; i++) {
    const rows = await eventsAfter(d1, done);
    const last = rows.at(-1)?.event.seq;
    if (last === undefined) break;
    await queue.sendBatch(rows.map((row) => ({ body: keyEvent(row) })));
    done = (await advance(d1, holder, { done: last, heldUntil: now() + HOLD_MS })) ? last : null;
  }
  if (done !== null) await advance(d1, holder, { heldUntil: 0 });
}

/** From which event on to tell; `null`: another run does. */
function take(d1: D1Database, holder: string, now: number): Promise<number | null> {
  return onPrimary(d1, async (db) => {
    const old = db
      .select({ seq: auditEvents.seq })
      .from(auditEvents)
      .where(lt(auditEvents.at, now - FIRST_MS))
      .orderBy(desc(auditEvents.seq))
      .limit(1);
    const held = { holder, heldUntil: now + HOLD_MS };
    const [row] = await db
      .insert(progress)
      .values({ job: EVENTS_JOB, done: sql`coalesce(${old}, 0)`, ...held })
      .onConflictDoUpdate({
        target: progress.job,
        set: held,
        setWhere: sql`${progress.heldUntil} <= ${now} OR ${progress.holder} = ${holder}`,
      })
      .returning({ done: progress.done });
    return row?.done ?? null;
  });
}

/** Whether the run still has the job for itself. */
function advance(
  d1: D1Database,
  holder: string,
  next: { done?: number; heldUntil: number },
): Promise<boolean> {
  return onPrimary(d1, async (db) => {
    const rows = await db
      .update(progress)
      .set(next)
      .where(and(eq(progress.job, EVENTS_JOB), eq(progress.holder, holder)))
      .returning({ job: progress.job });
    return rows.length > 0;
  });
}

type Row = Awaited<ReturnType<typeof selectAfter>>[number];

function eventsAfter(d1: D1Database, seq: number): Promise<Row[]> {
  return onPrimary(d1, (db) => selectAfter(db, seq));
}

function selectAfter(db: Database, seq: number) {
  const { label, keyPrefix, expiresAt } = apiKeys;
  return db
    .select({ event: auditEvents, key: { label, keyPrefix, expiresAt } })
    .from(auditEvents)
    .leftJoin(apiKeys, and(eq(apiKeys.id, auditEvents.keyId), eq(apiKeys.companyId, auditEvents.companyId)))
    .where(gt(auditEvents.seq, seq))
    .orderBy(asc(auditEvents.seq))
    .limit(PIECE);
}

/** Field by field, so that nothing is told that nobody meant to tell. */
function keyEvent({ event, key }: Row): KeyEvent {
  const { id, action, at, companyId, keyId, detail } = event;
  return {
    id,
    type: TYPES[action],
    timestamp: new Date(at).toISOString(),
    data: {
      companyId,
      key:
        keyId === NO_KEY_ID
          ? null
          : {
              id: keyId,
              label: key?.label ?? null,
              keyPrefix: key?.keyPrefix ?? null,
              expiresAt: timestamp(key?.expiresAt ?? null),
            },
      actor: shownActor(event),
      detail,
    },
  };
}
