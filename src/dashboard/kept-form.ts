import type { MiddlewareHandler } from "hono";
import type { KeyForm as KeyFormat } from "../keys/form.ts";
import type { DashboardCookies } from "./cookies.ts";
import { formOf, readKeyForm } from "./form.ts";
import type { VisitorVariables } from "./guard.ts";

/** What is larger would make a cookie larger than the 4,096 bytes that browsers keep (RFC 6265 §6.1). */
const MAX_BYTES = 2_000;

/**
 * Hono middleware: the form that creates a key is kept where the session has ended meanwhile, sealed and for a short time, for its page to
 * fill it in again. One that is too large, or that holds an API key, is not.
 */
export function keptForm({
  cookies,
  form: format,
}: {
  cookies: Pick<DashboardCookies, "form">;
  form: KeyFormat;
}): MiddlewareHandler<{ Variables: VisitorVariables }> {
  return async function keptForm(c, next) {
    await next();
    const { home } = c.var.site;
    if (c.res.status !== 401 || c.req.method !== "POST" || c.req.path !== `${home}/keys`) return;
    const data = await formOf(c).catch(() => null);
    if (data === null) return;
    const form = readKeyForm(data);
    const json = JSON.stringify(form);
    if (new TextEncoder().encode(json).length > MAX_BYTES || format.isIn(json)) return;
    await cookies.form.write(c, form);
    c.set("resumeAt", `${home}/keys/new`);
  };
}
