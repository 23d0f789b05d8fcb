import { describeFault } from "../lib/fault.ts";
import type { KeyEvent } from "./contract.ts";
import type { Deliver } from "./receivers.ts";

/** As many as a Worker has connections open at once: another would wait, and its time run. */
const LANES = 6;

/** Pause before the second attempt, doubled before each further one: with 13 of them, a day less an hour. */
const FIRST_PAUSE_SECONDS = 10;
/** The longest that a queue delays a message. */
const MAX_PAUSE_SECONDS = 43_200;

export function isKeyEvent(message: Message<unknown>): message is Message<KeyEvent> {
  const { body } = message;
  return (
    typeof body === "object" &&
    body !== null &&
    "type" in body &&
    /^(api_key|company)\./.test(String(body.type))
  );
}

/**
 * Tells of the events of a batch of the queue: those of one key one after the other, those of different keys side by
 * side. Each message is acknowledged by itself; one that fails comes again after a pause, and to the dead-letter queue
 * in the end.
 */
export async function consumeEvents(messages: readonly Message<KeyEvent>[], deliver: Deliver): Promise<void> {
  const ofKeys = Map.groupBy(messages, ({ body }) => body.data.key?.id ?? body.data.companyId).values();
  const lane = async () => {
    for (const ofKey of ofKeys) for (const message of ofKey) await attempt(message, deliver);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function attempt(message: Message<KeyEvent>, deliver: Deliver): Promise<void> {
  const { id, attempts, body } = message;
  try {
    await deliver(body);
    message.ack();
  } catch (fault) {
    const seconds = Math.min(FIRST_PAUSE_SECONDS * 2 ** (attempts - 1), MAX_PAUSE_SECONDS);
    console.error(
      JSON.stringify({
        event: "event_delivery_failed",
        message: id,
        id: body.id,
        attempts,
        seconds,
        fault: describeFault(fault),
      }),
    );
    message.retry({ delaySeconds: seconds });
  }
}
