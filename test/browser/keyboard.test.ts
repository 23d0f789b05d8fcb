import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { ADA, OLGA, type Site, shownKey, signIn, startChromium, startSite, visit } from "./support.ts";

let site: Site;
let browser: Browser;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startChromium()]);
});

/** Goes from element to element until it stands on the one of this name. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : undefined;
      return (label ?? element?.textContent ?? "").trim();
    });
    if (focused.startsWith(name)) return;
  }
  throw new Error(`${name} cannot be reached by keyboard`);
}

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
