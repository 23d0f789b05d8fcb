import { env, WorkerEntrypoint } from "cloudflare:workers";
import { afterEach, beforeEach, vi } from "vitest";
import { renew } from "./database.ts";

/**
 * @cloudflare/vitest-pool-workers 0.23.0 wraps the prototype of an entrypoint in one more Proxy for each request, so that
 * a thousand requests later each takes half a second. One is enough.
 */
const prototypes = new WeakSet();
globalThis.Proxy = new Proxy(Proxy, {
  construct(target, [object, handler]) {
    if (prototypes.has(object)) return object;
    const proxy = new target(object, handler);
    if (object instanceof WorkerEntrypoint) prototypes.add(proxy);
    return proxy;
  },
});

/** The database of each test is as the migrations leave it. */
beforeEach(() => renew(env.DB));

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});
