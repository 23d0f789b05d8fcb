import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { createKey } from "../support/api.ts";
import { isolate } from "../support/verifier.ts";

test("the reads of one isolate share a session with the nearest database, so that none goes back behind an earlier one", async () => {
  const keys = [await createKey(), await createKey()];
  const sessions: unknown[] = [];
  const withSession: D1Database["withSession"] = (start) => {
    sessions.push(start);
    return env.DB.withSession(start);
  };
  const d1: D1Database = Object.assign(Object.create(env.DB), { withSession });
  const { queries, verify } = isolate({ d1 });
  for (const { rawKey } of keys) await verify(rawKey);
  expect(queries.length).toBeGreaterThanOrEqual(2);
  expect(sessions.filter((start) => start !== "first-primary")).toEqual(["first-unconstrained"]);
});
