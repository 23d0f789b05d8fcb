import { createApp } from "./app.ts";
import { DAY_SECONDS } from "./lib/config.ts";
import { trimChanges } from "./verify/store.ts";

export { ApiKeyVerifier } from "./verify/entrypoint.ts";

let app: ReturnType<typeof createApp> | undefined;

export default {
  fetch(request, env, ctx) {
    app ??= createApp(env);
    return app.fetch(request, env, ctx);
  },
  async scheduled(controller, env) {
    await trimChanges(env.DB, controller.scheduledTime - DAY_SECONDS * 1000);
  },
} satisfies ExportedHandler<Env>;
