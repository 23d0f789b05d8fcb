import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { expectSound } from "./qualities.ts";
import { SEEDED, seedKeys } from "./seed.ts";
import { ADA, GRACE, OLGA, type Site, signIn, startChromium, startSite, visit } from "./support.ts";

let site: Site;
let browser: Browser;
let ids: Awaited<ReturnType<typeof seedKeys>>;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startChromium()]);
  ids = await seedKeys(site);
});

/** Expects that a page is sound in every colour scheme, or as the visitor's browser shows it. */
function expectAccessible(page: Page, name: string, isInBoth = true): Promise<void> {
  const show = (colorScheme: "light" | "dark") => page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  return expectSound(
    {
      evaluate: (what) => page.evaluate(what),
      resize: (size) => page.setViewportSize(size),
      schemes: isInBoth ? [() => show("dark"), () => show("light")] : [async () => {}],
    },
    name,
  );
}

describe("at each width, light and dark", () => {
  test("axe-core finds no violation on any page, none scrolls to the side, and no text is small", async () => {
    const page = await visit(browser, site);
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

  test("axe-core finds no violation on any page of the operator, none scrolls to the side, and no text is small", async () => {
    const page = await visit(browser, site);
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
    const page = await visit(browser, site);
    await signIn(page, GRACE);
    await page.getByText("No keys yet").waitFor();
    await expectAccessible(page, "an empty list");
  });
});

test("without script, axe-core finds no violation on the main pages, none scrolls to the side, and no text is small", async () => {
  const page = await visit(browser, site);
  const devtools = await page.context().newCDPSession(page);
  const setScript = (isOn: boolean) =>
    devtools.send("Emulation.setScriptExecutionDisabled", { value: !isOn });
  /** A page that was loaded without script; axe-core, which needs it, comes after. */
  const look = async (path: string) => {
    await setScript(false);
    await page.goto(path);
    await setScript(true);
    expect(await page.locator("html.script").count(), `script ran on ${path}`).toBe(0);
    await expectAccessible(page, path);
  };
  await look("/dashboard/sign-in");
  await signIn(page, ADA);
  for (const path of ["", "/keys/new", `/keys/${ids.active}`, `/keys/${ids.active}/revoke`, "/events"])
    await look(`/dashboard${path}`);
});

describe("in German, in the visitor's time zone", () => {
  test("axe-core finds no violation on any page, none scrolls to the side, and no text is small", async () => {
    const page = await visit(browser, site, { timezoneId: "Asia/Kolkata" });
    const look = async (path: string) => {
      await page.goto(path);
      expect(await page.locator("html").getAttribute("lang"), path).toBe("de");
      await expectAccessible(page, path, false);
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

  test("axe-core finds no violation on any page of the operator, none scrolls to the side, and no text is small", async () => {
    const page = await visit(browser, site);
    await signIn(page, OLGA, "/operator/dashboard");
    await page.getByRole("button", { name: "Deutsch" }).click();
    await page.getByRole("heading", { name: "Unternehmen" }).waitFor();
    for (const path of ["", "/companies/acme", "/companies/acme/revoke-all", "/keys", "/status"]) {
      await page.goto(`/operator/dashboard${path}`);
      await expectAccessible(page, path, false);
    }
  });
});
