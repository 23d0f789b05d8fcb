import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { afterAll, expect, onTestFinished } from "vitest";
import { copyProject, freePort, type Running, start } from "../e2e/support.ts";

export const CHROMIUM = process.env.CHROME_PATH ?? "/usr/bin/chromium";
/** The first two are pages of the address bar, which no test sees and which cost a third of the time; the others ask the network. */
const FEATURES_OFF = [
  "WebUIOmniboxPopup",
  "WebUIOmniboxAimPopup",
  "AimEnabled",
  "NetworkTimeServiceQuerying",
  "OptimizationHints",
  "PreconnectToSearch",
];
export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-component-update",
  `--disable-features=${FEATURES_OFF.join(",")}`, // in place of Playwright's own
];
const WAIT_MS = 20_000;

export const ADA = "ada@acme.example";
export const GRACE = "grace@globex.example";
/** Runs the service, and is nobody's company. */
export const OLGA = "olga@latchkey.example";

/** What `npm start` starts, until the test file ends. */
export interface Site {
  /** The copy of the project that it runs in. */
  dir: string;
  latchkey: string;
  example: string;
  issuer: string;
  running: Running;
}

/** @param change - Of the copy, before it is started. */
export async function startSite(change?: (dir: string) => Promise<void>): Promise<Site> {
  const dir = await copyProject();
  await change?.(dir);
  const [port, examplePort, issuerPort] = [await freePort(), await freePort(), await freePort()];
  const options = { "--port": port, "--example-port": examplePort, "--issuer-port": issuerPort };
  const running = start(dir, "npm", "start", "--", ...Object.entries(options).flat().map(String));
  await running.says(/Ctrl-C stops everything/);
  return {
    dir,
    latchkey: `http://localhost:${port}`,
    example: `http://localhost:${examplePort}`,
    issuer: `http://localhost:${issuerPort}`,
    running,
  };
}

/** A Chromium that keeps pages for "back", as people's do, until the test file ends. @param environment - Variables of it alone. */
export async function startChromium(environment: Record<string, string> = {}): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: FLAGS,
    env: { ...process.env, ...environment },
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
  afterAll(() => browser.close());
  return browser;
}

/** A visitor with a browser of their own, until the test ends. Whatever the test is about, no page may break its policy. */
export async function visit(
  browser: Browser,
  site: Pick<Site, "latchkey" | "issuer">,
  options: BrowserContextOptions = {},
  otherSites: string[] = [],
): Promise<Page> {
  const context = await browser.newContext({ baseURL: site.latchkey, ...options });
  const faults = policyFaults(context, site, otherSites);
  onTestFinished(async () => {
    await context.close();
    expect(faults).toEqual([]);
  });
  context.setDefaultTimeout(WAIT_MS);
  return context.newPage();
}

/** What pages did that they may not: blocked by their Content-Security-Policy (not the issuer's), thrown, or sent elsewhere. */
function policyFaults(
  context: BrowserContext,
  { latchkey, issuer }: Pick<Site, "latchkey" | "issuer">,
  others: string[],
): string[] {
  const faults: string[] = [];
  const origins = [latchkey, issuer, ...others];
  context.on("console", (message) => {
    const isOwn = !message.page()?.url().startsWith(`${issuer}/`);
    if (isOwn && message.text().includes("Content Security Policy")) faults.push(message.text());
  });
  context.on("weberror", (error) => faults.push(String(error.error())));
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && !origins.includes(origin)) faults.push(request.url());
  });
  return faults;
}

/** Signs in at the issuer, from a page that asks for it. */
export async function signIn(page: Page, user: string, path = "/dashboard"): Promise<void> {
  await page.goto(path);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("button", { name: user }).click();
  await page.getByRole("banner").getByText(user).waitFor();
}

const MOST_TABS = 60;

/** Goes from element to element until it stands where it should. @returns how often it went. */
export async function tabUntil(page: Page, what: string, isThere: () => Promise<boolean>): Promise<number> {
  for (let i = 1; i <= MOST_TABS; i++) {
    await page.keyboard.press("Tab");
    if (await isThere()) return i;
  }
  throw new Error(`${what} cannot be reached by keyboard`);
}

export interface NewKey {
  label: string;
  /** Descriptions, as on the page. */
  scopes?: string[];
}

/** Creates a key and stays on the page that shows it. */
export async function createKey(page: Page, { label, scopes = ["Read job listings"] }: NewKey) {
  await page.goto("/dashboard");
  await page.getByRole("link", { name: "Create key" }).click();
  await page.getByLabel("Label").fill(label);
  for (const scope of scopes) await page.getByLabel(scope).check();
  await page.getByRole("button", { name: "Create key" }).click();
  return shownKey(page);
}

/** The key that the page shows, once. */
export async function shownKey(page: Page): Promise<{ id: string; path: string; rawKey: string }> {
  await page.getByRole("heading", { name: "Copy your new key now" }).waitFor();
  const [, path = "", id = ""] = /(\/dashboard\/keys\/([^/]+))\/created$/.exec(page.url()) ?? [];
  const rawKey = (await page.locator("#raw-key").textContent()) ?? "";
  expect(rawKey).toMatch(/^lk_live_[0-9A-Za-z]{50}$/);
  return { id, path, rawKey };
}
