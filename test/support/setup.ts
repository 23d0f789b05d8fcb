import { applyD1Migrations } from "cloudflare:test";
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

beforeEach(async () => {
  await dropTables();
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
});

/** `reset` of the pool would do the same, but ends the database's object, which workerd reports as an uncaught exception. */
async function dropTables(): Promise<void> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE '!_cf!_%' ESCAPE '!'",
  ).all<{ name: string }>();
  if (results.length > 0)
    await env.DB.batch(results.map(({ name }) => env.DB.prepare(`DROP TABLE "${name}"`)));
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});
