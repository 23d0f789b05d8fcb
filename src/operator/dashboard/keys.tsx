import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import * as z from "zod";
import { originsOf } from "../../audit/log.ts";
import { searchAllEvents } from "../../audit/store.ts";
import { done } from "../../dashboard/done.ts";
import { filled, formOf, textOf } from "../../dashboard/form.ts";
import type { ListedKey } from "../../dashboard/pages/keys.tsx";
import { RevokePage } from "../../dashboard/pages/question.tsx";
import { page } from "../../dashboard/pages.tsx";
import { listedKeys } from "../../dashboard/rows.ts";
import { originsFrom, stateOf } from "../../dashboard/state.ts";
import { wordsOf } from "../../dashboard/words/words.ts";
import type { Place } from "../../db/walk.ts";
import { masked } from "../../http/errors.ts";
import { badCursor } from "../../http/paging.ts";
import { refuseUrl } from "../../http/validation.ts";
import { catalogueOf } from "../../keys/rules.ts";
import { keyIdSchema } from "../../keys/schema.ts";
import { OPERATOR_WRITE_SCOPE } from "../../oauth/operator.ts";
import { mayUse } from "../../oauth/token.ts";
import { recentUse } from "../../usage/recent.ts";
import { type OperatedKey, searchKeysSchema } from "../key-schema.ts";
import type { OperatorPageParts } from "./companies.tsx";
import { showIdentified } from "./identify.tsx";
import { KeyPage } from "./pages/key.tsx";
import { FindKeyPage } from "./pages/keys.tsx";
import { type OperatorContext, type OperatorSession, reads, writes } from "./session.ts";
import { companyPath, KEYS } from "./site.ts";

const KEYS_ON_A_PAGE = 25;
const EVENTS_ON_A_PAGE = 25;

const DONE = { suspend: "suspended", resume: "resumed", revoke: "revoked" } as const;

/** Keys of all companies. Wants `requireOperator` before it. */
export function keyPages(parts: OperatorPageParts) {
  const { keys, form, now } = parts;
  const search = searchKeysSchema({ form });
  const findQuery = z.preprocess(filled, search.pick({ prefix: true, cursor: true }));
  const eventsQuery = z.preprocess(filled, search.pick({ cursor: true }));
  const id = zValidator("param", keyIdSchema, refuseUrl);
  const showKey = keyPage(parts);
  const listedOfAll = lister(parts);

  return (
    new Hono<{ Variables: OperatorSession }>()
      .get("/keys", reads, zValidator("query", findQuery, refuseUrl), async (c) => {
        const { prefix, cursor: after } = c.req.valid("query");
        const { title } = wordsOf(c).text.findKey;
        if (prefix === undefined) return page(c, title, <FindKeyPage />);
        const { keys: found, next } = await keys.search({ prefix, after, limit: KEYS_ON_A_PAGE });
        const query = next && new URLSearchParams({ prefix, cursor: JSON.stringify(next) });
        const listed = await listedOfAll(found);
        const body = (
          <FindKeyPage prefix={prefix} keys={listed} next={query && `${KEYS}?${query}`} now={now()} />
        );
        return page(c, title, body);
      })

      // It comes as a form, so that a key that was pasted into it is in no URL; nor is what could be another's secret.
      .post("/keys/search", reads, async (c) => {
        const q = textOf(await formOf(c), "q").trim();
        if (form.isIn(q) || masked(q) !== q) return showIdentified(c, q, parts);
        return c.redirect(`${KEYS}?${new URLSearchParams({ prefix: q })}`, 303);
      })

      .get("/keys/:id", reads, id, zValidator("query", eventsQuery, refuseUrl), (c) =>
        showKey(c, c.req.valid("param").id, c.req.valid("query").cursor),
      )

      .get("/keys/:id/revoke", reads, writes, id, async (c) => {
        const key = await keys.get(c.req.valid("param").id);
        const body = <RevokePage path={`${KEYS}/${key.id}`} of={key} now={now()} />;
        return page(c, wordsOf(c).text.question.revokeTitle(key.label), body);
      })

      .post("/keys/:id/:act{suspend|resume|revoke}", writes, id, async (c) => {
        const { id } = c.req.valid("param");
        const act = z.enum(["suspend", "resume", "revoke"]).parse(c.req.param("act"));
        await keys.change(id, act, c.var.operator);
        return done(c, DONE[act], `${KEYS}/${id}`);
      })
  );
}

/** Lists keys of several companies in their order, each with whose it is. */
function lister({ databases, now }: OperatorPageParts) {
  return async function listedOfAll(keys: readonly OperatedKey[]): Promise<ListedKey[]> {
    const ofEach = await Promise.all(
      [...Map.groupBy(keys, ({ companyId }) => companyId)].map(async ([id, keysOfOne]) => {
        const { d1 } = await databases.of(id);
        const company = { id, path: companyPath(id) };
        return (await listedKeys(d1, id, keysOfOne, now())).map((row) => ({ ...row, company }));
      }),
    );
    const rows = new Map(ofEach.flat().map((row) => [row.key.id, row]));
    return keys.flatMap(({ id }) => rows.get(id) ?? []);
  };
}

function keyPage({ databases, companies, keys, options, now }: OperatorPageParts) {
  return async function showKey(c: OperatorContext, id: string, after: Place | undefined): Promise<Response> {
    const key = await keys.get(id);
    const { companyId: company } = key;
    const { d1 } = await databases.of(company);
    const [origins, used, events, { suspendedAt }] = await Promise.all([
      originsOf(d1, company, [id]),
      recentUse(d1, company, [id], now()),
      searchAllEvents(databases, { company, key: id, after, limit: EVENTS_ON_A_PAGE }),
      companies.get(company),
    ]);
    const { rows, next } = events ?? badCursor();
    const { replacedBy } = originsFrom(origins)(id);
    const path = `${KEYS}/${id}`;
    const body = (
      <KeyPage
        path={path}
        apiKey={key}
        company={{ id: company, path: companyPath(company), isSuspended: suspendedAt !== null }}
        state={stateOf(key, replacedBy, now())}
        origin={{ createdBy: key.createdBy?.subject ?? null, replacedBy }}
        catalogue={catalogueOf({ SCOPES: options.catalogue })}
        days={used.get(id) ?? []}
        events={rows}
        next={next && `${path}?${new URLSearchParams({ cursor: JSON.stringify(next) })}`}
        mayWrite={mayUse(c.var.token, OPERATOR_WRITE_SCOPE)}
        now={now()}
      />
    );
    return page(c, key.label, body);
  };
}
