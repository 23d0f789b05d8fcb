import fc from "fast-check";
import { Hono } from "hono";
import { expect, test, vi } from "vitest";
import * as z from "zod";
import { sealedCookies } from "../../src/dashboard/cookies.ts";
import { pepperSeal } from "../../src/dashboard/seal.ts";
import { Jar } from "../support/dashboard.ts";

const HTTPS = "https://latchkey.example";
const HTTP = "http://localhost:8787";
const seal = pepperSeal(new Map([["a", "p".repeat(32)]]), () => Date.now(), "dashboard");
const schema = z.object({ text: z.string() });
const cookie = sealedCookies(seal, { kind: "test", schema, sameSite: "Strict", maxAgeSeconds: 60 });
const other = sealedCookies(seal, { kind: "other", schema, sameSite: "Strict", maxAgeSeconds: 60 });

const app = new Hono()
  .put("/", async (c) => {
    await cookie.write(c, { text: await c.req.text() });
    return c.body(null);
  })
  .put("/:id", async (c) => {
    await cookie.write(c, { text: await c.req.text() }, c.req.param("id"));
    return c.body(null);
  })
  .get("/of/:id", async (c) => c.json(await cookie.read(c, c.req.param("id"))))
  .get("/", async (c) => c.json(await cookie.read(c)))
  .get("/other", async (c) => c.json(await other.read(c)))
  .delete("/", (c) => {
    cookie.clear(c);
    return c.body(null);
  });

async function ask(
  method: string,
  jar: Jar,
  { origin = HTTPS, path = "/", body }: { origin?: string; path?: string; body?: string } = {},
) {
  const answer = await app.request(origin + path, {
    method,
    headers: { Cookie: jar.header },
    ...(body !== undefined && { body }),
  });
  jar.take(answer);
  return answer;
}

test("a value comes back, and over another one", async () => {
  const jar = new Jar();
  for (const text of ["one", "two"]) {
    await ask("PUT", jar, { body: text });
    expect(await (await ask("GET", jar)).json()).toEqual({ text });
  }
});

test("values of one kind are told apart, and of more than five the oldest is forgotten", async () => {
  const jar = new Jar();
  for (const id of ["a", "b", "c", "d", "e", "f"]) await ask("PUT", jar, { path: `/${id}`, body: id });
  const read = async (id: string) => (await ask("GET", jar, { path: `/of/${id}` })).json();
  expect(await read("a")).toBeNull();
  for (const id of ["b", "c", "d", "e", "f"]) expect(await read(id)).toEqual({ text: id });
});

test("over https it is bound to the host and out of reach of scripts and other sites", async () => {
  const [line] = (await ask("PUT", new Jar(), { body: "x" })).headers.getSetCookie();
  expect(line).toMatch(/^__Host-latchkey-test=[\w.-]+; /);
  expect(line?.split("; ").slice(1).sort()).toEqual([
    "HttpOnly",
    "Max-Age=60",
    "Path=/",
    "SameSite=Strict",
    "Secure",
  ]);
});

test("over plain http it is all of that which plain http lets it be", async () => {
  const jar = new Jar();
  const [line] = (await ask("PUT", jar, { origin: HTTP, body: "x" })).headers.getSetCookie();
  expect(line).toMatch(/^latchkey-test=[\w.-]+; /);
  expect(line?.split("; ").slice(1).sort()).toEqual(["HttpOnly", "Max-Age=60", "Path=/", "SameSite=Strict"]);
  expect(await (await ask("GET", jar, { origin: HTTP })).json()).toEqual({ text: "x" });
});

test("a value that was put in without the host's prefix is no value over https", async () => {
  const jar = new Jar();
  await ask("PUT", jar, { origin: HTTP, body: "x" });
  expect(await (await ask("GET", jar)).json()).toBeNull();
});

test("it can be taken back", async () => {
  const jar = new Jar();
  await ask("PUT", jar, { body: "x" });
  await ask("DELETE", jar);
  expect(jar.cookies.size).toBe(0);
});

test("what is sealed as one cookie does not open as another", async () => {
  const jar = new Jar();
  await ask("PUT", jar, { body: "x" });
  const stolen = new Jar();
  for (const [name, value] of jar.cookies) stolen.cookies.set(name.replace("test", "other"), value);
  expect(await (await ask("GET", stolen, { path: "/other" })).json()).toBeNull();
});

test("a cookie that somebody made up or changed is none", async () => {
  const jar = new Jar();
  await ask("PUT", jar, { body: "x" });
  const [[name = "", value = ""] = []] = jar.cookies;
  // The last character of a part may hold bits that say nothing.
  const places = [...value].flatMap((_, i) => (/^[.]?$/.test(value.charAt(i + 1)) ? [] : [i]));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), fc.constantFrom("A", "b", "0", "_", ""), async (at, by) => {
      fc.pre(value[at] !== by);
      jar.cookies.set(name, value.slice(0, at) + by + value.slice(at + 1));
      expect(await (await ask("GET", jar)).json()).toBeNull();
    }),
    { numRuns: 100 },
  );
  jar.cookies.set(name, "nonsense");
  expect(await (await ask("GET", jar)).json()).toBeNull();
});

const BYTES = 120 * 1024;
const filled = (piece: (i: number) => string) => {
  const pieces: string[] = [];
  for (let length = 0; length < BYTES; length += (pieces.at(-1)?.length ?? 0) + 2)
    pieces.push(piece(pieces.length));
  return pieces.join("; ");
};

test.each([
  ["cookies of its kind", filled((i) => `__Host-latchkey-test-${i}=x`)],
  ["the cookie again and again", filled(() => "__Host-latchkey-test=x")],
  ["nothing", ";".repeat(BYTES)],
  ["spaces", "; ".repeat(BYTES / 2)],
  ["one large name", `__Host-latchkey-${"x".repeat(BYTES)}`],
  ["one large value", `__Host-latchkey-test=${"x".repeat(BYTES)}`],
  ["almost good ones", filled(() => `__Host-latchkey-test=${"x".repeat(4_096)}!`)],
  ["strangers", filled((i) => `c${i}=%20`)],
])("120 KiB of cookies, %s, open nothing and are parsed in one pass", async (_, header) => {
  const read = vi.spyOn(String.prototype, "matchAll");
  const answer = await app.request(HTTPS, { headers: { Cookie: header } });
  expect(await answer.json()).toBeNull();
  expect(read.mock.calls.length).toBeLessThanOrEqual(1);
});
