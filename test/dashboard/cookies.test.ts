import fc from "fast-check";
import { Hono } from "hono";
import { expect, test, vi } from "vitest";
import * as z from "zod";
import { sealedCookie } from "../../src/dashboard/cookies.ts";
import { pepperSeal } from "../../src/dashboard/seal.ts";
import { Jar } from "../support/dashboard.ts";

const HTTPS = "https://latchkey.example";
const HTTP = "http://localhost:8787";
const seal = pepperSeal(new Map([["a", "p".repeat(32)]]), () => Date.now());
const schema = z.object({ text: z.string() });
const cookie = sealedCookie(seal, { name: "test", schema, sameSite: "Strict", maxAgeSeconds: 60 });
const other = sealedCookie(seal, { name: "other", schema, sameSite: "Strict", maxAgeSeconds: 60 });

const app = new Hono()
  .put("/", async (c) => {
    await cookie.write(c, { text: await c.req.text() });
    return c.body(null);
  })
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

test("whatever its size, a value comes back, also over one of another size", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 9_000 }), { minLength: 1, maxLength: 4 }), async (sizes) => {
      const jar = new Jar();
      for (const size of sizes) {
        const text = "x".repeat(size);
        await ask("PUT", jar, { body: text });
        expect(await (await ask("GET", jar)).json()).toEqual({ text });
      }
    }),
    { numRuns: 20 },
  );
});

test("no cookie is larger than browsers take", async () => {
  const answer = await ask("PUT", new Jar(), { body: "x".repeat(9_000) });
  const cookies = answer.headers.getSetCookie();
  expect(cookies.length).toBeGreaterThan(1);
  expect(Math.max(...cookies.map((line) => line.length))).toBeLessThan(4_096);
});

test("over https it is bound to the host and out of reach of scripts and other sites", async () => {
  const [line] = (await ask("PUT", new Jar(), { body: "x" })).headers.getSetCookie();
  expect(line).toMatch(/^__Host-latchkey-test-0=[\w.-]+; /);
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
  expect(line).toMatch(/^latchkey-test-0=[\w.-]+; /);
  expect(line?.split("; ").slice(1).sort()).toEqual(["HttpOnly", "Max-Age=60", "Path=/", "SameSite=Strict"]);
  expect(await (await ask("GET", jar, { origin: HTTP })).json()).toEqual({ text: "x" });
});

test("a value that was put in without the host's prefix is no value over https", async () => {
  const jar = new Jar();
  await ask("PUT", jar, { origin: HTTP, body: "x" });
  expect(await (await ask("GET", jar)).json()).toBeNull();
});

test("it can be taken back, in all its pieces", async () => {
  const jar = new Jar();
  await ask("PUT", jar, { body: "x".repeat(9_000) });
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
  ["pieces of the cookie", filled((i) => `__Host-latchkey-test-${i}=x`)],
  ["the first piece again and again", filled(() => "__Host-latchkey-test-0=x")],
  ["nothing", ";".repeat(BYTES)],
  ["spaces", "; ".repeat(BYTES / 2)],
  ["one large value", `__Host-latchkey-test-0=${"x".repeat(BYTES)}`],
  ["almost good ones", filled(() => `__Host-latchkey-test-0=${"x".repeat(4_096)}!`)],
  ["strangers", filled((i) => `c${i}=%20`)],
])("120 KiB of cookies, %s, open nothing and are parsed in one pass", async (_, header) => {
  const read = vi.spyOn(String.prototype, "matchAll");
  const answer = await app.request(HTTPS, { headers: { Cookie: header } });
  expect(await answer.json()).toBeNull();
  expect(read.mock.calls.length).toBeLessThanOrEqual(1);
});
