import { zValidator } from "@hono/zod-validator";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import * as z from "zod";
import { listEventsSchema } from "../audit/schema.ts";
import { listEvents, originsOf } from "../audit/store.ts";
import { ApiError, type ErrorDetail } from "../http/errors.ts";
import { brokenFields, refuseBody, refuseUrl } from "../http/validation.ts";
import {
  createKeySchema,
  formatCursor,
  type KeyRules,
  keyIdSchema,
  listKeysSchema,
  rotateKeySchema,
  type Scope,
  updateKeySchema,
} from "../keys/schema.ts";
import type { KeyService } from "../keys/service.ts";
import type { OAuthSettings } from "../oauth/settings.ts";
import { mayUse } from "../oauth/token.ts";
import { recentUse } from "../usage/recent.ts";
import { emptyForm, formFaults, formOf, keyBody, readKeyForm, textOf } from "./form.ts";
import { CreatePage } from "./pages/create.tsx";
import { EventsPage } from "./pages/events.tsx";
import { KeyPage, RevokePage } from "./pages/key.tsx";
import { ListPage } from "./pages/list.tsx";
import { RevealPage } from "./pages/reveal.tsx";
import { page } from "./pages.tsx";
import type { DashboardCookies, SessionVariables } from "./session.ts";
import { originsFrom, stateOf } from "./state.ts";

const KEYS_ON_A_PAGE = 25;
const EVENTS_ON_A_PAGE = 25;

export interface DashboardParts {
  d1: D1Database;
  keys: KeyService;
  rules: KeyRules;
  cookies: Pick<DashboardCookies, "reveal">;
  scopes: Pick<OAuthSettings, "OAUTH_READ_SCOPE" | "OAUTH_WRITE_SCOPE">;
}

type SessionContext = Context<{ Variables: SessionVariables }>;

/** A form sends also the fields that were left empty. */
const filled = (query: unknown) =>
  Object.fromEntries(Object.entries(query as Record<string, unknown>).filter(([, value]) => value !== ""));
const eventsQuery = listEventsSchema.pick({ cursor: true });

/** The pages for a company's admin, below `/dashboard`. Wants `requireSession` before it. */
export function dashboardRoutes({ d1, keys: service, rules, cookies, scopes }: DashboardParts) {
  const { now, MAX_KEY_LIFETIME_DAYS: maxLifetimeDays } = rules;
  const catalogue = [...rules.SCOPES].map(([scope, description]): Scope => ({ scope, description }));
  const newKey = createKeySchema(rules);
  const listQuery = z.preprocess(filled, listKeysSchema(rules));
  const changes = updateKeySchema(rules);
  const rotation = rotateKeySchema(rules);
  const id = zValidator("param", keyIdSchema, refuseUrl);
  const reads = requireScope(scopes.OAUTH_READ_SCOPE);
  const writes = requireScope(scopes.OAUTH_WRITE_SCOPE);
  const mayWrite = (c: SessionContext) => mayUse(c.var.token, scopes.OAUTH_WRITE_SCOPE);

  async function keyPage(
    c: SessionContext,
    id: string,
    refused?: { label: string; faults: ErrorDetail[] },
  ): Promise<Response> {
    const { companyId } = c.var.principal;
    const query = { key: id, limit: EVENTS_ON_A_PAGE, cursor: c.req.query("cursor") };
    const key = await service.get(companyId, id);
    const [origins, used, { events, next }] = await Promise.all([
      originsOf(d1, companyId, [id]),
      recentUse(d1, companyId, [id], now()),
      listEvents(d1, companyId, query),
    ]);
    const origin = originsFrom(origins).get(id) ?? { createdBy: null, replacedBy: null };
    const body = (
      <KeyPage
        apiKey={key}
        state={stateOf(key, origin.replacedBy, now())}
        origin={origin}
        catalogue={catalogue}
        days={used.get(id) ?? []}
        events={events}
        next={next}
        mayWrite={mayWrite(c)}
        now={now()}
        {...refused}
      />
    );
    return page(c, key.label, body, { status: refused ? 422 : 200 });
  }

  /** Where a new key is shown, once: it travels sealed, so that no reload makes another one. */
  async function reveal(
    c: SessionContext,
    { id, rawKey }: { id: string; rawKey: string },
  ): Promise<Response> {
    await cookies.reveal.write(c, { id, rawKey });
    return c.redirect(`/dashboard/keys/${id}/created`, 303);
  }

  return (
    new Hono<{ Variables: SessionVariables }>()
      .get("/", reads, zValidator("query", listQuery, refuseUrl), async (c) => {
        const { companyId } = c.var.principal;
        const query = c.req.valid("query");
        const { keys, next } = await service.list(companyId, { ...query, limit: KEYS_ON_A_PAGE });
        const ids = keys.map((key) => key.id);
        const [events, used] = await Promise.all([
          originsOf(d1, companyId, ids),
          recentUse(d1, companyId, ids, now()),
        ]);
        const origins = originsFrom(events);
        const listed = keys.map((key) => {
          const { createdBy = null, replacedBy = null } = origins.get(key.id) ?? {};
          return { key, createdBy, state: stateOf(key, replacedBy, now()), days: used.get(key.id) ?? [] };
        });
        const filter = { q: query.q ?? "", active: query.active === undefined ? "" : String(query.active) };
        const body = (
          <ListPage
            keys={listed}
            filter={filter}
            next={next && `${new URLSearchParams({ ...filter, cursor: formatCursor(next) })}`}
            isFirst={query.cursor === undefined}
            mayWrite={mayWrite(c)}
            now={now()}
          />
        );
        return page(c, "API keys", body);
      })

      .get("/events", reads, zValidator("query", eventsQuery, refuseUrl), async (c) => {
        const query = { ...c.req.valid("query"), limit: EVENTS_ON_A_PAGE };
        const { events, next } = await listEvents(d1, c.var.principal.companyId, query);
        const path = next && `/dashboard/events?${new URLSearchParams({ cursor: next })}`;
        return page(c, "Audit log", <EventsPage events={events} next={path} now={now()} />);
      })

      .get("/keys/new", writes, (c) => {
        const body = (
          <CreatePage
            catalogue={catalogue}
            maxLifetimeDays={maxLifetimeDays}
            form={emptyForm(maxLifetimeDays)}
            faults={[]}
            now={now()}
          />
        );
        return page(c, "Create a key", body);
      })

      .post("/keys", writes, async (c) => {
        const form = readKeyForm(await formOf(c));
        const input = newKey.safeParse(keyBody(form, now(), maxLifetimeDays));
        if (!input.success) {
          const faults = formFaults(input.error, form);
          const body = (
            <CreatePage
              catalogue={catalogue}
              maxLifetimeDays={maxLifetimeDays}
              form={form}
              faults={faults}
              now={now()}
            />
          );
          return page(c, "Create a key", body, { status: 422 });
        }
        const { companyId, ...actor } = c.var.principal;
        return reveal(c, await service.create(companyId, actor, input.data));
      })

      .get("/keys/:id", reads, id, zValidator("query", eventsQuery, refuseUrl), (c) =>
        keyPage(c, c.req.valid("param").id),
      )

      .get("/keys/:id/created", id, async (c) => {
        const { id } = c.req.valid("param");
        const kept = await cookies.reveal.read(c);
        const rawKey = kept?.id === id ? kept.rawKey : null;
        if (rawKey !== null) await cookies.reveal.write(c, { id, rawKey: null });
        const { origin } = new URL(c.req.url);
        const body = <RevealPage id={id} rawKey={rawKey} origin={origin} />;
        return page(c, "Your new key", body);
      })

      // Chromium keeps a page for "back", no-store or not, unless a cookie out of scripts' reach changes under it.
      .get("/keys/:id/created.css", id, (c) => {
        cookies.reveal.clear(c);
        return c.body("", { headers: { "Content-Type": "text/css" } });
      })

      .post("/keys/:id/rename", writes, id, async (c) => {
        const { id } = c.req.valid("param");
        const label = textOf(await formOf(c), "label");
        const input = changes.safeParse({ label });
        if (!input.success) return keyPage(c, id, { label, faults: brokenFields(input.error) });
        const { companyId, ...actor } = c.var.principal;
        await service.rename(companyId, id, actor, label);
        return c.redirect(`/dashboard/keys/${id}`, 303);
      })

      .post("/keys/:id/rotate", writes, id, async (c) => {
        const overlapSeconds = Number(textOf(await formOf(c), "overlapSeconds"));
        const input = rotation.safeParse({ overlapSeconds });
        if (!input.success) return refuseBody(input);
        const { companyId, ...actor } = c.var.principal;
        const { id } = c.req.valid("param");
        return reveal(c, await service.rotate(companyId, id, actor, input.data));
      })

      .post("/keys/:id/:act{suspend|resume}", writes, id, async (c) => {
        const { companyId, ...actor } = c.var.principal;
        const { id } = c.req.valid("param");
        await service[c.req.param("act") === "suspend" ? "suspend" : "resume"](companyId, id, actor);
        return c.redirect(`/dashboard/keys/${id}`, 303);
      })

      .get("/keys/:id/revoke", reads, writes, id, async (c) => {
        const key = await service.get(c.var.principal.companyId, c.req.valid("param").id);
        return page(c, `Revoke ${key.label}`, <RevokePage of={key} now={now()} />);
      })

      .post("/keys/:id/revoke", writes, id, async (c) => {
        const { companyId, ...actor } = c.var.principal;
        const { id } = c.req.valid("param");
        await service.revoke(companyId, id, actor);
        return c.redirect(`/dashboard/keys/${id}`, 303);
      })
  );
}

function requireScope(scope: string): MiddlewareHandler<{ Variables: SessionVariables }> {
  return async function requireScope(c, next) {
    if (!mayUse(c.var.token, scope)) {
      throw new ApiError("FORBIDDEN", { message: `Missing scope: ${scope}`, reason: "insufficient_scope" });
    }
    return next();
  };
}
