import { zValidator } from "@hono/zod-validator";
import { type Context, Hono } from "hono";
import { leaksOf } from "../audit/leaks.ts";
import { listEventsSchema } from "../audit/schema.ts";
import type { Databases } from "../db/databases.ts";
import { refuseUrl } from "../http/validation.ts";
import type { KeyForm } from "../keys/form.ts";
import type { KeyFormat } from "../keys/format.ts";
import { keyOverview } from "../keys/overview.ts";
import type { Scope } from "../keys/schema.ts";
import type { KeyService } from "../keys/service.ts";
import { shownKey } from "../keys/shown.ts";
import type { OAuthSettings } from "../oauth/settings.ts";
import { mayUse } from "../oauth/token.ts";
import type { DashboardCookies } from "./cookies.ts";
import { formOf, keyIn, textOf } from "./form.ts";
import { requireScope, type SessionVariables } from "./guard.ts";
import type { Once } from "./once.ts";
import { ListPage, NoSuchKeyPage } from "./pages/list.tsx";
import { page } from "./pages.tsx";
import { listedKeys } from "./rows.ts";
import { keyView, listPath, viewSchema } from "./view.ts";
import { wordsOf } from "./words/words.ts";

/** At most so many are changed at once, too. */
export const KEYS_ON_A_PAGE = 25;
export const EVENTS_ON_A_PAGE = 25;

export interface DashboardParts {
  databases: Databases;
  keys: KeyService;
  /** Generation character to pepper. */
  peppers: ReadonlyMap<string, string>;
  form: KeyForm;
  /** Which keys can be checked. */
  format: Pick<KeyFormat, "generations">;
  /** All scopes that keys may have. */
  catalogue: readonly Scope[];
  /** Milliseconds since the epoch. */
  now: () => number;
  cookies: Pick<DashboardCookies, "reveal" | "form">;
  once: Once;
  scopes: Pick<OAuthSettings, "OAUTH_READ_SCOPE" | "OAUTH_WRITE_SCOPE">;
}

export type SessionContext = Context<{ Variables: SessionVariables }>;

/** Whether who is signed in may make keys, which those of a suspended company may not. */
export function mayCreate(c: SessionContext, scope: string): boolean {
  return mayUse(c.var.token, scope) && c.var.rules.suspension === null;
}

export const eventsQuery = listEventsSchema.pick({ cursor: true });

/** The company's keys and its audit log, below `/dashboard`. Wants `requireSession` before it. */
export function companyRoutes({ databases, keys: service, format, form, now, scopes }: DashboardParts) {
  const reads = requireScope(scopes.OAUTH_READ_SCOPE);
  const schema = viewSchema(form);

  return (
    new Hono<{ Variables: SessionVariables }>()
      .get("/", reads, zValidator("query", schema, refuseUrl), async (c) => {
        const { companyId } = c.var.principal;
        const view = c.req.valid("query");
        const { d1 } = await databases.of(companyId);
        const { generations } = format;
        const context = { generations, now: now() };
        const { rows, ...found } = await keyOverview(d1, companyId, keyView(view, KEYS_ON_A_PAGE), context);
        const keys = rows.map((row) => shownKey(row, generations, now()));
        const [listed, leaks] = await Promise.all([
          listedKeys(d1, companyId, keys, now()),
          leaksOf(d1, companyId),
        ]);
        const body = (
          <ListPage
            {...found}
            keys={listed}
            leaks={leaks}
            view={view}
            mayWrite={mayUse(c.var.token, scopes.OAUTH_WRITE_SCOPE)}
            mayCreate={mayCreate(c, scopes.OAUTH_WRITE_SCOPE)}
            origin={new URL(c.req.url).origin}
            now={now()}
          />
        );
        return page(c, wordsOf(c).text.list.title, body);
      })

      // A search comes as a form, so that a key that was pasted into it is in no URL.
      .post("/search", reads, async (c) => {
        const data = await formOf(c);
        const q = textOf(data, "q").trim();
        if (!form.isIn(q)) {
          const asked = Object.fromEntries(
            ["state", "days", "sort", "order"].map((name) => [name, textOf(data, name)]),
          );
          const { data: view = {} } = schema.safeParse(asked);
          return c.redirect(listPath(view, { q }), 303);
        }
        const key = await service.identify(c.var.principal.companyId, keyIn(q, form));
        if (key !== null) return c.redirect(`/dashboard/keys/${key.id}`, 303);
        return page(c, wordsOf(c).text.list.noSuchKey, <NoSuchKeyPage />, { status: 404 });
      })
  );
}
