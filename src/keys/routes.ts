import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import { nextLink } from "../http/paging.ts";
import { knownQuery, refuseBody, refuseUrl } from "../http/validation.ts";
import type { BearerVariables } from "../oauth/bearer.ts";
import {
  createKeySchema,
  formatCursor,
  type KeyRules,
  keyIdSchema,
  listKeysSchema,
  rotateKeySchema,
  type Scope,
  updateKeySchema,
} from "./schema.ts";
import type { KeyService } from "./service.ts";

/** The management of keys, below `/settings`. Wants `bearer` before it. */
export function keyRoutes(service: KeyService, rules: KeyRules) {
  const id = zValidator("param", keyIdSchema, refuseUrl);
  const noQuery = knownQuery();
  const list = listKeysSchema(rules);
  const catalogue = [...rules.SCOPES].map(([scope, description]): Scope => ({ scope, description }));

  return new Hono<{ Variables: BearerVariables }>()
    .post("/api-keys", noQuery, zValidator("json", createKeySchema(rules), refuseBody), async (c) => {
      const { companyId, ...actor } = c.var.principal;
      const key = await service.create(companyId, actor, c.req.valid("json"));
      return c.json(key, 201, { Location: `/settings/api-keys/${key.id}` });
    })
    .get("/api-keys", knownQuery(list), zValidator("query", list, refuseUrl), async (c) => {
      const { keys, next } = await service.list(c.var.principal.companyId, c.req.valid("query"));
      if (next !== null) c.header("Link", nextLink(c.req.url, formatCursor(next)));
      return c.json(keys);
    })
    .get("/api-keys/:id", noQuery, id, async (c) => {
      return c.json(await service.get(c.var.principal.companyId, c.req.valid("param").id));
    })
    .patch(
      "/api-keys/:id",
      noQuery,
      id,
      zValidator("json", updateKeySchema(rules), refuseBody),
      async (c) => {
        const { companyId, ...actor } = c.var.principal;
        const { id } = c.req.valid("param");
        const { label } = c.req.valid("json");
        return c.json(
          label === undefined
            ? await service.get(companyId, id)
            : await service.rename(companyId, id, actor, label),
        );
      },
    )
    .delete("/api-keys/:id", noQuery, id, async (c) => {
      const { companyId, ...actor } = c.var.principal;
      await service.revoke(companyId, c.req.valid("param").id, actor);
      return c.body(null, 204);
    })
    .post(
      "/api-keys/:id/rotate",
      noQuery,
      id,
      zValidator("json", rotateKeySchema(rules), refuseBody),
      async (c) => {
        const { companyId, ...actor } = c.var.principal;
        const { id } = c.req.valid("param");
        const key = await service.rotate(companyId, id, actor, c.req.valid("json"));
        return c.json(key, 201, { Location: `/settings/api-keys/${key.id}` });
      },
    )
    .get("/scopes", noQuery, (c) => c.json(catalogue));
}
