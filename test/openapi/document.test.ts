import { describe, expect, test } from "vitest";
import { documented, expectDocumented, seen } from "../support/agreement.ts";
import { appWith, call, createKey, manage } from "../support/api.ts";
import { expectError } from "../support/expect.ts";
import { ask, routes } from "../support/routes.ts";

interface Document {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, { operationId: string; security: object[] }>>;
  components: Record<string, Record<string, { properties?: Record<string, object> }>>;
}

const get = async () => (await call("/openapi.json")).json<Document>();
const methods = ["get", "post", "put", "patch", "delete", "options"];

test("the document is OpenAPI 3.1, served where the API is, without a credential", async () => {
  const document = await get();
  expect(document.openapi).toMatch(/^3\.1\./);
  expect(document.servers).toEqual([{ url: "https://latchkey.example" }]);
});

test.each(routes)("$method $path is in it, with its credentials", async ({ method, path, needs }) => {
  const operation = (await get()).paths[path.replace(":id", "{id}")]?.[method.toLowerCase()];
  expect(operation?.security).toHaveLength(needs === "key" ? 2 : 1);
});

test("it asks for no scope where the settings ask for none", async () => {
  const target = appWith({ OAUTH_READ_SCOPE: "", OAUTH_WRITE_SCOPE: "" });
  const { paths } = await (await call("/openapi.json", {}, target)).json<Document>();
  expect(paths["/settings/api-keys"]).toMatchObject({
    get: { security: [{ oauth: [] }] },
    post: { security: [{ oauth: [] }] },
  });
});

test("nothing is in it that is not served", async () => {
  const { id } = await createKey();
  for (const [path, item] of Object.entries((await get()).paths)) {
    for (const method of methods.filter((method) => method in item)) {
      const answer = await manage(path.replace("{id}", id), { method: method.toUpperCase() });
      expect([404, 405], `${method} ${path}`).not.toContain(answer.status);
    }
  }
});

test("every reference in it leads somewhere, and every operation has a name of its own", async () => {
  const document = await get();
  const text = JSON.stringify(document);
  for (const [, kind = "", name = ""] of text.matchAll(/"#\/components\/(\w+)\/(\w+)"/g)) {
    expect(document.components[kind], name).toHaveProperty(name);
  }
  const names = Object.values(document.paths).flatMap((item) =>
    Object.values(item).map((o) => o.operationId),
  );
  expect(new Set(names).size).toBe(names.length);
});

test("only the answers to a creation and a rotation hold a raw key", async () => {
  const { components } = await get();
  const holders = Object.entries(components.schemas ?? {}).filter(
    ([, schema]) => "rawKey" in (schema.properties ?? {}),
  );
  expect(holders.map(([name]) => name)).toEqual(["NewApiKey"]);
  expect(JSON.stringify(components)).not.toMatch(/digest|pepper/i);
});

describe("the document knows every status that a route answers with, and its form:", () => {
  test.each(routes)("$method $path", async (route) => {
    const key = await createKey();
    const managed = route.needs !== "key";
    if (managed) {
      await ask(route, key, { scope: "none" });
      await call(route.path.replace(":id", key.id), { method: route.method });
      await ask(route, { ...key, id: crypto.randomUUID(), rawKey: "none" });
      await ask(route, { ...key, id: "no-uuid" });
      if (route.method === "GET") await ask({ ...route, path: `${route.path}?limit=0&cursor=x` }, key);
      if (route.method !== "GET") {
        for (const body of [
          "{",
          JSON.stringify({ unknown: 1 }),
          " ".repeat(((route.maxKib ?? 16) + 4) * 1024),
        ])
          await ask(route, key, { body });
        await ask(route, key, { body: "{}", headers: { "Content-Type": "text/plain" } });
      }
    } else {
      await call(route.path, { method: route.method });
      for (const scope of ["x", "jobs:write"])
        await call(`${route.path}?scope=${scope}`, {
          method: route.method,
          headers: { "X-API-Key": key.rawKey },
        });
    }
    expect((await ask(route, key)).status).toBe(route.success);
    if (!managed && route.success === 200) {
      await manage(`/settings/api-keys/${key.id}/suspend`, { method: "POST" });
      await expectError(await ask(route, key), "KEY_SUSPENDED");
    }
    if (managed && route.path.includes(":id")) {
      await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
      await ask(route, key);
    }
  });

  test("and no status of the routes of keys that none of them answers with", () => {
    // What needs a broken database, a limiter or a full company is shown elsewhere.
    const rare = / (405|429|500|503)$|^createApiKey 4(00|09)$|^importKeys 409$/;
    const ofKeys = documented.filter((name) => /Key|Usage|Scopes|Events/.test(name) && !rare.test(name));
    const unseen = ofKeys.filter((name) => !seen.has(name) && !/^verifyPresentedApiKeyBy/.test(name));
    expect(unseen).toEqual([]);
  });
});

test("an answer that the document does not know of is noticed", async () => {
  const undocumented = (status: number, body: object, headers = {}) =>
    expectDocumented("GET", "/settings/scopes", Response.json(body, { status, headers }));
  await expect(undocumented(418, {})).rejects.toThrow("listScopes 418");
  await expect(undocumented(200, [{ scope: "a" }])).rejects.toThrow("listScopes 200");
  await expect(undocumented(401, {})).rejects.toThrow("WWW-Authenticate");
  await expect(undocumented(200, [], { "X-Key-Age": "1" })).rejects.toThrow("x-key-age");
});
