import { expect, test } from "vitest";
import { createKey, ORIGIN } from "../support/api.ts";
import { signedIn, visit, withDashboard } from "../support/dashboard.ts";
import { expectError } from "../support/expect.ts";

const SIBLING = "https://other.latchkey.example";

test.each(["application/json", "application/csp-report", "text/plain", "application/x-www-form-urlencoded"])(
  "what another site sends changes nothing, whatever its media type: %s",
  async (type) => {
    const { id } = await createKey();
    const jar = await signedIn();
    for (const from of [{ Origin: SIBLING }, { "Sec-Fetch-Site": "same-site", Origin: SIBLING }, {}]) {
      const headers = { Cookie: jar.header, "Content-Type": type, Accept: "application/json", ...from };
      const request = new Request(`${ORIGIN}/dashboard/keys/${id}/revoke`, {
        method: "POST",
        headers,
        body: "{}",
      });
      await expectError(await withDashboard()(request), "FORBIDDEN");
    }
  },
);

test("plain http is for loopback alone", async () => {
  const ask = (origin: string) =>
    withDashboard()(new Request(`${origin}/dashboard/sign-in`, { headers: { Accept: "text/html" } }));
  expect((await ask("http://keys.example")).status).toBe(403);
  expect((await ask("http://localhost.keys.example")).status).toBe(403);
  for (const origin of ["http://localhost:8787", "http://127.0.0.1:8787", "https://keys.example"])
    expect((await ask(origin)).status).toBe(200);
});

test("a slash too many leads to the page", async () => {
  const answer = await visit("/dashboard/", { jar: await signedIn() });
  expect(answer.status).toBe(301);
  expect(answer.headers.get("Location")).toBe(`${ORIGIN}/dashboard`);
});
