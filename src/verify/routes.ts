import { type Context, Hono } from "hono";
import type { KeyService } from "../keys/service.ts";
import { completeHeaders, jsonHeaders } from "../lib/headers.ts";
import { LruCache } from "./cache.ts";
import type { VerifiedKey } from "./contract.ts";
import { refusal } from "./refusal.ts";
import type { Verifier } from "./verifier.ts";

/** Good keys in constant use, whose answers are kept. To make one costs more than to check a key. */
const KEPT_ANSWERS = 1_000;

/** What a key can do with itself, below `/public/v1`. Nothing is around it: its answers are complete. */
export function publicRoutes(verifier: Pick<Verifier, "verify">, service: Pick<KeyService, "revoke">) {
  const answers = new LruCache<Answer>(KEPT_ANSWERS);

  return new Hono()
    .delete("/key", async (c) => {
      const { companyId, id } = await presentedKey(c, verifier);
      await service.revoke(companyId, id, null);
      const answer = c.body(null, 204);
      completeHeaders(answer, c.req.url);
      return answer;
    })
    .on(["GET", "POST", "PUT", "PATCH", "OPTIONS"], "/key", async (c) => {
      const key = await presentedKey(c, verifier);
      const common = jsonHeaders(c.req.url);
      let answer = answers.get(key.id);
      if (answer === undefined || answer.common !== common || !isSame(answer.key, key)) {
        answer = answerOf(key, common);
        answers.set(key.id, answer);
      }
      return new Response(answer.body, { headers: answer.headers });
    });
}

interface Answer {
  key: VerifiedKey;
  /** What `headers` began with. */
  common: Headers;
  headers: Headers;
  body: string;
}

function answerOf(key: VerifiedKey, common: Headers): Answer {
  const { id, companyId, scopes, expiresAt } = key;
  const headers = new Headers(common);
  headers.set("X-Key-Id", id);
  headers.set("X-Company-Id", headerValue(companyId));
  headers.set("X-Key-Scopes", scopes.join(" "));
  return { key, common, headers, body: JSON.stringify({ id, companyId, scopes, expiresAt }) };
}

/** Of two states of one key. Its scopes are those of the record held, which is replaced and never changed. */
function isSame(one: VerifiedKey, other: VerifiedKey): boolean {
  return (
    one.scopes === other.scopes && one.companyId === other.companyId && one.expiresAt === other.expiresAt
  );
}

/** @throws ApiError with the verdict's error, where the key in `X-API-Key` is not good. */
async function presentedKey(c: Context, verifier: Pick<Verifier, "verify">): Promise<VerifiedKey> {
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
