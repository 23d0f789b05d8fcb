import { type Context, Hono } from "hono";
import { ApiError } from "../http/errors.ts";
import { completeHeaders, jsonHead } from "../http/headers.ts";
import type { KeyForm } from "../keys/form.ts";
import type { KeyService } from "../keys/service.ts";
import type { RuleSettings } from "../keys/settings.ts";
import { LruCache } from "../lib/cache.ts";
import type { Settings } from "../lib/settings.ts";
import type { Acceptance, VerifiedKey, VerifyErrorCode, VerifyOptions, VerifyResult } from "./contract.ts";
import { UNKNOWN } from "./decide.ts";
import { readQuestion } from "./question.ts";
import { refusal } from "./refusal.ts";
import type { Verifier } from "./verifier.ts";

/** Good keys in constant use, whose answers are kept. To make one costs more than to check a key. */
const KEPT_ANSWERS = 1_000;

/** What proxies add to the request that asks them about another one. */
const OF_PROXIES = ["X-Forwarded-Method", "X-Original-Method"];

/** A key that is refused for these can still be revoked by its holder. */
const STILL_ENDS: ReadonlySet<VerifyErrorCode> = new Set(["RATE_LIMITED", "KEY_SUSPENDED", "FORBIDDEN"]);

export interface PublicParts {
  format: { form: Pick<KeyForm, "begins"> };
  verifier: Pick<Verifier, "verify">;
  keys: Pick<KeyService, "revokePresented">;
  rules: Settings<Pick<RuleSettings, "SCOPES">>;
}

/** What a key can do with itself, and what proxies ask, below `/public/v1`. Nothing is around it: its answers are complete. */
export function publicRoutes({ verifier, keys, rules, format: { form } }: PublicParts) {
  const answers = new LruCache<Answer>(KEPT_ANSWERS);
  const catalogue = () => rules().SCOPES;

  function verdict(c: Context, options: VerifyOptions, caller: string): Promise<VerifyResult> {
    return verifier.verify(presentedKey(c, form), options, { caller });
  }

  /** The verdict on who presents the key here. */
  function ownVerdict(c: Context): Promise<VerifyResult> {
    const clientIp = c.req.header("CF-Connecting-IP") ?? "";
    return verdict(c, { clientIp }, clientIp);
  }

  function answer(url: string, { key, stale }: Acceptance): Response {
    const common = jsonHead(url);
    const kept = answers.get(key.id);
    let response: Response;
    if (kept?.key === key && kept.common === common) {
      kept.head ??= responseOf(null, key, common);
      response = new Response(kept.body, kept.head);
    } else {
      const { id, companyId, scopes, expiresAt, metadata } = key;
      const body = JSON.stringify({ id, companyId, scopes, expiresAt, metadata });
      answers.set(id, { key, common, body });
      response = responseOf(body, key, common);
    }
    if (stale) response.headers.set("X-Key-Stale", "true");
    return response;
  }

  async function verify(c: Context): Promise<Response> {
    const { url } = c.req;
    const question = readQuestion(url, catalogue);
    // Its own address is the proxy's: where it names none, that of its caller is unknown.
    const caller = question.clientIp ?? c.req.header("CF-Connecting-IP") ?? "";
    const good = accepted(await verdict(c, question, caller));
    const response = answer(url, good);
    response.headers.set("X-Key-Checked-At", good.checkedAt);
    return response;
  }

  return (
    new Hono()
      .get("/key", async (c) => {
        const { url } = c.req;
        if (url.includes("?")) throw badRequest("This takes no query: /public/v1/verify takes one");
        return answer(url, accepted(await ownVerdict(c)));
      })

      // Whoever holds a key may end it, also one that is suspended, over a limit or used from elsewhere. Not a proxy that passes its caller's method on.
      .delete("/key", async (c) => {
        const { url } = c.req;
        const isProxy = OF_PROXIES.some((name) => c.req.header(name) !== undefined);
        if (isProxy || url.includes("?"))
          throw badRequest("A proxy asks at /public/v1/verify: this revokes the key");
        const result = await ownVerdict(c);
        if (!result.valid && !STILL_ENDS.has(result.error)) throw refusal(result, true);
        if (!(await keys.revokePresented(presentedKey(c, form)))) throw refusal(UNKNOWN, true);
        const done = c.body(null, 204);
        completeHeaders(done, url);
        return done;
      })

      // Proxies may keep their caller's method and append its path.
      .all("/verify", verify)
      .all("/verify/*", verify)
  );
}

/** RFC 6750 §2.1. The scheme has no case: RFC 9110 §11.1. */
const BEARER = /^Bearer +(\S.*)$/i;

/**
 * The one key that a request presents, in `X-API-Key` or as a bearer token; empty: none, or two that differ. A bearer
 * token that does not begin as keys do is somebody else's, and passed over.
 */
function presentedKey({ req }: Context, form: Pick<KeyForm, "begins">): string {
  const rawKey = req.header("X-API-Key");
  const authorization = req.header("Authorization");
  if (authorization === undefined) return rawKey ?? "";
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined || !form.begins(token)) return rawKey ?? "";
  return rawKey === undefined || rawKey === token ? token : "";
}

/** @throws ApiError where the verdict does not open. */
function accepted(result: VerifyResult): Acceptance {
  if (!result.valid) throw refusal(result, true);
  return result;
}

interface Answer {
  key: VerifiedKey;
  /** What the headers began with. */
  common: Response;
  body: string;
  /** Status and headers, made with the second answer: many keys are used once. */
  head?: Response;
}

function responseOf(body: string | null, { id, companyId, scopes }: VerifiedKey, common: Response): Response {
  const response = new Response(body, common);
  response.headers.set("X-Key-Id", id);
  response.headers.set("X-Company-Id", headerValue(companyId));
  response.headers.set("X-Key-Scopes", scopes.join(" "));
  return response;
}

function badRequest(message: string): ApiError {
  return new ApiError("BAD_REQUEST", { message });
}

/** A header's value is printable ASCII: what is not, and `%`, is percent-encoded. */
function headerValue(text: string): string {
  return text.replace(/[^\x21-\x24\x26-\x7E]/gu, encodeURIComponent);
}
