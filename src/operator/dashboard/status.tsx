import { Hono } from "hono";
import { page } from "../../dashboard/pages.tsx";
import { wordsOf } from "../../dashboard/words/words.ts";
import { type StatusParts, statusOf } from "../status.ts";
import { StatusPage } from "./pages/status.tsx";
import { type OperatorSession, reads } from "./session.ts";

/** How the service is doing. Wants `requireOperator` before it. */
export function statusPage(parts: StatusParts) {
  return new Hono<{ Variables: OperatorSession }>().get("/status", reads, async (c) => {
    return page(
      c,
      wordsOf(c).text.status.title,
      <StatusPage status={await statusOf(parts)} now={parts.now()} />,
    );
  });
}
