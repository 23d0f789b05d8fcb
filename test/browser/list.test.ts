import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { SEEDED, seedKeys } from "./seed.ts";
import { ADA, type Site, signIn, startChromium, startSite, tabUntil, visit } from "./support.ts";

let site: Site;
let browser: Browser;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startChromium()]);
  await seedKeys(site);
});

const rows = (page: Page) => page.locator(".keys tbody th > a");

/** To what `selector` finds. */
const tabTo = (page: Page, selector: string) =>
  tabUntil(page, selector, () =>
    page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector),
  );

test("the list is searched while one types: the focus stays, the number is said, and the address can be kept", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA);
  await page.getByRole("searchbox").pressSequentially("slack");
  await expect.poll(() => rows(page).allInnerTexts()).toEqual([SEEDED.expiring]);
  expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("q");
  await page.getByRole("status").getByText("1 key found").waitFor({ state: "attached" });
  expect(new URL(page.url()).search).toBe("?q=slack");
  await page.getByRole("link", { name: /^Ended/ }).click();
  await page.getByText("No key is like this").waitFor();
  await page.getByRole("searchbox").fill("");
  await expect
    .poll(async () => (await rows(page).allInnerTexts()).sort())
    .toEqual([SEEDED.revoked, SEEDED.expired].sort());
  expect(new URL(page.url()).search).toBe("?state=ended");
});

test("the arrow leads from the search to the first key, also before the keys are found", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA);
  await page.getByRole("searchbox").pressSequentially("slack");
  await page.keyboard.press("ArrowDown");
  await expect.poll(() => rows(page).allInnerTexts()).toEqual([SEEDED.expiring]);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: SEEDED.expiring }).waitFor();
});

test("the audit log is filtered by a part of a key's label", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA, "/dashboard/events");
  await page.getByLabel("Key").fill("slack");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/key=slack/);
  expect(await page.locator(".log li").allInnerTexts()).toEqual([expect.stringContaining(SEEDED.expiring)]);
});

test("a key that nobody has is said not to be there while one types, and is in no address", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA);
  const nobodys = `lk_live_${"x".repeat(50)}`;
  await page.getByRole("searchbox").fill(nobodys);
  await page.getByText("No key of your company is this one").first().waitFor();
  expect(page.url()).not.toContain("x".repeat(20));
});

describe.each([
  { script: "with script", javaScriptEnabled: true },
  { script: "without script", javaScriptEnabled: false },
])("$script", ({ javaScriptEnabled }) => {
  test("the menu of a row is opened, walked through and closed by keyboard", async () => {
    const page = await visit(browser, site, { javaScriptEnabled });
    await signIn(page, ADA);
    const name = `Actions for ${SEEDED.active}`;
    await page.getByRole("button", { name }).first().focus();
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "Suspend…" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Suspend…" }).waitFor({ state: "hidden" });
    await page.keyboard.press("Enter");
    for (let i = 0; i < 3; i++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Suspend this key?" }).waitFor();
    await page.getByText(SEEDED.active).waitFor();
  });

  test("all keys that nobody used for 90 days are ended by keyboard alone", async () => {
    const page = await visit(browser, site, { javaScriptEnabled });
    await signIn(page, ADA);
    await page.goto("/dashboard?state=unused");
    const before = await rows(page).count();
    if (javaScriptEnabled) {
      await tabTo(page, "[data-all]");
      await page.keyboard.press("Space");
    } else {
      await tabTo(page, "[name=key]");
      await page.keyboard.press("Space");
    }
    await tabTo(page, "[value=revoke]");
    await page.keyboard.press("Enter");
    const chosen = javaScriptEnabled ? before : 1;
    await page
      .getByRole("heading", { name: chosen === 1 ? "Revoke this key?" : `Revoke these ${chosen} keys?` })
      .waitFor();
    await page.getByRole("button", { name: /^Revoke/ }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(`${site.latchkey}/dashboard`);
    await page.goto("/dashboard?state=unused");
    expect(await rows(page).count()).toBe(before - chosen);
    await seedKeys(site);
  });
});

test("the numbers of a day are said by arrow keys", async () => {
  const page = await visit(browser, site);
  await signIn(page, ADA);
  await page.getByRole("link", { name: SEEDED.active }).first().click();
  const chart = page.getByRole("slider", { name: "Use by day" });
  await chart.focus();
  const today = await chart.getAttribute("aria-valuetext");
  await page.keyboard.press("ArrowLeft");
  const yesterday = await chart.getAttribute("aria-valuetext");
  expect(yesterday).toMatch(/: [\d,]+ accepted, \d+ refused$/);
  expect(yesterday).not.toBe(today);
  expect(await page.locator(".readout").innerText()).toBe(yesterday);
});
