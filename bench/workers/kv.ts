import { Hono } from "hono";
import { ANSWER } from "./answer.ts";

const utf8 = new TextEncoder();

async function hashOf(rawKey: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(rawKey)));
  return hash.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * What many build by themselves: the hash of a key in Workers KV, read for each request, and cached by KV for `:seconds`.
 * It knows no expiry, count or limit, and a revocation after that time.
 */
export default new Hono<{ Bindings: { KEYS: KVNamespace } }>()
  .post("/keys", async (c) => {
    const rawKey = `lk_live_${crypto.randomUUID()}`;
    await c.env.KEYS.put(await hashOf(rawKey), JSON.stringify(ANSWER));
    return c.text(rawKey, 201);
  })
  .get("/:seconds{30|60}", async (c) => {
    const hash = await hashOf(c.req.header("X-API-Key") ?? "");
    const cacheTtl = Number(c.req.param("seconds"));
    const key = await c.env.KEYS.get(hash, { type: "json", cacheTtl });
    return key ? c.json(key) : c.json({ error: "UNAUTHORIZED" }, 401);
  });
