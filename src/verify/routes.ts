import { type Context, Hono } from "hono";
import { completeHeaders, jsonHeaders } from "../http/headers.ts";
import type { KeyService } from "../keys/service.ts";
import { LruCache } from "./cache.ts";
import type { VerifiedKey, VerifyResult } from "./contract.ts";
import { refusal } from "./refusal.ts";
import type { Verifier } from "./verifier.ts";

/** Good keys in constant use, whose answers are kept. To make one costs more than to check a key. */
const KEPT_ANSWERS = 1_000;

/** What a key can do with itself, below `/public/v1`. Nothing is around it: its answers are complete. */
export function publicRoutes(verifier: Pick<Verifier, "verify">, service: Pick<KeyService, "revoke">) {
  const answers = new LruCache<Answer>(KEPT_ANSWERS);

  function verdict(c: Context, url: string): Promise<VerifyResult> {
    const options = {
      scopes: url.includes("?") ? (c.req.queries("scope") ?? []) : [],
      clientIp: c.req.header("CF-Connecting-IP") ?? "",
    };
    return verifier.verify(c.req.header("X-API-Key") ?? "", options);
  }

  return new Hono()
    .delete("/key", async (c) => {
      const { url } = c.req;
      const { companyId, id } = goodKey(await verdict(c, url));
      await service.revoke(companyId, id, null);
      const answer = c.body(null, 204);
      completeHeaders(answer, url);
      return answer;
    })
    .on(["GET", "POST", "PUT", "PATCH", "OPTIONS"], "/key", async (c) => {
      const { url } = c.req;
      const key = goodKey(await verdict(c, url));
      const common = jsonHeaders(url);
      let answer = answers.get(key.id);
      if (answer?.key !== key || answer.common !== common) {
        answer = answerOf(key, common);
        answers.set(key.id, answer);
      }
      return new Response(answer.body, answer.head);
    });
}

interface Answer {
  key: VerifiedKey;
  /** What the headers began with. */
  common: Headers;
  /** Status and headers: of a Response the runtime copies them at once, `{ headers }` it reads member by member. */
  head: Response;
  body: string;
}

function answerOf(key: VerifiedKey, common: Headers): Answer {
  const { id, companyId, scopes, expiresAt } = key;
  const headers = new Headers(common);
  headers.set("X-Key-Id", id);
  headers.set("X-Company-Id", headerValue(companyId));
  headers.set("X-Key-Scopes", scopes.join(" "));
  return {
    key,
    common,
    head: new Response(null, { headers }),
    body: JSON.stringify({ id, companyId, scopes, expiresAt }),
  };
}

/** @throws ApiError with the verdict's error, where the key is not good. */
function goodKey(verdict: VerifyResult): VerifiedKey {
  if (verdict.valid) return verdict.key;
  throw refusal(verdict);
}

/** A header's value is printable ASCII: what is not, and `%`, is percent-encoded. */
function headerValue(text: string): string {
  return text.replace(/[^\x21-\x24\x26-\x7E]/gu, encodeURIComponent);
}
