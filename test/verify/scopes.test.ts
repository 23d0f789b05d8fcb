import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { createKey } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { isolate } from "../support/verifier.ts";

/** The database, as if a row held `scopes`, which its CHECK does not let in. */
function holding(scopes: string): D1Database {
  const replace = (value: unknown): void => {
    if (!Array.isArray(value)) return;
    for (const [i, entry] of value.entries()) {
      if (entry === '["jobs:read"]') value[i] = scopes;
      else replace(entry);
    }
  };
  return hooked(env.DB, () => {}, replace);
}

test.each(['"jobs:readonly"', '"jobs:read"', '{"jobs:read":1}', '[["jobs:read"]]', "jobs:read", "["])(
  "a row whose scopes are %s grants none, and says so",
  async (scopes) => {
    const { rawKey } = await createKey({ scopes: ["jobs:read"] });
    for (const consistency of ["bounded", "strong"] as const) {
      const { verify } = isolate({ d1: holding(scopes) });
      expect(await verify(rawKey, { scopes: ["jobs:read"], consistency })).toMatchObject({
        valid: false,
        error: "FORBIDDEN",
      });
      expect(await verify(rawKey, { consistency })).toMatchObject({ valid: true, key: { scopes: [] } });
    }
  },
);

test("the same key in its row as it was made is good", async () => {
  const { rawKey } = await createKey({ scopes: ["jobs:read"] });
  const { verify } = isolate({ d1: holding('["jobs:read"]') });
  expect(await verify(rawKey, { scopes: ["jobs:read"] })).toMatchObject({ valid: true });
});
