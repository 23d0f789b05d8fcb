import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { call } from "../e2e/support.ts";
import { DAY_MS, execute, keyRow, SEEDED, seedKeys } from "./seed.ts";
import {
  ADA,
  createKey,
  OLGA,
  type Site,
  shownKey,
  signIn,
  startChromium,
  startSite,
  tabUntil,
  visit,
} from "./support.ts";

let site: Site;
let browser: Browser;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startChromium()]);
  await seedKeys(site);
});

/** What the element where the focus is is called. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement;
    const isField = element?.matches("input, textarea, select");
    const label = isField ? (element as HTMLInputElement).labels?.[0]?.textContent : undefined;
    return (element?.getAttribute("aria-label") ?? label ?? element?.textContent ?? "").trim();
  });
}

/** To the element of this name. */
const tabTo = (page: Page, name: string) =>
  tabUntil(page, name, async () => (await focused(page)).startsWith(name));

/** A keyboard that counts: each press is a step, a text that is typed or pasted is one. */
function counted(page: Page) {
  let steps = 0;
  return {
    steps: () => steps,
    async press(...keys: string[]) {
      for (const key of keys) await page.keyboard.press(key);
      steps += keys.length;
    },
    async type(text: string) {
      await page.keyboard.insertText(text);
      steps++;
    },
    async tabTo(name: string) {
      steps += await tabTo(page, name);
    },
  };
}

/** What the example API answers to a key. */
const statusOf = async (rawKey: string) =>
  (await call(`${site.example}/public/v1/job-listings`, { headers: { "X-API-Key": rawKey } })).status;

test("the key whose prefix one has is found in 4 steps", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA);
  const row = page.getByRole("row", { name: SEEDED.active });
  const prefix = (await row.locator("code").innerText()).replace("…", "");
  const keyboard = counted(page);
  await keyboard.press("Control+k");
  await keyboard.type(prefix);
  await page.getByRole("status").getByText("1 key found").waitFor({ state: "attached" });
  await keyboard.press("ArrowDown", "Enter");
  await page.getByRole("heading", { name: SEEDED.active }).waitFor();
  expect(keyboard.steps()).toBeLessThanOrEqual(4);
});

test("a key that expires in a year, from two addresses, is made in 30 steps", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA);
  const keyboard = counted(page);
  await keyboard.tabTo("Skip to content");
  await keyboard.press("Enter");
  await keyboard.tabTo("Create key");
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Create a key" }).waitFor();
  await keyboard.type("Careers site");
  await keyboard.tabTo("Read job listings");
  await keyboard.press("Space");
  await keyboard.tabTo("In 90 days");
  await keyboard.press("ArrowDown");
  await keyboard.tabTo("Allow only some addresses");
  await keyboard.press("Enter");
  await keyboard.tabTo("IPv4 and IPv6");
  await keyboard.type("203.0.113.7, 2001:db8::7");
  await keyboard.tabTo("Create key");
  await keyboard.press("Enter");
  const { path } = await shownKey(page);
  expect(keyboard.steps()).toBeLessThanOrEqual(30);
  await page.getByRole("link", { name: "I have stored it" }).click();
  await page.waitForURL(path);
  const fact = (name: string) => page.locator(`dt:text-is("${name}") + dd`);
  expect(await fact("May be used from").innerText()).toMatch(/^203\.0\.113\.7\s+2001:db8::7$/);
  const end = await fact("Expires").locator("time").first().getAttribute("datetime");
  expect((Date.parse(end ?? "") - Date.now()) / DAY_MS).toBeCloseTo(365.5, 0);
});

test("a key that expires this week is renewed without an outage in 17 steps", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA);
  const label = "Nightly export";
  const old = await createKey(page, { label });
  await execute(site, [
    `UPDATE api_keys SET expires_at = ${Date.now() + 3 * DAY_MS}, created_at = created_at - ${30 * DAY_MS} WHERE id = '${old.id}';`,
  ]);
  await page.getByRole("link", { name: "I have stored it" }).click();
  await page.goto("/dashboard");
  const keyboard = counted(page);
  await keyboard.press("Control+k");
  await keyboard.tabTo("Expiring");
  await keyboard.press("Enter");
  await page.waitForURL(/state=expiring/);
  await keyboard.press("Control+k", "ArrowDown");
  await keyboard.tabTo(`Actions for ${label}`);
  await keyboard.press("Enter");
  await keyboard.tabTo("Rotate…");
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: label }).waitFor();
  await keyboard.tabTo("Rotate");
  await keyboard.press("Enter");
  const { rawKey } = await shownKey(page);
  expect(keyboard.steps()).toBeLessThanOrEqual(17);
  expect([await statusOf(old.rawKey), await statusOf(rawKey)]).toEqual([200, 200]);
  await page.getByRole("link", { name: "I have stored it" }).click();
  const end = await page.locator('dt:text-is("Expires") + dd time').first().getAttribute("datetime");
  expect(Date.parse(end ?? "")).toBeGreaterThan(Date.now() + 7 * DAY_MS);
});

test("all keys that nobody used for 90 days, 25 of them, are ended in 30 steps", async () => {
  const old = Array.from({ length: 25 }, (_, i) => ({ number: i, label: `Forgotten ${i}` }));
  const columns = { created_at: Date.now() - 200 * DAY_MS };
  await execute(
    site,
    old.map((key) => keyRow({ ...key, columns })),
  );
  const page = await visit(browser, site);
  await signIn(page, ADA);
  const keyboard = counted(page);
  await keyboard.press("Control+k");
  await keyboard.tabTo("Unused");
  await keyboard.press("Enter");
  await page.waitForURL(/state=unused/);
  await keyboard.press("Control+k");
  await keyboard.tabTo("90 days");
  await keyboard.press("Enter");
  await page.waitForURL(/days=90/);
  await keyboard.press("Control+k");
  await keyboard.tabTo("Skip to the keys");
  await keyboard.press("Enter");
  await keyboard.tabTo("Select all");
  await keyboard.press("Space", "Shift+Tab");
  expect(await focused(page)).toBe("Revoke…");
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Revoke these 25 keys?" }).waitFor();
  await keyboard.tabTo("Skip to content");
  await keyboard.press("Enter");
  await keyboard.tabTo("Revoke 25 keys");
  await keyboard.press("Enter");
  await page.getByRole("status").getByText("25 keys revoked.").waitFor();
  expect(keyboard.steps()).toBeLessThanOrEqual(30);
  await page.goto("/dashboard?state=unused&days=90");
  await page.getByText("No key is like this").waitFor();
});

test("a key is created and revoked without a mouse", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA);
  await tabTo(page, "Create key");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Create a key" }).waitFor();
  await page.keyboard.type("By hand");
  await tabTo(page, "Read job listings");
  await page.keyboard.press("Space");
  await tabTo(page, "Create key");
  await page.keyboard.press("Enter");
  await shownKey(page);
  await tabTo(page, "I have stored it");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "By hand" }).waitFor();
  await tabTo(page, "Revoke…");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Revoke “By hand”?" }).waitFor();
  await tabTo(page, "Revoke key");
  await page.keyboard.press("Enter");
  await page.getByText("Revoked", { exact: true }).first().waitFor();
});

test("a company is found, suspended and resumed without a mouse", async () => {
  const page = await visit(browser, site);
  await signIn(page, OLGA, "/operator/dashboard");
  await tabTo(page, "A part of the id");
  await page.keyboard.type("initech");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "open it all the same" }).waitFor();
  await tabTo(page, "open it all the same");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "initech" }).waitFor();
  await tabTo(page, "Reason");
  await page.keyboard.type("Unpaid since May");
  await tabTo(page, "Suspend company");
  await page.keyboard.press("Enter");
  await page.getByText("The reason it reads: Unpaid since May").waitFor();
  await tabTo(page, "Resume company");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Suspend company" }).waitFor();
});

test("the dialog keeps the focus, and Escape closes it with nothing done", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA, "/dashboard/keys/new");
  await page.getByLabel("Label").fill("Kept");
  await page.getByLabel("Read job listings").check();
  await page.getByRole("button", { name: "Create key" }).click();
  const { path } = await shownKey(page);
  await page.goto(path);
  await page.getByRole("link", { name: "Revoke…" }).click();
  const inside = () =>
    page.evaluate(
      () => document.activeElement?.closest("dialog") !== null || document.activeElement === document.body,
    );
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press("Tab");
    expect(await inside()).toBe(true);
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  expect(await page.getByRole("main").innerText()).toMatch(/^API keys\s+Kept\s+Active/);
});
