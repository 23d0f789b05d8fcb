import { Hono } from "hono";
import * as z from "zod";
import { DatabaseError } from "../db/client.ts";
import { ApiError } from "../http/errors.ts";
import { refuseUrl } from "../http/validation.ts";
import { keysOf } from "../keys/overview.ts";
import { found } from "../keys/rules.ts";
import type { ApiKey } from "../keys/schema.ts";
import { keyIdSchema } from "../keys/schema.ts";
import { shownKey } from "../keys/shown.ts";
import { type Done, done } from "./done.ts";
import { formOf, textOf } from "./form.ts";
import { requireScope, type SessionVariables } from "./guard.ts";
import { type Left, NotAllPage, SEVERAL_ACTS, type SeveralAct, SeveralPage } from "./pages/several.tsx";
import { page } from "./pages.tsx";
import { type DashboardParts, KEYS_ON_A_PAGE, type SessionContext } from "./routes.tsx";
import { wordsOf } from "./words/words.ts";

const severalSchema = z.strictObject({
  act: z.enum(SEVERAL_ACTS, `must be one of ${SEVERAL_ACTS.join(", ")}`),
  key: z
    .array(keyIdSchema.shape.id)
    .min(1, "must be given at least once")
    .max(KEYS_ON_A_PAGE, `must be at most ${KEYS_ON_A_PAGE}`)
    .transform((ids) => [...new Set(ids)]),
});

const DONE: Record<SeveralAct, Done["act"]> = { revoke: "revoked", suspend: "suspended", resume: "resumed" };

/** What is done to several keys at once, below `/dashboard`. Wants `requireSession` before it. */
export function severalRoutes({ databases, keys: service, format, now, scopes }: DashboardParts) {
  const reads = requireScope(scopes.OAUTH_READ_SCOPE);
  const writes = requireScope(scopes.OAUTH_WRITE_SCOPE);

  /** What is asked for, of keys that are all the company's. @throws ApiError `BAD_REQUEST`, `NOT_FOUND` */
  async function askedFor(c: SessionContext, act: string, key: readonly string[]) {
    const input = severalSchema.safeParse({ act, key });
    refuseUrl(input);
    const { act: asked, key: ids } = input.data as z.output<typeof severalSchema>;
    const { companyId } = c.var.principal;
    const { d1 } = await databases.of(companyId);
    const rows = await keysOf(d1, companyId, ids);
    const keys = ids.map((id) => shownKey(found(rows.get(id) ?? null), format.generations, now()));
    return { act: asked, keys };
  }

  return (
    new Hono<{ Variables: SessionVariables }>()
      .get("/several", reads, writes, async (c) => {
        const { act, keys } = await askedFor(c, c.req.query("act") ?? "", c.req.queries("key") ?? []);
        const title = wordsOf(c).text.several[act].title(keys.length);
        return page(c, title, <SeveralPage act={act} keys={keys} now={now()} />);
      })

      // Each key by itself: what cannot be done to one is told, and done to the others.
      .post("/several", reads, writes, async (c) => {
        const data = await formOf(c);
        const sent = data.getAll("key").filter((id) => typeof id === "string");
        const { act, keys } = await askedFor(c, textOf(data, "act"), sent);
        const { companyId, ...actor } = c.var.principal;
        const outcomes = await Promise.allSettled(keys.map(({ id }) => service[act](companyId, id, actor)));
        const left = outcomes.flatMap((outcome, i) => leftBy(outcome, keys[i]));
        if (left.length === 0) return done(c, DONE[act], "/dashboard", keys.length);
        const body = <NotAllPage act={act} done={keys.length - left.length} left={left} />;
        return page(c, wordsOf(c).text.several.notAll, body);
      })
  );
}

/** The key to which it was not done, and why. @throws what is no refusal. */
function leftBy(outcome: PromiseSettledResult<unknown>, key: ApiKey | undefined): Left[] {
  if (outcome.status === "fulfilled" || key === undefined) return [];
  const { reason } = outcome;
  if (reason instanceof ApiError) return [{ key, why: reason.code === "NOT_FOUND" ? "gone" : "revoked" }];
  if (reason instanceof DatabaseError) return [{ key, why: "failed" }];
  throw reason;
}
