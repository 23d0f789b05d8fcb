import type { Handler } from "hono";
import { YEAR_SECONDS } from "../lib/time.ts";
import { ApiError } from "./errors.ts";

/** A file of `assets`. Its name changes with its content. */
export const staticFile: Handler<{ Bindings: Env }> = async function staticFile(c) {
  const file = await c.env.ASSETS.fetch(c.req.raw);
  if (!file.ok && file.status !== 304) throw new ApiError("NOT_FOUND", { message: "No such file" });
  const answer = new Response(file.body, file);
  answer.headers.set("Cache-Control", `public, max-age=${YEAR_SECONDS}, immutable`);
  // A page in a sandbox, such as /docs, is another origin.
  answer.headers.set("Cross-Origin-Resource-Policy", "cross-origin");
  return answer;
};
