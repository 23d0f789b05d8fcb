import { WorkerEntrypoint } from "cloudflare:workers";
import { Hono } from "hono";
import type { KeyVerifier, VerifiedKey, VerifyResult } from "../../src/verify/contract.ts";
import { ANSWER } from "./answer.ts";

const utf8 = new TextEncoder();
const keys = new Map<string, VerifiedKey>();

async function digestOf(rawKey: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(rawKey)));
  return digest.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The key that is presented first is the good one. */
async function find(rawKey: string): Promise<VerifiedKey | undefined> {
  const digest = await digestOf(rawKey);
  if (keys.size === 0) keys.set(digest, ANSWER);
  return keys.get(digest);
}

/** The ideal: Hono, one SHA-256, one look-up in a Map. It knows no revocation, expiry, count or limit. */
export default new Hono().get("/public/v1/key", async (c) => {
  const key = await find(c.req.header("X-API-Key") ?? "");
  return key ? c.json(key) : c.json({ error: "UNAUTHORIZED" }, 401);
});

/** The ideal behind RPC. */
export class IdealVerifier extends WorkerEntrypoint implements KeyVerifier {
  async verify(rawKey: string): Promise<VerifyResult> {
    const key = await find(rawKey);
    return key
      ? { valid: true, key, checkedAt: "2026-11-25T00:00:00.000Z", stale: false }
      : { valid: false, error: "UNAUTHORIZED", message: "Invalid or missing API key" };
  }

  nothing(): void {}
}
