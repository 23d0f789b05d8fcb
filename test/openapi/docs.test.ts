import { expect, test } from "vitest";
import { call } from "../support/api.ts";
import { expectError } from "../support/expect.ts";

const page = async () => {
  const answer = await call("/docs");
  return { answer, text: await answer.text() };
};

test("the page shows the document with scripts of our own", async () => {
  const { answer, text } = await page();
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toMatch(/^text\/html; charset=utf-8$/i);
  expect(text).toContain('data-url="/openapi.json"');
  const script = await call(/<script src="([^"]+)"/.exec(text)?.[1] ?? "none");
  expect(script.status).toBe(200);
  expect(script.headers.get("Content-Type")).toMatch(/^text\/javascript/);
  expect(await script.text()).toContain("@scalar/api-reference");
});

test("the page may run no script but ours, and reach no other host", async () => {
  const { answer, text } = await page();
  const policy = answer.headers.get("Content-Security-Policy") ?? "";
  const nonce = /<script nonce="([^"]+)"/.exec(text)?.[1];
  expect(policy).toContain(`default-src 'none'; script-src 'self' 'nonce-${nonce}';`);
  expect(policy).toContain("connect-src 'self'");
  expect(policy).not.toMatch(/https?:|script-src[^;]*unsafe|\*/);
  expect(text).not.toMatch(/https?:\/\//);
  expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
});

test("the page is an origin of its own: it has none of the dashboard's cookies, and can read the document", async () => {
  const { answer } = await page();
  const policy = answer.headers.get("Content-Security-Policy") ?? "";
  expect(policy).toMatch(/^sandbox allow-scripts allow-downloads;/);
  const document = await call("/openapi.json", { headers: { Origin: "null" } });
  expect(document.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(document.headers.get("Access-Control-Allow-Credentials")).toBeNull();
});

test("a file is kept by the browser, as its name changes with its content", async () => {
  const { text } = await page();
  const file = await call(/<script src="([^"]+)"/.exec(text)?.[1] ?? "none", { method: "HEAD" });
  expect(file.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
  expect(file.headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(file.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
});

test.each(["/static/", "/static/nothing.js", "/static/..%2Fwrangler.toml"])("%s is no file", async (path) => {
  await expectError(await call(path), "NOT_FOUND", path);
});
