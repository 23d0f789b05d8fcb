import { Hono } from "hono";

/** One raw point query of D1 in Hono. */
export default new Hono<{ Bindings: { DB: D1Database } }>().get("/public/v1/key", async (c) => {
  const key = await c.env.DB.prepare(
    "SELECT id, company_id, scopes, expires_at, revoked_at FROM api_keys WHERE digest = ?",
  )
    .bind(c.req.header("X-API-Key") ?? "")
    .first();
  return key ? c.json(key) : c.json({ error: "UNAUTHORIZED" }, 401);
});
