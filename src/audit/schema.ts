import * as z from "zod";
import { auditEvents } from "../db/tables.ts";
import { limitSchema, placeSchema } from "../http/paging.ts";

const DEFAULT_PAGE = 100;
const ACTIONS = auditEvents.action.enumValues;

const action = z.enum(ACTIONS, `must be one of ${ACTIONS.join(", ")}`).optional();
const key = z
  .guid("must be a UUID")
  .toLowerCase()
  .optional()
  .meta({ description: "Only events of the key with this id." });

/** The query of `GET /settings/events`. */
export const listEventsSchema = z.strictObject({
  limit: limitSchema.prefault(String(DEFAULT_PAGE)).meta({ default: DEFAULT_PAGE }),
  cursor: z
    .guid("must be taken from a Link header")
    .optional()
    .meta({ description: "The last event of the page before: from its Link header." }),
  key,
  action,
});

const MAX_NAME = 255;

/** A company, or who acts for it, as access tokens name them. */
export const nameSchema = z
  .string("must be given once")
  .max(MAX_NAME, `must have at most ${MAX_NAME} characters`);

/** The query of `GET /operator/events`. */
export const searchEventsSchema = z.strictObject({
  limit: listEventsSchema.shape.limit,
  cursor: placeSchema.optional(),
  company: nameSchema.optional().meta({ description: "Only events of this company." }),
  key: key.meta({
    description:
      "Only events of the key with this id; of one that is no longer there, name its company as well.",
  }),
  action,
});

const EXAMPLE_EVENT = {
  id: "f3b6a1de-9c0c-4d3e-8f57-0f7f0a6c1d11",
  action: "rename" as const,
  keyId: "6001d30f-4ca8-4278-ba11-8964895e31cf",
  actor: { issuer: "https://login.example.com", subject: "ada" },
  at: "2026-11-23T09:08:13.107Z",
  detail: { label: "Careers page" },
};

/** An event as its company sees it. */
export const eventSchema = z
  .object({
    id: z.guid(),
    action: z.enum(ACTIONS),
    keyId: z.guid().nullable().meta({ description: "null: of the company itself." }),
    actor: z.object({ issuer: z.string(), subject: z.string() }).nullable().meta({
      description:
        "The access token's issuer and subject, or who reported a leak: the URL of the reporter's keys, and the key that signed. `latchkey` and `operator`: whoever runs this service. null: the holder of the key itself, or nobody, where a key comes near its end or to it.",
    }),
    at: z.iso.datetime(),
    detail: z
      .record(z.string(), z.string())
      .nullable()
      .meta({ description: "What the action alone does not tell." }),
  })
  .meta({
    description: "Who did what to which key, or to the company, and when.",
    examples: [EXAMPLE_EVENT],
  });

/** An event as whoever runs the service sees it. */
export const operatedEventSchema = eventSchema
  .extend({
    companyId: z.string(),
    actor: eventSchema.shape.actor.meta({
      description: "As a company sees it, but with the name of whoever runs this service.",
    }),
    isOperator: z.boolean().meta({ description: "Whether the actor is whoever runs this service." }),
  })
  .meta({ examples: [{ ...EXAMPLE_EVENT, companyId: "acme", isOperator: false }] });

export type OperatedEvent = z.output<typeof operatedEventSchema>;
export type ShownEvent = z.output<typeof eventSchema>;
export type ListEvents = z.output<typeof listEventsSchema>;
