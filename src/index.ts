import { WorkerEntrypoint } from "cloudflare:workers";
import type { Fetch } from "./app.ts";
import { databasesOf } from "./db/databases.ts";
import { isKeyEvent } from "./events/consumer.ts";
import { createIsolate, type Isolate } from "./isolate.ts";
import { retentionSettings } from "./keys/settings.ts";
import { describeFault } from "./lib/fault.ts";
import { readSettings, type Settings } from "./lib/settings.ts";
import type { KeyVerifier, VerifyOptions, VerifyResult } from "./verify/contract.ts";
import { UNAVAILABLE } from "./verify/decide.ts";
import { misused, wrongOptions } from "./verify/question.ts";

/** The cron of every minute; every other one also adds up the uses of the day. */
const MINUTE_CRON = "* * * * *";

/** Of a Worker's name in the log. */
const MAX_WORKER_LENGTH = 64;

let isolate: Settings<Isolate> | undefined;
let app: Fetch | undefined;

function isolateOf(env: Env): Settings<Isolate> {
  isolate ??= createIsolate(env);
  return isolate;
}

export default {
  // An isolate that is only called as a service needs none of HTTP.
  fetch(request, env, ctx) {
    if (app !== undefined) return app(request, ctx);
    return import("./app.ts").then(({ createApp }) => {
      app ??= createApp(env, isolateOf(env));
      return app(request, ctx);
    });
  },
  async queue({ messages }, env) {
    const events = messages.filter(isKeyEvent);
    if (events.length > 0) {
      const { keyEvents } = await import("./events/service.ts");
      await keyEvents(env, Date.now).consume(events);
    }
    const { consumeReports } = await import("./usage/consumer.ts");
    await consumeReports(
      databasesOf(env)(),
      messages.filter((message) => !isKeyEvent(message)),
      Date.now(),
    );
  },
  async scheduled({ scheduledTime, cron }, env) {
    const { keyEvents } = await import("./events/service.ts");
    const { note, tell } = keyEvents(env, Date.now);
    await note(scheduledTime);
    await tell();
    const { mergeDue } = await import("./usage/consumer.ts");
    const databases = databasesOf(env)();
    await mergeDue(databases, scheduledTime);
    const { dropOld } = await import("./retention.ts");
    const retention = readSettings(retentionSettings, env);
    await dropOld(databases, scheduledTime, () => retention().DEAD_KEY_DAYS);
    if (cron === MINUTE_CRON) return;
    const { addUpDays } = await import("./usage/totals.ts");
    const addUp = databases.all.map(({ name, d1 }) =>
      addUpDays(d1, scheduledTime).catch((fault: unknown) =>
        console.error(
          JSON.stringify({ event: "usage_totals_failed", database: name, fault: describeFault(fault) }),
        ),
      ),
    );
    await Promise.all(addUp);
  },
} satisfies ExportedHandler<Env>;

/** A Worker says who it is by the `props` of its binding, which its deployment alone can set. */
function workerOf(props: unknown): string | undefined {
  if (typeof props !== "object" || props === null || !("worker" in props)) return undefined;
  return typeof props.worker === "string" ? props.worker.slice(0, MAX_WORKER_LENGTH) : undefined;
}

/** What other Workers call over a service binding. Every method of the prototype is public to them. */
export class ApiKeyVerifier extends WorkerEntrypoint<Env> implements KeyVerifier {
  async verify(rawKey: string, options: VerifyOptions = {}): Promise<VerifyResult> {
    try {
      const { verifier, rules } = isolateOf(this.env)();
      const fault = wrongOptions(options, () => rules().SCOPES);
      if (fault !== null) {
        console.error(JSON.stringify({ event: "verify_misused", fault, worker: workerOf(this.ctx.props) }));
        return misused(fault);
      }
      return await verifier.verify(typeof rawKey === "string" ? rawKey : "", options, {
        worker: workerOf(this.ctx.props),
      });
    } catch (fault) {
      console.error(JSON.stringify({ event: "verify_failed", fault: describeFault(fault) }));
      return UNAVAILABLE;
    }
  }
}
