import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { parseEnv, promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { type Answer, call } from "../e2e/support.ts";
import {
  ADA,
  createKey,
  GRACE,
  type Site,
  shownKey,
  signIn,
  startChromium,
  startSite,
  visit,
} from "./support.ts";

const REVOCATION_SECONDS = 5;
const WITHIN_BOUND = { timeout: (REVOCATION_SECONDS + 1) * 1000, interval: 100 };
/** Uses come through a queue. */
const ONCE_COUNTED = { timeout: 30_000, interval: 500 };

let site: Site;
let browser: Browser;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startChromium()]);
});

/** A call of the example API. */
function jobs(rawKey: string): Promise<Answer> {
  return call(`${site.example}/public/v1/job-listings`, { headers: { "X-API-Key": rawKey } });
}

function rowOf(page: Page, label: string) {
  return page.getByRole("row", { name: label });
}

describe.each([
  { script: "with script", javaScriptEnabled: true },
  { script: "without script", javaScriptEnabled: false },
])("$script", ({ script, javaScriptEnabled }) => {
  const visitor = () => visit(browser, site, { javaScriptEnabled });

  /** As a person does it: in the dialog, or on the page in its place. */
  async function revoke(page: Page, question: RegExp): Promise<void> {
    await page.getByRole("link", { name: "Revoke…" }).click();
    const place = javaScriptEnabled ? page.getByRole("dialog") : page.getByRole("main");
    await expect.poll(() => place.innerText()).toMatch(question);
    await place.getByRole("button", { name: "Revoke key" }).click();
    await page.getByText("Revoked", { exact: true }).first().waitFor();
  }

  test("a key is created, used, renamed, rotated and revoked, and then refused", async () => {
    const page = await visitor();
    const label = `Careers site ${script}`;
    await signIn(page, ADA);
    const old = await createKey(page, { label: "Careers page" });
    expect(await jobs(old.rawKey)).toMatchObject({ status: 200 });

    await page.getByRole("link", { name: "I have stored it" }).click();
    await page.getByLabel("Label").fill(label);
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("heading", { name: label }).waitFor();

    await page.getByLabel("This key ends").selectOption("3600");
    await page.getByRole("button", { name: "Rotate" }).click();
    const successor = await shownKey(page);
    expect(await jobs(old.rawKey)).toMatchObject({ status: 200 });
    expect(await jobs(successor.rawKey)).toMatchObject({ status: 200 });
    await page.goto("/dashboard");
    const [newest, oldest] = await rowOf(page, label).allInnerTexts();
    expect(newest).toContain("Active");
    expect(oldest).toMatch(/In overlap[\s\S]*in 59 minutes/);
    await page.goto(old.path);
    await page.getByRole("link", { name: "its successor" }).click();
    await page.waitForURL(successor.path);
    await page.getByRole("link", { name: "the key before it" }).first().click();
    await page.waitForURL(old.path);

    await vi.waitFor(async () => {
      await page.reload();
      expect(await page.getByRole("main").innerText()).toMatch(/Last used\s+(\d+ seconds? ago|just now)/);
    }, ONCE_COUNTED);
    const prefix = old.rawKey.slice(0, "lk_live_".length + 5);
    await revoke(page, new RegExp(`Revoke “${label}”\\?\\s+${prefix}… was last used (.* ago|just now)`));
    const refused = { status: 401, body: { error: "KEY_REVOKED" } };
    await vi.waitFor(async () => expect(await jobs(old.rawKey)).toMatchObject(refused), WITHIN_BOUND);
    expect(await jobs(successor.rawKey)).toMatchObject({ status: 200 });
    await page.goto("/dashboard?state=ended");
    expect(await rowOf(page, label).innerText()).toContain("Revoked");
    await page.goto("/dashboard/events");
    const log = await page.getByRole("main").innerText();
    for (const act of ["created", "renamed", "rotated", "revoked"]) expect(log).toContain(act);
  });

  test("a live key that is rotated at once ends only after a question", async () => {
    const page = await visitor();
    await signIn(page, ADA);
    const { path } = await createKey(page, { label: "Changed at once" });
    await page.goto(path);
    await page.getByLabel("This key ends").selectOption("0");
    await page.getByRole("button", { name: "Rotate" }).click();
    await page.getByRole("heading", { name: "Rotate “Changed at once” at once?" }).waitFor();
    await page.getByRole("button", { name: "Rotate at once" }).click();
    await shownKey(page);
    await page.goto(path);
    await page.getByText("Replaced", { exact: true }).waitFor();
  });

  test("a whole key is searched for: its page is found, and no URL holds it", async () => {
    const page = await visitor();
    const urls: string[] = [];
    page.context().on("request", (request) => urls.push(request.url()));
    await signIn(page, ADA);
    const { path, rawKey } = await createKey(page, { label: "Found again" });
    await page.goto("/dashboard");
    await page.getByRole("searchbox").fill(rawKey);
    if (!javaScriptEnabled) await page.keyboard.press("Enter");
    await page.waitForURL(`${site.latchkey}${path}`);
    expect(urls.join()).not.toContain(rawKey);
  });

  test("a key that was never used is said to be when it is revoked", async () => {
    const page = await visitor();
    await signIn(page, ADA);
    const { path } = await createKey(page, { label: "Forgotten" });
    await page.goto(path);
    await revoke(page, /Revoke “Forgotten”\?\s+lk_live_.{5}… was never used/);
  });

  test("a raw key is on one page, once: in no other page, history entry, storage or log", async () => {
    const page = await visitor();
    const urls: string[] = [];
    page.context().on("request", (request) => urls.push(request.url(), request.headers().referer ?? ""));
    await signIn(page, ADA);
    const { path, rawKey } = await createKey(page, { label: "Seen once" });

    // A page that is just being left cannot be read: then it is looked at again.
    const expectGone = () => expect.poll(() => page.content().catch(() => rawKey)).not.toContain(rawKey);
    for (const next of [path, `${path}/created`, "/dashboard", "/dashboard/events", `${path}/revoke`]) {
      await page.goto(next);
      await expectGone();
    }
    const history = await page.context().newCDPSession(page);
    const { entries } = await history.send("Page.getNavigationHistory");
    for (const { id } of entries.filter(({ url }) => url.startsWith(site.latchkey))) {
      await history.send("Page.navigateToHistoryEntry", { entryId: id });
      await page.waitForLoadState();
      await expectGone();
    }
    expect(JSON.stringify([entries, urls, await page.context().storageState()])).not.toContain(rawKey);
    const stored = () => page.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
    // A page that comes back is loaded anew: then it is looked at again.
    await expect.poll(() => stored().catch(() => "")).toBe("[{},{}]");
    expect(site.running.output()).not.toContain(rawKey);
  });

  test.each([
    {
      way: "a link of the page",
      leave: (page: Page) => page.getByRole("link", { name: "I have stored it" }).click(),
    },
    { way: "an address typed in", leave: (page: Page) => page.goto(`${site.issuer}/jwks`) },
  ])("a raw key does not come back by the back button, left by $way", async ({ leave }) => {
    const page = await visitor();
    await signIn(page, ADA);
    const { path, rawKey } = await createKey(page, { label: "Left behind" });
    await leave(page);
    await page.waitForURL((url) => !url.pathname.endsWith("/created"));
    const history = await page.context().newCDPSession(page);
    const { entries, currentIndex } = await history.send("Page.getNavigationHistory");
    const entryId = entries[currentIndex - 1]?.id ?? 0;
    await history.send("Page.navigateToHistoryEntry", { entryId });
    await page.waitForURL(`${path}/created`);
    await page.getByRole("heading", { name: "The key cannot be shown again" }).waitFor();
    expect(await page.content()).not.toContain(rawKey);
  });

  test("who signs out is signed out at the issuer too, and is asked again", async () => {
    const page = await visitor();
    await signIn(page, ADA);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign out?" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/\/dashboard\/sign-in/);
    await page.goto("/dashboard");
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Sign in as" }).waitFor();
  });

  test("another company's user sees nothing of a key, whatever is asked or sent", async () => {
    const ada = await visitor();
    await signIn(ada, ADA);
    const { id, path, rawKey } = await createKey(ada, { label: "Acme's own" });
    const grace = await visitor();
    await signIn(grace, GRACE);
    for (const page of ["/dashboard", "/dashboard/events", "/dashboard?q=Acme"]) {
      await grace.goto(page);
      const content = await grace.content();
      expect(content).not.toContain(id);
      expect(content).not.toContain("Acme's own");
    }
    for (const page of [path, `${path}/revoke`, `${path}?cursor=${id}`]) {
      expect((await grace.goto(page))?.status(), page).toBe(404);
      expect(await grace.getByRole("main").innerText()).not.toContain("Acme");
    }
    const headers = { Origin: site.latchkey };
    for (const [act, form] of Object.entries({
      rename: { label: "Mine" },
      rotate: { overlapSeconds: 0 },
      revoke: {},
    })) {
      const answer = await grace.request.post(`${path}/${act}`, { form, headers });
      expect(answer.status(), act).toBe(404);
    }
    await ada.goto(path);
    expect(await ada.getByRole("main").innerText()).toMatch(/^API keys\s+Acme's own\s+Active/);
    expect(await jobs(rawKey)).toMatchObject({ status: 200 });
  });
});

test("a key and its command are copied by a button", async () => {
  const page = await visit(browser, site, { permissions: ["clipboard-read", "clipboard-write"] });
  await signIn(page, ADA);
  const { rawKey } = await createKey(page, { label: "Copied" });
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await page.getByRole("button", { name: "Copy key" }).click();
  await page.getByRole("status").getByText("Copied").waitFor({ state: "attached" });
  expect(await copied()).toBe(rawKey);
  expect(await jobs(await copied())).toMatchObject({ status: 200 });
  await page.getByRole("button", { name: "Copy the call with curl" }).click();
  await expect.poll(copied).toBe(`curl ${site.latchkey}/public/v1/key -H "X-API-Key: ${rawKey}"`);
});

test("the calls that are shown with a new key work as they are", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA);
  await createKey(page, { label: "Tried" });
  const code = async (id: string) => (await page.locator(`#${id}`).textContent()) ?? "";
  for (const [command, ...args] of [
    ["bash", "-c", await code("curl")],
    [process.execPath, "--input-type=module", "-e", await code("javascript")],
    ["python3", "-c", await code("python")],
  ] as const) {
    const { stdout } = await promisify(execFile)(command, args);
    expect(stdout, command).toMatch(/active|keyId|"id"|scopes/);
  }
});

test("a new key can be kept as a file of settings", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA);
  const { rawKey } = await createKey(page, { label: "Downloaded" });
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download .env" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("latchkey.env");
  expect(parseEnv(await readFile(await download.path(), "utf8"))).toEqual({ API_KEY: rawKey });
});
