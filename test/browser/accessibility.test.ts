import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { SEEDED, seedKeys } from "./seed.ts";
import { ADA, GRACE, OLGA, type Site, signIn, startChromium, startSite, visit } from "./support.ts";

let site: Site;
let browser: Browser;
let ids: Awaited<ReturnType<typeof seedKeys>>;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startChromium()]);
  ids = await seedKeys(site);
});

/** Expects that axe-core finds nothing, and that the page itself does not scroll to the side. */
async function expectAccessible(page: Page, name: string): Promise<void> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run();
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" ")}`,
    );
  });
  expect(violations, name).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} fits`).toBe(
    true,
  );
}

const desktop = { width: 1280, height: 800 };
const phone = { width: 360, height: 740 };

describe.each([
  { look: "light, desktop", colorScheme: "light" as const, viewport: desktop },
  { look: "dark, desktop", colorScheme: "dark" as const, viewport: desktop },
  { look: "light, phone", colorScheme: "light" as const, viewport: phone },
  { look: "dark, phone", colorScheme: "dark" as const, viewport: phone },
])("$look", ({ colorScheme, viewport }) => {
  test("axe-core finds no violation on any page, and none scrolls to the side", async () => {
    const page = await visit(browser, site, { colorScheme, viewport });
    const look = async (path: string) => {
      await page.goto(path);
      await expectAccessible(page, path);
    };
    await look("/dashboard/sign-in");
    await look("/dashboard/sign-in?ended=1");
    await look("/dashboard/callback");
    await signIn(page, ADA);
    await look("/dashboard");
    await look("/dashboard?q=nothing+like+this");
    await look("/dashboard?state=unused&days=90&sort=label");
    await look(`/dashboard/several?act=revoke&key=${ids.active}&key=${ids.unused}`);
    for (const state of Object.keys(SEEDED) as (keyof typeof SEEDED)[])
      await look(`/dashboard/keys/${ids[state]}`);
    await page.getByText("As a table").click();
    await look(`/dashboard/keys/${ids.active}/revoke`);
    await look("/dashboard/events");
    await look("/dashboard/nothing");
    await look("/dashboard?state=maybe");

    await page.goto(`/dashboard/keys/${ids.active}`);
    await page.getByText("As a table").click();
    await expectAccessible(page, "the table of use");
    await page.getByRole("link", { name: "Revoke…" }).click();
    await expectAccessible(page, "the dialog");

    await look("/dashboard/keys/new");
    await page.getByLabel("Label").fill(" ");
    await page.getByRole("button", { name: "Create key" }).click();
    await page.getByText("must not be blank").waitFor();
    await expectAccessible(page, "a form with faults");
    await page.getByLabel("Label").fill("W".repeat(100));
    await page.getByLabel("Read job listings").check();
    await page.getByRole("button", { name: "Create key" }).click();
    await page.getByRole("heading", { name: "Copy your new key now" }).waitFor();
    await expectAccessible(page, "a new key");
    await page.reload();
    await expectAccessible(page, "a key that was shown");
    await look("/dashboard?q=W");
  });

  test("axe-core finds no violation on any page of the operator, and none scrolls to the side", async () => {
    const page = await visit(browser, site, { colorScheme, viewport });
    const home = "/operator/dashboard";
    const look = async (path: string) => {
      await page.goto(home + path);
      await expectAccessible(page, home + path);
    };
    await look("/sign-in");
    await signIn(page, OLGA, home);
    await look("");
    await look("?q=nothing+like+this");
    await look("?sort=use");
    await look("/companies/acme");
    await look("/companies/acme/revoke-all");
    await look("/companies/nobody/revoke-all");
    await look("/keys");
    await look("/keys?prefix=lk_live_");
    await look("/keys?prefix=nothing");
    for (const state of ["active", "overlap", "revoked"] as const) await look(`/keys/${ids[state]}`);
    await look(`/keys/${ids.active}/revoke`);
    await look("/status");
    await look("/nothing");

    await look("/companies/initech");
    await page.getByLabel("Live keys at most").fill("many");
    await page.getByLabel("Addresses").fill("no address");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("must be a whole number").waitFor();
    await expectAccessible(page, "a policy with faults");
    await look("/companies/initech");
    await page.getByLabel("Reason").fill("W".repeat(500));
    await page.getByRole("button", { name: "Suspend company" }).click();
    await page.getByRole("button", { name: "Resume company" }).waitFor();
    await expectAccessible(page, "a suspended company");
    await look("");
    await look("/companies/initech");
    await page.getByRole("button", { name: "Resume company" }).click();
    await page.getByRole("button", { name: "Suspend company" }).waitFor();
    await page.goto(`${home}/keys`);
    await page.getByRole("searchbox").fill(`lk_live_${"x".repeat(50)}`);
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByRole("heading", { name: "No key is this one" }).waitFor();
    await expectAccessible(page, "no such key");
  });

  test("axe-core finds no violation where there is no key yet", async () => {
    const page = await visit(browser, site, { colorScheme, viewport });
    await signIn(page, GRACE);
    await page.getByText("No keys yet").waitFor();
    await expectAccessible(page, "an empty list");
  });
});

describe("in German, on a phone, in the visitor's time zone", () => {
  test("axe-core finds no violation on any page, and none scrolls to the side", async () => {
    const page = await visit(browser, site, { viewport: phone, timezoneId: "Asia/Kolkata" });
    const look = async (path: string) => {
      await page.goto(path);
      expect(await page.locator("html").getAttribute("lang"), path).toBe("de");
      await expectAccessible(page, path);
    };
    await signIn(page, ADA);
    await page.getByRole("button", { name: "Deutsch" }).click();
    await page.getByText("Zeiten in Asia/Calcutta").waitFor();
    for (const path of ["", "/events", "/keys/new", "/sessions", "/nothing"]) await look(`/dashboard${path}`);
    await look(`/dashboard/several?act=revoke&key=${ids.active}&key=${ids.unused}`);
    for (const state of Object.keys(SEEDED) as (keyof typeof SEEDED)[])
      await look(`/dashboard/keys/${ids[state]}`);
    await look(`/dashboard/keys/${ids.active}/revoke`);
    await look("/");
    await page.context().clearCookies({ name: /session/ });
    await look("/dashboard/sign-in");
  });

  test("axe-core finds no violation on any page of the operator, and none scrolls to the side", async () => {
    const page = await visit(browser, site, { viewport: phone });
    await signIn(page, OLGA, "/operator/dashboard");
    await page.getByRole("button", { name: "Deutsch" }).click();
    await page.getByRole("heading", { name: "Unternehmen" }).waitFor();
    for (const path of ["", "/companies/acme", "/companies/acme/revoke-all", "/keys", "/status"]) {
      await page.goto(`/operator/dashboard${path}`);
      await expectAccessible(page, path);
    }
  });
});
