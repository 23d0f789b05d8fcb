import { expect, test } from "vitest";
import { appWith, call, ORIGIN } from "../support/api.ts";
import { pageOf, visit, withDashboard } from "../support/dashboard.ts";
import { expectError } from "../support/expect.ts";

const linksOf = (page: string) => [...page.matchAll(/<li><a href="([^"]+)"/g)].map(([, path = ""]) => path);

test("a person who comes to / sees what this is and where to go", async () => {
  const target = withDashboard({ OAUTH_AUDIENCE: ORIGIN, SECURITY_CONTACT: "mailto:a@latchkey.example" });
  const answer = await visit("/", { target });
  expect(answer.headers.get("Vary")).toBe("Accept, Accept-Language, Cookie");
  const page = await pageOf(answer);
  expect(page).toContain("<h1>API keys</h1>");
  expect(linksOf(page)).toEqual([
    "/dashboard",
    "/operator/dashboard",
    "/docs",
    "/openapi.json",
    "/.well-known/oauth-protected-resource",
    "/.well-known/security.txt",
  ]);
  for (const path of linksOf(page)) expect((await visit(path, { target })).status).toBeLessThan(400);
});

test("it names nothing that is not there", async () => {
  const page = await pageOf(await visit("/", { target: appWith({ OPERATOR_AUDIENCE: "" }) }));
  expect(linksOf(page)).toEqual(["/docs", "/openapi.json"]);
});

test("it is in the language of the browser", async () => {
  const page = await pageOf(await visit("/", { headers: { "Accept-Language": "de" } }));
  expect(page).toContain("<h1>API-Schlüssel</h1>");
});

test("HEAD is answered as GET is, without the page", async () => {
  const answer = await visit("/", { method: "HEAD" });
  expect([answer.status, await answer.text()]).toEqual([200, ""]);
});

test.each(["*/*", "application/json", ""])("whoever accepts “%s” finds nothing there", async (accept) => {
  const answer = await call("/", { headers: { Accept: accept } });
  expect(answer.headers.get("Vary")).toBe("Accept");
  await expectError(answer, "NOT_FOUND", "/");
});

test("with a wrong setting of what it shows it is closed to people alone", async () => {
  const target = withDashboard({ BRAND_COLOR: "blue" });
  expect((await visit("/", { target })).status).toBe(500);
  await expectError(await call("/", {}, target), "NOT_FOUND", "/");
});
