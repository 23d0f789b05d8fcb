import { Webhook } from "standardwebhooks";
import { withDeadline } from "../lib/deadline.ts";
import type { EventReceiver, KeyEvent } from "./contract.ts";

/** A receiver that takes longer has failed. */
const TIMEOUT_MS = 30_000;

/** Tells of an event once. @throws Error where the receiver did not take it. */
export type Deliver = (event: KeyEvent) => Promise<void>;

/**
 * The operator's endpoint, told by Standard Webhooks 1.0.0. Each secret signs, so that one can be replaced.
 *
 * @param now - Milliseconds since the epoch.
 */
export function webhook(url: string, secrets: readonly string[], now: () => number): Deliver {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  return async function deliver(event) {
    const body = JSON.stringify(event);
    const at = new Date(now());
    const answer = await fetch(url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "latchkey",
        "webhook-id": event.id,
        "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
        "webhook-signature": webhooks.map((webhook) => webhook.sign(event.id, at, body)).join(" "),
      },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`The endpoint answered ${answer.status}`);
  };
}

/** A Worker that is bound as `EVENTS`. */
export function binding(receiver: EventReceiver): Deliver {
  return (event) => withDeadline(receiver.receive(event), TIMEOUT_MS);
}
