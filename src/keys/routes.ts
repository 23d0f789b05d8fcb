import { zValidator } from "@hono/zod-validator";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { validator } from "hono/validator";
import type * as z from "zod";
import { ApiError } from "../http/errors.ts";
import { nextLink } from "../http/paging.ts";
import { knownQuery, refuseBody, refuseUrl } from "../http/validation.ts";
import type { BearerVariables } from "../oauth/bearer.ts";
import { type IdempotentRequest, idempotentRequest } from "./idempotency.ts";
import { formatCursor, listKeysSchema } from "./listing.ts";
import { type CompanyRules, catalogueOf } from "./rules.ts";
import { createKeySchema, type KeyRules, keyIdSchema, rotateKeySchema, updateKeySchema } from "./schema.ts";
import type { KeyService } from "./service.ts";

interface KeyVariables extends BearerVariables {
  /** Where it may come again. */
  request?: IdempotentRequest;
  /** Of the company. */
  rules: CompanyRules;
}

/** The management of keys, below `/settings`. Wants `bearer` before it. */
export function keyRoutes(
  service: KeyService,
  { form, now }: Pick<KeyRules, "form" | "now">,
  peppers: ReadonlyMap<string, string>,
) {
  const once = idempotent(service, peppers);
  const id = zValidator("param", keyIdSchema, refuseUrl);
  const noQuery = knownQuery();
  const list = listKeysSchema({ form });

  /** The body, by what the company may. */
  const body = <S extends z.ZodType>(schemaOf: (rules: KeyRules) => S) =>
    validator(
      "json",
      async (sent: z.input<S>, c: Context<{ Variables: KeyVariables }>): Promise<z.output<S>> => {
        const rules = await service.rules(c.var.principal.companyId);
        c.set("rules", rules);
        const outcome = schemaOf({ ...rules, form, now }).safeParse(sent);
        refuseBody(outcome);
        return outcome.data;
      },
    );

  return new Hono<{ Variables: KeyVariables }>()
    .post("/api-keys", noQuery, once, body(createKeySchema), async (c) => {
      const { companyId, ...actor } = c.var.principal;
      const key = await service.create(companyId, actor, c.req.valid("json"), c.var);
      return c.json(key, 201, locationOf(key));
    })
    .get("/api-keys", knownQuery(list), zValidator("query", list, refuseUrl), async (c) => {
      const { keys, next } = await service.list(c.var.principal.companyId, c.req.valid("query"));
      if (next !== null) c.header("Link", nextLink(c.req.url, formatCursor(next)));
      return c.json(keys);
    })
    .get("/api-keys/:id", noQuery, id, async (c) => {
      return c.json(await service.get(c.var.principal.companyId, c.req.valid("param").id));
    })
    .patch("/api-keys/:id", noQuery, id, body(updateKeySchema), async (c) => {
      const { companyId, ...actor } = c.var.principal;
      const { id } = c.req.valid("param");
      return c.json(await service.update(companyId, id, actor, c.req.valid("json")));
    })
    .delete("/api-keys/:id", noQuery, id, async (c) => {
      const { companyId, ...actor } = c.var.principal;
      await service.revoke(companyId, c.req.valid("param").id, actor);
      return c.body(null, 204);
    })
    .post("/api-keys/:id/rotate", noQuery, id, once, body(rotateKeySchema), async (c) => {
      const { companyId, ...actor } = c.var.principal;
      const { id } = c.req.valid("param");
      const key = await service.rotate(companyId, id, actor, { ...c.req.valid("json"), ...c.var });
      return c.json(key, 201, locationOf(key));
    })
    .post("/api-keys/:id/suspend", noQuery, id, async (c) => {
      const { companyId, ...actor } = c.var.principal;
      return c.json(await service.suspend(companyId, c.req.valid("param").id, actor));
    })
    .post("/api-keys/:id/resume", noQuery, id, async (c) => {
      const { companyId, ...actor } = c.var.principal;
      return c.json(await service.resume(companyId, c.req.valid("param").id, actor));
    })
    .get("/scopes", noQuery, async (c) => {
      return c.json(catalogueOf(await service.rules(c.var.principal.companyId)));
    });
}

function locationOf({ id }: { id: string }) {
  return { Location: `/settings/api-keys/${id}` };
}

/** Printable ASCII, bare or as a string of RFC 8941 §3.3.3; never a list, which is what two such headers come as. */
const IDEMPOTENCY_KEY = /^(?:"([ !#-[\]-~]{1,255})"|([!#-+\--~]{1,255}))$/;

/**
 * Hono middleware: answers a request whose `Idempotency-Key` has made a key already with that key, before anything else
 * of the request is looked at, as rules may have changed and times may have passed. Sets `c.var.request` for all others.
 */
function idempotent(
  service: KeyService,
  peppers: ReadonlyMap<string, string>,
): MiddlewareHandler<{ Variables: KeyVariables }> {
  return async function idempotent(c, next) {
    const header = c.req.header("Idempotency-Key");
    if (header === undefined) return next();
    const [, quoted, bare] = IDEMPOTENCY_KEY.exec(header) ?? [];
    const value = quoted ?? bare;
    if (value === undefined) {
      throw new ApiError("BAD_REQUEST", {
        message: "Idempotency-Key must be one text of 1 to 255 printable ASCII characters, such as a UUID",
      });
    }
    const { companyId } = c.var.principal;
    const body = await c.req.arrayBuffer();
    const request = await idempotentRequest(peppers, { companyId, path: c.req.path, value, body });
    const key = await service.again(request);
    if (key !== null) return c.json(key, 201, locationOf(key));
    c.set("request", request);
    return next();
  };
}
