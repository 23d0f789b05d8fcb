import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import * as z from "zod";
import { dismissLeak, leaksOf } from "../audit/leaks.ts";
import { originsOf, searchLog } from "../audit/log.ts";
import { ApiError, type ErrorDetail } from "../http/errors.ts";
import { brokenFields, refuseBody, refuseUrl } from "../http/validation.ts";
import { neighbours } from "../keys/overview.ts";
import { type ApiKey, keyIdSchema, rotateKeySchema, updateKeySchema } from "../keys/schema.ts";
import { shownKey } from "../keys/shown.ts";
import { dayOf } from "../lib/time.ts";
import { mayUse } from "../oauth/token.ts";
import { lastDays, useOn } from "../usage/recent.ts";
import { done } from "./done.ts";
import { endAfter, formOf, requestOf, textOf } from "./form.ts";
import { refuseWithout, requireScope, type SessionVariables } from "./guard.ts";
import { reveal } from "./new-key.tsx";
import { KeyPage, type Neighbours, SHOWN_PERIODS, USUAL_PERIOD } from "./pages/key.tsx";
import { RevokePage, RotatePage } from "./pages/question.tsx";
import { page } from "./pages.tsx";
import {
  type DashboardParts,
  EVENTS_ON_A_PAGE,
  eventsQuery,
  mayCreate,
  type SessionContext,
} from "./routes.tsx";
import { originsFrom, stateOf } from "./state.ts";
import { wordsOf } from "./words/words.ts";

/** The page of one key and what changes it, below `/dashboard`. Wants `requireSession` before it. */
export function keyRoutes(parts: DashboardParts) {
  const { databases, keys: service, form, now, scopes } = parts;
  const showKey = keyPage(parts);
  const rotate = rotation(parts, showKey);
  const changes = updateKeySchema({ form, companyIps: null }).pick({ label: true });
  const id = zValidator("param", keyIdSchema, refuseUrl);
  const shown = zValidator("query", keyQuery, refuseUrl);
  const reads = requireScope(scopes.OAUTH_READ_SCOPE);
  const writes = requireScope(scopes.OAUTH_WRITE_SCOPE);

  return new Hono<{ Variables: SessionVariables }>()
    .get("/keys/:id", reads, id, shown, (c) => showKey(c, c.req.valid("param").id, c.req.valid("query")))

    .post("/keys/:id/rename", writes, id, async (c) => {
      const { id } = c.req.valid("param");
      const label = textOf(await formOf(c), "label");
      const input = changes.safeParse({ label });
      if (!input.success) return showKey(c, id, { label, faults: brokenFields(input.error) });
      const { companyId, ...actor } = c.var.principal;
      await service.update(companyId, id, actor, input.data);
      return done(c, "renamed", `/dashboard/keys/${id}`);
    })

    .post("/keys/:id/rotate", writes, id, (c) => rotate(c, c.req.valid("param").id))

    .post("/keys/:id/:act{suspend|resume}", writes, id, async (c) => {
      const { companyId, ...actor } = c.var.principal;
      const { id } = c.req.valid("param");
      const isSuspension = c.req.param("act") === "suspend";
      await service[isSuspension ? "suspend" : "resume"](companyId, id, actor);
      return done(c, isSuspension ? "suspended" : "resumed", `/dashboard/keys/${id}`);
    })

    .post("/keys/:id/dismiss", writes, id, async (c) => {
      const { companyId, ...actor } = c.var.principal;
      const { id } = c.req.valid("param");
      await service.get(companyId, id);
      const event = { id: crypto.randomUUID(), action: "dismiss", actor, at: now() } as const;
      const { d1 } = await databases.of(companyId);
      await dismissLeak(d1, companyId, id, event);
      return done(c, "dismissed", `/dashboard/keys/${id}`);
    })

    .get("/keys/:id/revoke", reads, writes, id, async (c) => {
      const { companyId } = c.var.principal;
      const key = await service.get(companyId, c.req.valid("param").id);
      const { successor } = await neighboursOf(parts, companyId, key);
      const path = `/dashboard/keys/${key.id}`;
      const body = <RevokePage path={path} of={key} successor={successor} now={now()} />;
      return page(c, wordsOf(c).text.question.revokeTitle(key.label), body);
    })

    .post("/keys/:id/revoke", writes, id, async (c) => {
      const { companyId, ...actor } = c.var.principal;
      const { id } = c.req.valid("param");
      await service.revoke(companyId, id, actor);
      return done(c, "revoked", `/dashboard/keys/${id}`);
    });
}

const keyQuery = eventsQuery.extend({
  days: z.enum(SHOWN_PERIODS, `must be one of ${SHOWN_PERIODS.join(", ")}`).default(USUAL_PERIOD),
});

/** Shows a key, the part of its page that is asked for, or what was wrong with a form of it. */
type ShowKey = (
  c: SessionContext,
  id: string,
  asked: Partial<z.output<typeof keyQuery>> & { label?: string; faults?: ErrorDetail[] },
) => Promise<Response>;

/** The other keys of its rotations. @throws DatabaseError */
async function neighboursOf(
  { databases, format, now }: DashboardParts,
  companyId: string,
  key: ApiKey,
): Promise<Neighbours> {
  const { d1 } = await databases.of(companyId);
  const rows = await neighbours(d1, companyId, key);
  const found = rows.map((row) => shownKey(row, format.generations, now()));
  return {
    successor: found.find(({ replaces }) => replaces === key.id) ?? null,
    predecessor: found.find(({ id }) => id === key.replaces) ?? null,
  };
}

function keyPage(parts: DashboardParts): ShowKey {
  const { databases, keys: service, catalogue, now, scopes } = parts;
  return async function showKey(c, id, { days = USUAL_PERIOD, cursor, ...refused }) {
    refuseWithout(scopes.OAUTH_READ_SCOPE, c.var.token);
    const { companyId } = c.var.principal;
    const query = { keys: [id], limit: EVENTS_ON_A_PAGE, cursor };
    const key = await service.get(companyId, id);
    const { d1 } = await databases.of(companyId);
    const [origins, used, { events, next }, leaks, neighbours] = await Promise.all([
      originsOf(d1, companyId, [id]),
      useOn(d1, companyId, [id], lastDays(dayOf(now()), Number(days))),
      searchLog(d1, companyId, query),
      leaksOf(d1, companyId, id),
      neighboursOf(parts, companyId, key),
    ]);
    const origin = originsFrom(origins)(id);
    const body = (
      <KeyPage
        apiKey={key}
        state={stateOf(key, origin.replacedBy, now())}
        origin={origin}
        neighbours={neighbours}
        catalogue={catalogue}
        days={used.get(id) ?? []}
        events={events}
        self={{ subject: c.var.principal.subject, name: c.var.visitorName }}
        leaks={leaks}
        next={next}
        mayWrite={mayUse(c.var.token, scopes.OAUTH_WRITE_SCOPE)}
        mayCreate={mayCreate(c, scopes.OAUTH_WRITE_SCOPE)}
        maxLifetimeDays={c.var.rules.MAX_KEY_LIFETIME_DAYS}
        now={now()}
        {...refused}
      />
    );
    return page(c, key.label, body, { status: refused.faults ? 422 : 200 });
  };
}

function rotation({ keys: service, peppers, now, cookies, scopes }: DashboardParts, showKey: ShowKey) {
  return async function rotate(c: SessionContext, id: string): Promise<Response> {
    const { companyId, ...actor } = c.var.principal;
    const data = await formOf(c);
    const request = await requestOf(peppers, { companyId, path: c.req.path }, data);
    const made = request && (await service.again(request));
    if (made) return reveal(c, made, cookies);
    const { rules } = c.var;
    const days = textOf(data, "days");
    const input = rotateKeySchema({ ...rules, now }).safeParse({
      overlapSeconds: Number(textOf(data, "overlapSeconds")),
      ...(days !== "" && { expiresAt: endAfter(days, now()) ?? days }),
    });
    refuseBody(input);
    if (input.data.overlapSeconds === 0 && textOf(data, "sure") !== "yes") {
      refuseWithout(scopes.OAUTH_READ_SCOPE, c.var.token);
      const key = await service.get(companyId, id);
      const question = <RotatePage of={key} now={now()} days={days} />;
      if (key.active) return page(c, wordsOf(c).text.question.rotateTitle(key.label), question);
    }
    try {
      const key = await service.rotate(companyId, id, actor, { ...input.data, rules, request });
      return await reveal(c, key, cookies);
    } catch (error) {
      const faults =
        error instanceof ApiError && error.code === "VALIDATION_ERROR" ? error.details : undefined;
      if (faults === undefined || !mayUse(c.var.token, scopes.OAUTH_READ_SCOPE)) throw error;
      return showKey(c, id, { faults: [...faults] });
    }
  };
}
