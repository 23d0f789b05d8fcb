import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { call } from "../e2e/support.ts";
import { ADA, createKey, type Site, signIn, startChromium, startSite, visit } from "./support.ts";

let site: Site;
let browser: Browser;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startChromium()]);
});

/** Another site, which shows `html` until the test ends: `127.0.0.1` is not `localhost`. */
async function otherSite(html: string): Promise<string> {
  const server = createServer((_, response) => response.setHeader("Content-Type", "text/html").end(html));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function signedIn(...others: string[]): Promise<Page> {
  const page = await visit(browser, site, {}, others);
  await signIn(page, ADA);
  return page;
}

const formTo = (url: string, fields: Record<string, string>) =>
  `<form method="post" action="${url}">${Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`)
    .join("")}</form>`;
const AND_SENT = "<script>document.forms[0].submit()</script>";

const STOLEN = [
  {
    act: "creates",
    path: "/dashboard/keys",
    fields: { label: "Stolen", scopes: "jobs:read", expiry: "never" },
  },
  { act: "revokes", path: "/dashboard/keys/:id/revoke", fields: {} },
  { act: "rotates", path: "/dashboard/keys/:id/rotate", fields: { overlapSeconds: "0" } },
];

test.each(STOLEN)("a form of another site $act nothing", async ({ path, fields }) => {
  const owner = await signedIn();
  const { id, path: keyPath } = await createKey(owner, { label: "Mine" });
  const target = site.latchkey + path.replace(":id", id);
  const evil = await otherSite(formTo(target, fields) + AND_SENT);
  const page = await signedIn(evil);
  const answered = page.waitForResponse((response) => response.url() === target);
  await page.goto(evil);
  expect((await answered).status()).toBe(403);
  await page.getByText("The form was sent by another site").waitFor();
  await owner.goto(keyPath);
  expect(await owner.getByRole("main").innerText()).toMatch(/^API keys\s+Mine\s+Active/);
  await owner.goto("/dashboard?q=Stolen");
  await owner.getByText("No key is like this").waitFor();
});

test("a fetch of another site, with credentials, changes nothing and learns nothing", async () => {
  const evil = await otherSite("<p>evil</p>");
  const page = await signedIn(evil);
  const { id, path } = await createKey(page, { label: "Mine" });
  await page.goto(evil);
  const outcomes = await page.evaluate(
    async (origin) => {
      const init = { credentials: "include" } as const;
      const body = new URLSearchParams({ label: "Stolen", scopes: "jobs:read", expiry: "never" });
      const read = fetch(`${origin.url}/dashboard`, init).then(
        (answer) => answer.text(),
        () => "no answer",
      );
      const revoked = fetch(`${origin.url}/dashboard/keys/${origin.id}/revoke`, {
        ...init,
        method: "POST",
        body,
        mode: "no-cors",
      }).then(
        ({ type }) => type,
        () => "no answer",
      );
      return [await read, await revoked];
    },
    { url: site.latchkey, id },
  );
  expect(outcomes[0]).toBe("no answer");
  await page.goto(path);
  expect(await page.getByRole("main").innerText()).toMatch(/^API keys\s+Mine\s+Active/);
});

test("a form with a stolen cookie and nothing that says where it comes from is refused", async () => {
  const page = await signedIn();
  const { path } = await createKey(page, { label: "Mine" });
  const cookies = await page.context().cookies();
  const Cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  const answer = await call(`${site.latchkey}${path}/revoke`, {
    method: "POST",
    headers: { Cookie },
    body: "",
  });
  expect(answer.status).toBe(403);
  await page.goto(path);
  expect(await page.getByRole("main").innerText()).toMatch(/^API keys\s+Mine\s+Active/);
});

test("no script of the page can read what keeps the session", async () => {
  const page = await signedIn();
  // The page's own script writes the time zone.
  expect(await page.evaluate(() => document.cookie)).toMatch(/^latchkey-zone=[^;]*$/);
  const kept = (await page.context().cookies()).filter(
    ({ name }) => name.startsWith("latchkey-") && name !== "latchkey-zone",
  );
  expect(kept.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
    { httpOnly: true, sameSite: "Strict" },
  ]);
});

test("a script in the API's documentation cannot use the session, and the documentation is shown", async () => {
  const page = await signedIn();
  const { id } = await createKey(page, { label: "Mine" });
  await page.goto("/docs");
  await page.getByRole("heading", { name: "Latchkey" }).first().waitFor();
  const outcomes = await page.evaluate(async (id) => {
    const said = (asked: Promise<Response>) => asked.then((answer) => answer.text(), String);
    const opened = window.open("/dashboard");
    return [
      await said(fetch("/dashboard")),
      await said(fetch(`/dashboard/keys/${id}/revoke`, { method: "POST", body: new URLSearchParams() })),
      String(opened),
      window.origin,
    ];
  }, id);
  expect(outcomes).toEqual([
    expect.stringContaining("Failed to fetch"),
    expect.stringContaining("Failed to fetch"),
    "null",
    "null",
  ]);
  await page.goto(`/dashboard/keys/${id}`);
  expect(await page.getByRole("main").innerText()).toMatch(/^API keys\s+Mine\s+Active/);
});

test("who follows a link of another site is shown the page, not asked to sign in again", async () => {
  const evil = await otherSite(`<a href="${site.latchkey}/dashboard/events">Look</a>`);
  const page = await signedIn(evil);
  await page.goto(evil);
  await page.getByRole("link", { name: "Look" }).click();
  await page.getByRole("heading", { name: "Audit log" }).waitFor();
});

test("whose session is gone signs in and comes back to the page that was asked for", async () => {
  const page = await signedIn();
  const { path } = await createKey(page, { label: "Come back" });
  await page.context().clearCookies();
  await page.goto(path);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("button", { name: ADA }).click();
  await page.waitForURL(path);
  await page.getByRole("heading", { name: "Come back" }).waitFor();
});

test("a page of the dashboard is in no frame", async () => {
  const evil = await otherSite(`<iframe src="${site.latchkey}/dashboard/sign-in"></iframe>`);
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(evil);
  const [, frame] = page.frames();
  await expect.poll(() => frame?.url()).toMatch(/^chrome-error:/);
});
