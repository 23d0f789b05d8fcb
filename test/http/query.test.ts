import { expect, test } from "vitest";
import { call, createKey } from "../support/api.ts";
import { expectError } from "../support/expect.ts";
import { ask, byToken } from "../support/routes.ts";

const unknown = [
  "lim=3",
  "Limit=3",
  "scope[]=x",
  "=x",
  "__proto__=x",
  "constructor",
  "limit=1&x=1",
  "%6C%69m=3",
];

test.each(byToken.flatMap((route) => unknown.map((query) => ({ ...route, query }))))(
  "$method $path?$query is 400",
  async ({ query, ...route }) => {
    const key = await createKey();
    const answer = await ask({ ...route, path: `${route.path}?${query}` }, key);
    expect((await expectError(answer, "BAD_REQUEST")).message).toMatch(/^Unknown query parameter: /);
  },
);

test("a key or a token as a name is not repeated", async () => {
  const key = await createKey();
  for (const route of byToken) {
    const answer = await ask({ ...route, path: `${route.path}?${key.rawKey}=1` }, key);
    expect((await expectError(answer, "BAD_REQUEST")).message).toBe("Unknown query parameter: ***");
  }
});

test("who has no token learns nothing of queries: 401", async () => {
  await expectError(await call("/settings/api-keys?lim=3"), "UNAUTHORIZED");
});
