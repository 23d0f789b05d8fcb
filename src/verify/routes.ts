import { type Context, Hono } from "hono";
import type { KeyService } from "../keys/service.ts";
import type { VerifiedKey } from "./contract.ts";
import { refusal } from "./refusal.ts";
import type { Verifier } from "./verifier.ts";

/** What a key can do with itself, below `/public/v1`. */
export function publicRoutes(verifier: Verifier, service: KeyService) {
  return new Hono()
    .delete("/key", async (c) => {
      const { companyId, id } = await presentedKey(c, verifier);
      await service.revoke(companyId, id, null);
      return c.body(null, 204);
    })
    .on(["GET", "POST", "PUT", "PATCH", "OPTIONS"], "/key", async (c) => {
      const { id, companyId, scopes, expiresAt } = await presentedKey(c, verifier);
      c.header("X-Key-Id", id);
      c.header("X-Company-Id", headerValue(companyId));
      c.header("X-Key-Scopes", scopes.join(" "));
      return c.json({ id, companyId, scopes, expiresAt });
    });
}

/** @throws ApiError with the verdict's error, where the key in `X-API-Key` is not good. */
async function presentedKey(c: Context, verifier: Verifier): Promise<VerifiedKey> {
  const options = { scopes: c.req.queries("scope") ?? [], clientIp: c.req.header("CF-Connecting-IP") ?? "" };
  const result = await verifier.verify(c.req.header("X-API-Key") ?? "", options, (work) =>
    c.executionCtx.waitUntil(work),
  );
  if (result.valid) return result.key;
  throw refusal(result);
}

/** A header's value is printable ASCII: what is not, and `%`, is percent-encoded. */
function headerValue(text: string): string {
  return text.replace(/[^\x21-\x24\x26-\x7E]/gu, encodeURIComponent);
}
