import { env } from "cloudflare:workers";
import type { KeyEvent } from "../../src/events/contract.ts";
import { tellEvents } from "../../src/events/outbox.ts";

export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
export const OLD_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/** The producer's end of a queue, and what was handed to it. */
export function keptQueue(fault: () => void = () => {}) {
  const told: KeyEvent[] = [];
  return {
    told,
    queue: {
      async sendBatch(messages: Iterable<MessageSendRequest<KeyEvent>>) {
        fault();
        for (const { body } of messages) told.push(structuredClone(body));
        return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
      },
    },
  };
}

/** What a run hands to the queue. */
export async function told(d1: D1Database = env.DB, now: () => number = Date.now): Promise<KeyEvent[]> {
  const { queue, told } = keptQueue();
  await tellEvents({ d1, queue, now });
  return told;
}
