import { WorkerEntrypoint } from "cloudflare:workers";
import { createApp, type Fetch } from "./app.ts";
import { createIsolate, type Isolate } from "./isolate.ts";
import { describeFault } from "./lib/fault.ts";
import type { Settings } from "./lib/settings.ts";
import { dropOld } from "./retention.ts";
import type { UsageReport } from "./usage/recorder.ts";
import { mergeReports } from "./usage/store.ts";
import type { KeyVerifier, VerifyOptions, VerifyResult } from "./verify/contract.ts";

let isolate: Settings<Isolate> | undefined;
let app: Fetch | undefined;

function isolateOf(env: Env): Settings<Isolate> {
  isolate ??= createIsolate(env);
  return isolate;
}

export default {
  fetch(request, env, ctx) {
    app ??= createApp(env, isolateOf(env));
    return app(request, ctx);
  },
  async queue(batch, env) {
    await mergeReports(
      env.DB,
      batch.messages.map(({ body }) => body),
    );
  },
  async scheduled({ scheduledTime }, env) {
    await dropOld(env.DB, scheduledTime);
  },
} satisfies ExportedHandler<Env, UsageReport>;

/** What other Workers call over a service binding. Every method of the prototype is public to them. */
export class ApiKeyVerifier extends WorkerEntrypoint<Env> implements KeyVerifier {
  async verify(rawKey: string, options: VerifyOptions = {}): Promise<VerifyResult> {
    try {
      const presented = typeof rawKey === "string" ? rawKey : "";
      return await isolateOf(this.env)().verifier.verify(presented, options);
    } catch (fault) {
      console.error(JSON.stringify({ event: "verify_failed", fault: describeFault(fault) }));
      return { valid: false, error: "UNAVAILABLE", message: "The API key cannot be checked now" };
    }
  }
}
