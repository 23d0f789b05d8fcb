import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import { base64url } from "jose";
import { refuseUrl } from "../http/validation.ts";
import { catalogueOf, refuseSuspended } from "../keys/rules.ts";
import { createKeySchema, keyIdSchema } from "../keys/schema.ts";
import type { Principal } from "../oauth/bearer.ts";
import { REVEAL_SECONDS } from "./cookies.ts";
import { emptyForm, type FormRules, formFaults, formOf, keyBody, readKeyForm, requestOf } from "./form.ts";
import { requireScope, type SessionVariables } from "./guard.ts";
import { CreatePage, type CreateProps } from "./pages/create.tsx";
import { RevealPage } from "./pages/reveal.tsx";
import { page } from "./pages.tsx";
import type { DashboardParts, SessionContext } from "./routes.tsx";
import { wordsOf } from "./words/words.ts";

/** Leads to where a new key is shown, once: it travels sealed, so that no reload makes another one. */
export async function reveal(
  c: SessionContext,
  { id, rawKey }: { id: string; rawKey: string },
  cookies: DashboardParts["cookies"],
): Promise<Response> {
  await cookies.reveal.write(c, { owner: await ownerOf(c.var.principal), rawKey }, id);
  return c.redirect(`/dashboard/keys/${id}/created`, 303);
}

/** Makes keys and shows them, below `/dashboard`. Wants `requireSession` before it. */
export function newKeyRoutes({ keys, peppers, form: keyForm, now, cookies, once, scopes }: DashboardParts) {
  const id = zValidator("param", keyIdSchema, refuseUrl);
  const writes = requireScope(scopes.OAUTH_WRITE_SCOPE);

  const formRules = (c: SessionContext): FormRules => ({
    now: now(),
    maxLifetimeDays: c.var.rules.MAX_KEY_LIFETIME_DAYS,
    zone: wordsOf(c).zone,
  });

  function createPage(
    c: SessionContext,
    { form, faults, isKept = false }: Pick<CreateProps, "form" | "faults" | "isKept">,
  ) {
    const { rules } = c.var;
    refuseSuspended(rules);
    const props = { catalogue: catalogueOf(rules), companyIps: rules.companyIps, form, faults, isKept };
    const body = <CreatePage {...props} rules={formRules(c)} />;
    return page(c, wordsOf(c).text.create.title, body, { status: faults.length > 0 ? 422 : 200 });
  }

  /** The new key, for whoever made it, once; `null` ever after. */
  async function shown(c: SessionContext, id: string): Promise<string | null> {
    const kept = await cookies.reveal.read(c, id);
    const owner = await ownerOf(c.var.principal);
    if (kept === null || kept.rawKey === null || kept.owner !== owner) return null;
    // The cookie may have been copied.
    if (!(await once(`reveal ${id}`, now() + REVEAL_SECONDS * 1000))) return null;
    await cookies.reveal.write(c, { owner, rawKey: null }, id);
    return kept.rawKey;
  }

  return (
    new Hono<{ Variables: SessionVariables }>()
      .get("/keys/new", writes, async (c) => {
        const kept = await cookies.form.read(c);
        if (kept !== null) cookies.form.clear(c);
        const form = kept ?? emptyForm(c.var.rules.MAX_KEY_LIFETIME_DAYS);
        return createPage(c, { form, faults: [], isKept: kept !== null });
      })

      .post("/keys", writes, async (c) => {
        const { companyId, ...actor } = c.var.principal;
        const data = await formOf(c);
        const request = await requestOf(peppers, { companyId, path: c.req.path }, data);
        const made = request && (await keys.again(request));
        if (made) return reveal(c, made, cookies);
        const form = readKeyForm(data);
        const { rules } = c.var;
        const schema = createKeySchema({ ...rules, form: keyForm, now });
        const input = schema.safeParse(keyBody(form, formRules(c)));
        if (!input.success) return createPage(c, { form, faults: formFaults(input.error, form) });
        return reveal(c, await keys.create(companyId, actor, input.data, { rules, request }), cookies);
      })

      .get("/keys/:id/created", id, async (c) => {
        const { id } = c.req.valid("param");
        const { origin } = new URL(c.req.url);
        const body = <RevealPage id={id} rawKey={await shown(c, id)} origin={origin} />;
        return page(c, wordsOf(c).text.reveal.title, body, { once: true });
      })

      // Chromium keeps a page for "back", no-store or not, unless a cookie out of scripts' reach changes under it.
      .get("/keys/:id/created.css", id, (c) => {
        cookies.reveal.clear(c, c.req.valid("param").id);
        return c.body("", { headers: { "Content-Type": "text/css" } });
      })
  );
}

/** Names somebody in one company, in 256 bits, however long the names that the issuer gives. */
async function ownerOf({ issuer, subject, companyId }: Principal): Promise<string> {
  const text = JSON.stringify([issuer, subject, companyId]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return base64url.encode(new Uint8Array(digest));
}
