import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { Hono } from "hono";

/** As installed it takes ten requests of a key a day. */
const UNLIMITED = 1_000_000_000;

const held = new Map();

/** The plugin as its documentation installs it on D1; at its best with a database; and with a Map in its place. */
const WAYS = {
  installed: { rateLimit: { maxRequests: UNLIMITED } },
  // Its key has no window of the limit, see below: one read and one write, the fewest it comes down to.
  tuned: { deferUpdates: true },
  map: {
    rateLimit: { enabled: false },
    deferUpdates: true,
    storage: "secondary-storage",
    customStorage: {
      get: (key) => held.get(key) ?? null,
      set: (key, value) => void held.set(key, value),
      delete: (key) => void held.delete(key),
    },
  },
};

const made = new Map();

function authOf(way, database) {
  const auth =
    made.get(way) ??
    betterAuth({
      database,
      baseURL: "http://localhost",
      secret: "a secret for this bench, which is of no value elsewhere",
      telemetry: { enabled: false },
      logger: { disabled: true },
      plugins: [apiKey(WAYS[way])],
    });
  made.set(way, auth);
  return auth;
}

/**
 * - `POST /<way>/keys` makes the tables, a user and a key, and answers with the key.
 * - `GET /<way>` verifies the key in `X-API-Key`.
 */
export default new Hono()
  .post("/:way/keys", async (c) => {
    const way = c.req.param("way");
    const auth = authOf(way, c.env.DB);
    await (await getMigrations(auth.options)).runMigrations();
    const { internalAdapter } = await auth.$context;
    const email = `${way}@acme.example`;
    const user = await internalAdapter.createUser({ email, name: way, emailVerified: true });
    const { key } = await auth.api.createApiKey({ body: { userId: user.id, name: "bench" } });
    if (way === "tuned") await c.env.DB.exec("UPDATE apikey SET rateLimitTimeWindow = NULL");
    return c.text(key);
  })
  .get("/:way", async (c) => {
    const auth = authOf(c.req.param("way"), c.env.DB);
    const { valid, key } = await auth.api.verifyApiKey({ body: { key: c.req.header("X-API-Key") ?? "" } });
    return valid ? c.json({ id: key.id }) : c.json({ error: "UNAUTHORIZED" }, 401);
  });
