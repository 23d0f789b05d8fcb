import { describe, expect, test } from "vitest";
import { call, createKey, manage, operate, service, token } from "../support/api.ts";
import { expectError, stored } from "../support/expect.ts";
import {
  ask,
  byToken,
  managed,
  ofOneKey,
  otherScope,
  pathOf,
  reading,
  routes,
  tokenOf,
} from "../support/routes.ts";

const NOBODY = "6f1ff3f4-0000-4000-8000-000000000000";

describe.each(routes)("$method $path", (route) => {
  test(`answers ${route.success} to the right credential`, async () => {
    expect((await ask(route, await createKey())).status).toBe(route.success);
  });

  test("answers the same where the Worker is called as a service", async () => {
    const key = await createKey({}, { target: service });
    expect((await ask(route, key, { target: service })).status).toBe(route.success);
    await expectError(await call(pathOf(route, key), { method: route.method }, service), "UNAUTHORIZED");
  });

  test("without a credential is 401 with a challenge and changes nothing", async () => {
    const key = await createKey();
    const before = await stored();
    const answer = await call(pathOf(route, key), { method: route.method });
    await expectError(answer, "UNAUTHORIZED", pathOf(route, key));
    expect(answer.headers.get("WWW-Authenticate")).toMatch(
      route.needs === "key" ? /^ApiKey realm=/ : /^Bearer realm="[^"]*"$/,
    );
    expect(await stored()).toEqual(before);
  });

  test("with the other kind of credential is 401", async () => {
    const key = await createKey();
    const headers: Record<string, string> =
      route.needs === "key"
        ? { Authorization: `Bearer ${await token()}` }
        : { "X-API-Key": key.rawKey, Authorization: `Bearer ${key.rawKey}` };
    const answer = await call(pathOf(route, key), { method: route.method, headers });
    await expectError(answer, "UNAUTHORIZED");
  });

  test("with its credential in the query is refused", async () => {
    const key = await createKey();
    const credentials = { access_token: await tokenOf(route), "X-API-Key": key.rawKey, api_key: key.rawKey };
    const path = `${pathOf(route, key)}?${new URLSearchParams(credentials)}`;
    const refused = route.needs === "key" ? "BAD_REQUEST" : "UNAUTHORIZED";
    await expectError(await call(path, { method: route.method }), refused, pathOf(route, key));
  });

  test("with its credential in a cookie is 401", async () => {
    const key = await createKey();
    const headers = { Cookie: `access_token=${await tokenOf(route)}; X-API-Key=${key.rawKey}` };
    const answer = await call(pathOf(route, key), { method: route.method, headers });
    await expectError(answer, "UNAUTHORIZED");
  });

  test("with two fields of its credential is 401", async () => {
    const key = await createKey();
    const [name, value] =
      route.needs === "key" ? ["X-API-Key", key.rawKey] : ["Authorization", `Bearer ${await tokenOf(route)}`];
    const headers = new Headers([
      [name, value],
      [name, value],
    ]);
    await expectError(await call(pathOf(route, key), { method: route.method, headers }), "UNAUTHORIZED");
  });
});

describe.each(byToken)("$method $path", (route) => {
  test("with the other scope is 403, names the scope it needs and changes nothing", async () => {
    const key = await createKey();
    const before = await stored();
    const answer = await ask(route, key, { scope: otherScope(route) });
    expect((await expectError(answer, "FORBIDDEN")).message).toBe(`Missing scope: ${route.needs}`);
    expect(answer.headers.get("WWW-Authenticate")).toContain('error="insufficient_scope"');
    expect(await stored()).toEqual(before);
  });
});

describe.each(managed)("$method $path", (route) => {
  test("is told who calls by the token alone, whatever identity headers say", async () => {
    const key = await createKey();
    const headers = { "X-Company-Id": "globex", "X-User-Id": "eve", "X-Forwarded-User": "eve" };
    expect((await ask(route, key, { headers })).status).toBe(route.success);
    const globex = await manage("/settings/api-keys", { company: "globex" });
    expect(await globex.json()).toEqual([]);
  });
});

describe.each(ofOneKey.filter((route) => managed.includes(route)))("$method $path", (route) => {
  test("of another company's key is the 404 of a key that is not there, and changes nothing", async () => {
    const key = await createKey();
    const before = await stored();
    const foreign = await ask(route, key, { company: "globex" });
    const missing = await ask(route, { ...key, id: NOBODY }, { company: "globex" });
    const comparable = async (answer: Response, id: string) => ({
      body: (await answer.clone().text()).replace(/"timestamp":"[^"]*"/, "").replace(id, ""),
      headers: [...answer.headers],
    });
    expect(await comparable(foreign, key.id)).toEqual(await comparable(missing, NOBODY));
    await expectError(foreign, "NOT_FOUND", pathOf(route, key));
    expect(await stored()).toEqual(before);
  });
});

describe.each(ofOneKey)("$method $path", (route) => {
  test.each([
    "1",
    "0",
    "-1",
    "null",
    "undefined",
    "%00",
    "%20",
    "%",
    "%FF",
    "%ED%A0%80",
    "*",
    "..%2F..%2Fscopes",
    "' OR 1=1 --",
    "__proto__",
    "constructor",
    "6f1ff3f4",
    "6f1ff3f4000040008000000000000000",
    "{6f1ff3f4-0000-4000-8000-000000000000}",
    "urn:uuid:6f1ff3f4-0000-4000-8000-000000000000",
    "6f1ff3f4-0000-4000-8000-000000000000%00",
    "6f1ff3f4-0000-4000-8000-000000000000%0A",
    "6f1ff3f4-0000-4000-8000-000000000000,6f1ff3f4-0000-4000-8000-000000000001",
    "6f1ff3f4-0000-4000-8000-00000000000",
    "6f1ff3f4-0000-4000-8000-00000000000g",
    "６f1ff3f4-0000-4000-8000-000000000000",
    "x".repeat(4000),
  ])("with the odd id %j is 400 and changes nothing", async (id) => {
    const key = await createKey();
    const before = await stored();
    await expectError(await ask(route, { ...key, id }), "BAD_REQUEST");
    expect(await stored()).toEqual(before);
  });

  test("takes an id in capitals for the same id", async () => {
    const key = await createKey();
    const answer = await ask(route, { ...key, id: key.id.toUpperCase() });
    expect(answer.status).toBe(route.success);
  });
});

test.each(reading)("$method $path answers HEAD like GET, without a body", async (route) => {
  const key = await createKey();
  const get = await ask(route, key);
  const head = await ask(route, key, { method: "HEAD" });
  expect({ status: head.status, headers: [...head.headers], body: await head.text() }).toEqual({
    status: get.status,
    headers: [...get.headers],
    body: "",
  });
});

test.each(reading)("$method $path needs the same scope by HEAD", async (route) => {
  const answer = await ask(route, await createKey(), { method: "HEAD", scope: otherScope(route) });
  expect(answer.status).toBe(403);
});

describe.each([...new Set(byToken.map((route) => route.path))])("%s", (path) => {
  const own = byToken.filter((route) => route.path === path).map((route) => route.method);
  // A name that could be an id as well has the methods of both.
  const methods = [...own, ...(/\/keys\/(identify|import)$/.test(path) ? ["GET"] : [])];
  const send = path.startsWith("/operator/") ? operate : manage;
  const allowed = [...methods, ...(methods.includes("GET") ? ["HEAD"] : [])];
  const others = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"].filter(
    (method) => !allowed.includes(method),
  );

  test.each(others)("%s is 405 with Allow", async (method) => {
    const key = await createKey();
    const answer = await send(path.replace(":id", key.id), { method });
    await expectError(answer, "METHOD_NOT_ALLOWED");
    expect(answer.headers.get("Allow")?.split(", ").sort()).toEqual([...allowed].sort());
  });

  test.each(["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])(
    "%s does nothing",
    async (name) => {
      const key = await createKey();
      const answer = await send(path.replace(":id", key.id), { headers: { [name]: "DELETE" } });
      expect(answer.status).toBe(own.includes("GET") ? 200 : methods.includes("GET") ? 400 : 405);
      const now = await manage(`/settings/api-keys/${key.id}`);
      expect(await now.json()).toMatchObject({ active: true });
    },
  );
});
