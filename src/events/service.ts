import { databasesOf, type NamedDatabase } from "../db/databases.ts";
import { describeFault } from "../lib/fault.ts";
import { readSettings } from "../lib/settings.ts";
import { consumeEvents } from "./consumer.ts";
import type { KeyEvent } from "./contract.ts";
import { noteExpiry } from "./notices.ts";
import { tellEvents } from "./outbox.ts";
import { binding, type Deliver, webhook } from "./receivers.ts";
import { type EventSettings, eventSettings, noticeSettings } from "./settings.ts";

/** What happened to keys, on its way to whoever is told. What fails is in the log, and is tried again by the next run. */
export function keyEvents(env: Env, now: () => number) {
  const settings = readSettings(eventSettings, env);
  const notices = readSettings(noticeSettings, env);
  const databases = databasesOf(env);

  /** In all databases at once: one that fails keeps nothing of the others back. */
  async function inEach(what: string, work: (d1: D1Database) => Promise<void>): Promise<void> {
    const logged = async ({ name: database, d1 }: NamedDatabase) => {
      try {
        await work(d1);
      } catch (fault) {
        console.error(
          JSON.stringify({ event: "events_failed", what, database, fault: describeFault(fault) }),
        );
      }
    };
    await Promise.all(databases().all.map(logged));
  }

  return {
    settings,
    notices,

    /** Notes in the audit log which keys come to their end. */
    note: (at: number) => inEach("notices", (d1) => noteExpiry(d1, at, notices().EXPIRY_NOTICE_DAYS)),

    /** Hands what is new in the audit log to the queue. Does nothing where nobody is told. */
    tell: () =>
      inEach("outbox", async (d1) => {
        const { EVENT_QUEUE: queue, ...receivers } = settings();
        if (queue !== undefined && receiverOf(receivers, now) !== null) await tellEvents({ d1, queue, now });
      }),

    /** Tells of what comes from the queue, or from the dead-letter queue. */
    async consume(messages: readonly Message<KeyEvent>[]): Promise<void> {
      await consumeEvents(messages, async (event) => {
        const deliver = receiverOf(settings(), now);
        if (deliver === null) throw new Error("There is neither WEBHOOK_URL nor EVENTS");
        await deliver(event);
      });
    },
  };
}

function receiverOf(
  { WEBHOOK_URL, WEBHOOK_SECRETS, EVENTS }: Pick<EventSettings, "WEBHOOK_URL" | "WEBHOOK_SECRETS" | "EVENTS">,
  now: () => number,
): Deliver | null {
  if (EVENTS !== undefined) return binding(EVENTS);
  return WEBHOOK_URL === "" ? null : webhook(WEBHOOK_URL, WEBHOOK_SECRETS, now);
}
