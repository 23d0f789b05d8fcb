import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { createIsolate } from "../../src/isolate.ts";
import { servicesOf } from "../../src/services.ts";
import { createKey, manage } from "../support/api.ts";

const { keys } = servicesOf(createIsolate(env)());

test("a whole key finds itself in its company, dead or alive", async () => {
  const { rawKey, ...key } = await createKey();
  expect(await keys.identify("acme", rawKey)).toEqual(key);
  await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
  expect(await keys.identify("acme", rawKey)).toMatchObject({ id: key.id, active: false });
});

test("another company's key, a mistyped one and what is none find nothing", async () => {
  const { rawKey } = await createKey();
  expect(await keys.identify("globex", rawKey)).toBeNull();
  for (const text of ["", rawKey.slice(0, -1), `${rawKey}0`, rawKey.slice(0, 13)]) {
    expect(await keys.identify("acme", text)).toBeNull();
  }
});
