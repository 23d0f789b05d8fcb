import { ANSWER } from "./answer.ts";

/** The least that a Worker can do. */
export default {
  fetch: () => Response.json(ANSWER),
} satisfies ExportedHandler;
