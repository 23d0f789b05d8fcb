import { env, WorkerEntrypoint } from "cloudflare:workers";
import { afterEach, beforeEach, vi } from "vitest";

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

/**
 * An empty database for each test, in one batch: `applyD1Migrations` takes twice as long. `reset` of the pool would do the
 * same, but ends the database's object, which workerd reports as an uncaught exception.
 */
beforeEach(async () => {
  const { results: tables } = await env.DB.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE '!_cf!_%' ESCAPE '!'",
  ).all<{ name: string }>();
  const drops = tables.map(({ name }) => `DROP TABLE "${name}"`);
  const creates = env.TEST_MIGRATIONS.flatMap(({ queries }) => queries);
  await env.DB.batch([...drops, ...creates].map((query) => env.DB.prepare(query)));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});
