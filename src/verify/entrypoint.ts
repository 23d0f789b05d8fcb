import { WorkerEntrypoint } from "cloudflare:workers";
import { describeFault } from "../lib/errors.ts";
import type { KeyVerifier, VerifyOptions, VerifyResult } from "./contract.ts";
import { verifierOf } from "./isolate.ts";

/** What other Workers call over a service binding. Every method of the prototype is public to them. */
export class ApiKeyVerifier extends WorkerEntrypoint<Env> implements KeyVerifier {
  async verify(rawKey: string, options: VerifyOptions = {}): Promise<VerifyResult> {
    try {
      const presented = typeof rawKey === "string" ? rawKey : "";
      return await verifierOf(this.env).verify(presented, options, (work) => this.ctx.waitUntil(work));
    } catch (fault) {
      console.error(JSON.stringify({ event: "verify_failed", fault: describeFault(fault) }));
      return { valid: false, error: "UNAVAILABLE", message: "The API key cannot be checked now" };
    }
  }
}
