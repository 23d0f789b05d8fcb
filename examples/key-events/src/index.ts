import { WorkerEntrypoint } from "cloudflare:workers";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { EventReceiver, KeyEvent } from "latchkey";
import { Webhook } from "standardwebhooks";

interface Bindings {
  MAIL: SendEmail;
  MAIL_FROM: string;
  MAIL_TO: string;
  WEBHOOK_SECRET: string;
}

const MAX_BODY_BYTES = 64 * 1024;

const app = new Hono<{ Bindings: Bindings }>();

app.use(bodyLimit({ maxSize: MAX_BODY_BYTES }));

app.post("/latchkey", async (c) => {
  const body = await c.req.text();
  let event: KeyEvent;
  try {
    event = new Webhook(c.env.WEBHOOK_SECRET).verify(body, c.req.header()) as KeyEvent;
  } catch {
    return c.text("The signature is not valid", 401);
  }
  await sendMail(event, c.env);
  return c.body(null, 204);
});

export default app;

/** For Latchkey's binding `EVENTS`: the same without HTTP. */
export class KeyEvents extends WorkerEntrypoint<Bindings> implements EventReceiver {
  async receive(event: KeyEvent): Promise<void> {
    await sendMail(event, this.env);
  }
}

/** Tells people what they must know. A mail that cannot be sent throws, and the event comes again. */
async function sendMail(event: KeyEvent, { MAIL, MAIL_FROM, MAIL_TO }: Bindings): Promise<void> {
  const what = whatHappened(event);
  if (what === null) return;
  const { companyId, key } = event.data;
  if (key === null) return; // of the company itself
  const name = key.label === null ? key.id : `“${key.label}” (${key.keyPrefix}…)`;
  await MAIL.send({
    from: MAIL_FROM,
    to: MAIL_TO,
    subject: `API key of ${companyId} ${what}`,
    text: `The API key ${name} of ${companyId} ${what}.\n\nEvent ${event.id} of ${event.timestamp}\n`,
  });
}

/** `null`: nothing that anybody must know. */
function whatHappened({ type, data: { key, detail } }: KeyEvent): string | null {
  switch (type) {
    case "api_key.expiring":
      return `expires on ${key?.expiresAt}`;
    case "api_key.expired":
      return "has expired";
    case "api_key.revoked":
      return detail?.reason === "leaked" ? `was found in public and revoked: ${detail.url}` : null;
    default:
      return null;
  }
}
