import * as z from "zod/mini";
import { bound, isPublicUrl, whole, words } from "../lib/settings.ts";
import type { EventReceiver, KeyEvent } from "./contract.ts";

/** `whsec_` and 24 to 64 bytes in base64, as Standard Webhooks has it. */
const SECRET =
  /^whsec_(?=[A-Za-z0-9+/]{32,86}={0,2}$)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** While a secret is replaced, the old one and the new one sign. */
const MAX_SECRETS = 2;

/** Where events are told; nowhere, where there is neither a URL nor a binding. */
export const eventSettings = z
  .object({
    WEBHOOK_URL: z.string().check(
      z.refine((value) => value === "" || isPublicUrl(value), {
        error: "must be an https URL of a public host (or http on loopback)",
      }),
    ),
    WEBHOOK_SECRETS: z._default(
      z.pipe(
        words,
        z
          .array(z.string().check(z.regex(SECRET, "must be whsec_ and 24 to 64 bytes in base64")))
          .check(z.maxLength(MAX_SECRETS, `must be at most ${MAX_SECRETS}`)),
      ),
      [],
    ),
    EVENTS: z.optional(bound<EventReceiver>()),
    EVENT_QUEUE: z.optional(bound<Queue<KeyEvent>>()),
  })
  .check(
    z.refine(({ WEBHOOK_URL, WEBHOOK_SECRETS }) => WEBHOOK_URL === "" || WEBHOOK_SECRETS.length > 0, {
      path: ["WEBHOOK_SECRETS"],
      error: "is missing, and WEBHOOK_URL is set",
    }),
    z.refine(({ WEBHOOK_URL, EVENTS }) => WEBHOOK_URL === "" || EVENTS === undefined, {
      path: ["WEBHOOK_URL"],
      error: "must be empty where EVENTS is bound",
    }),
    z.refine(
      ({ WEBHOOK_URL, EVENTS, EVENT_QUEUE }) =>
        (WEBHOOK_URL === "" && EVENTS === undefined) || EVENT_QUEUE !== undefined,
      { path: ["EVENT_QUEUE"], error: "is not bound" },
    ),
  );

export type EventSettings = z.output<typeof eventSettings>;

const MAX_NOTICES = 10;

/** How many days before its end a company is told of a key. */
export const noticeSettings = z.object({
  EXPIRY_NOTICE_DAYS: z.pipe(
    words,
    z.array(whole(1, 365)).check(z.maxLength(MAX_NOTICES, `must be at most ${MAX_NOTICES}`)),
  ),
});
