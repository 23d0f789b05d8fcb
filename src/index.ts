import { createApp } from "./app.ts";
import { dropOld } from "./retention.ts";
import type { UsageReport } from "./usage/recorder.ts";
import { mergeReports } from "./usage/store.ts";

export { ApiKeyVerifier } from "./verify/entrypoint.ts";

let app: ReturnType<typeof createApp> | undefined;

export default {
  fetch(request, env, ctx) {
    app ??= createApp(env);
    return app.fetch(request, env, ctx);
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
