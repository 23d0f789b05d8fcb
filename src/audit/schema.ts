import * as z from "zod";
import { limitSchema } from "../lib/paging.ts";
import { ACTIONS } from "./store.ts";

const DEFAULT_PAGE = "100";

/** The query of `GET /settings/events`. */
export const listEventsSchema = z.object({
  limit: limitSchema.prefault(DEFAULT_PAGE),
  /** The last event of the page before. */
  cursor: z.guid("must be taken from a Link header").optional(),
  /** Id of a key. */
  key: z.guid("must be a UUID").toLowerCase().optional(),
  action: z.enum(ACTIONS, `must be one of ${ACTIONS.join(", ")}`).optional(),
});

export type ListEvents = z.output<typeof listEventsSchema>;
