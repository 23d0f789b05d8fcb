import { WorkerEntrypoint } from "cloudflare:workers";
import { Hono } from "hono";
import type { KeyVerifier, VerifiedKey, VerifyResult } from "../../src/verify/contract.ts";
import { ANSWER } from "./answer.ts";

interface IdealEnv {
  /** The one key that is good. */
  RAW_KEY: string;
}

const utf8 = new TextEncoder();
const keys = new Map<string, VerifiedKey>();

async function digestOf(rawKey: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(rawKey)));
  return digest.toBase64({ alphabet: "base64url", omitPadding: true });
}

async function find(rawKey: string, env: IdealEnv): Promise<VerifiedKey | undefined> {
  if (keys.size === 0) keys.set(await digestOf(env.RAW_KEY), ANSWER);
  return keys.get(await digestOf(rawKey));
}

/** The ideal: Hono, one SHA-256, one look-up in a Map. It knows no revocation, expiry, count or limit. */
export default new Hono<{ Bindings: IdealEnv }>().get("/public/v1/key", async (c) => {
  const key = await find(c.req.header("X-API-Key") ?? "", c.env);
  return key ? c.json(key) : c.json({ error: "UNAUTHORIZED" }, 401);
});

/** The ideal behind RPC. */
export class IdealVerifier extends WorkerEntrypoint<IdealEnv> implements KeyVerifier {
  async verify(rawKey: string): Promise<VerifyResult> {
    const key = await find(rawKey, this.env);
    return key
      ? { valid: true, key, checkedAt: "2026-11-25T00:00:00.000Z", stale: false }
      : { valid: false, error: "UNAUTHORIZED", message: "Invalid or missing API key" };
  }

  nothing(): void {}
}
