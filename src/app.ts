import { type App, failureApp, unlessBroken } from "./http/failure.ts";
import type { Isolate } from "./isolate.ts";
import type { Settings } from "./lib/settings.ts";
import { publicRoutes } from "./verify/routes.ts";

/** What is answered without the management side. */
const VERIFICATION = /^https?:\/\/[^/]+\/public\/v1\//;

export type Fetch = (request: Request, ctx: ExecutionContext) => Response | Promise<Response>;

/**
 * The HTTP face: verification, with nothing around it, and everything else, which is loaded when it is first
 * asked for. A wrong setting closes what needs it: see `unlessBroken`.
 */
export function createApp(env: Env, isolate: Settings<Isolate>): Fetch {
  const verification = failureApp().route(
    "/public/v1",
    unlessBroken(() => publicRoutes({ ...isolate(), keys: { revokePresented } })),
  );
  let management: App | undefined;

  async function revokePresented(rawKey: string): Promise<boolean> {
    const { servicesOf } = await import("./services.ts");
    return servicesOf(isolate()).keys.revokePresented(rawKey);
  }

  async function managementApp(): Promise<App> {
    const { createManagement } = await import("./management.ts");
    management ??= createManagement(env, isolate);
    return management;
  }

  return function fetch(request, ctx) {
    if (VERIFICATION.test(request.url)) return verification.fetch(request, env, ctx);
    return managementApp().then((app) => app.fetch(request, env, ctx));
  };
}
