import { Hono } from "hono";
import { type ApiKeyVariables, apiKey } from "../../src/client/hono.ts";
import type { KeyVerifier } from "../../src/verify/contract.ts";

interface CallerEnv {
  LATCHKEY: KeyVerifier;
  IDEAL: KeyVerifier & { nothing(): Promise<void> };
}

/** Another Worker, which asks over a service binding. */
export default new Hono<{ Bindings: CallerEnv; Variables: ApiKeyVariables }>()
  .get("/latchkey", apiKey({ scopes: ["jobs:read"] }), (c) => c.json(c.var.apiKey))
  .get("/ideal", async (c) => {
    const result = await c.env.IDEAL.verify(c.req.header("X-API-Key") ?? "");
    return result.valid ? c.json(result.key) : c.json({ error: result.error }, 401);
  })
  .get("/nothing", async (c) => {
    await c.env.IDEAL.nothing();
    return c.json({});
  });
