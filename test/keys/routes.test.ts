import { describe, expect, test } from "vitest";
import { call, createKey, manage } from "../support/api.ts";

describe("POST /settings/api-keys", () => {
  test("makes a key that works at once", async () => {
    const key = await createKey({ scopes: ["jobs:read", "jobs:write"] });
    const answer = await call("/public/v1/key", { headers: { "X-API-Key": key.rawKey } });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      id: key.id,
      companyId: "acme",
      scopes: ["jobs:read", "jobs:write"],
      expiresAt: null,
    });
  });
});

test("revoke", async () => {
  const key = await createKey();
  expect((await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" })).status).toBe(204);
  const answer = await call("/public/v1/key", { headers: { "X-API-Key": key.rawKey } });
  expect(answer.status).toBe(401);
  console.warn(await answer.text(), await (await manage("/settings/api-keys")).text());
});
