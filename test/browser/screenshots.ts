/** Pictures of the dashboard for docs/dashboard.md, from the real pages: `npm run screenshots`. */
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { beforeAll, test } from "vitest";
import { seedKeys } from "./seed.ts";
import { ADA, type Site, signIn, startChromium, startSite, visit } from "./support.ts";

const PICTURES = join(import.meta.dirname, "../../examples/dashboard");
const viewport = { width: 1200, height: 750 };

let site: Site;
let browser: Browser;
let ids: Awaited<ReturnType<typeof seedKeys>>;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startChromium()]);
  ids = await seedKeys(site);
});

const take = (page: Page, name: string) => page.screenshot({ path: join(PICTURES, `${name}.png`) });

test("list, key page, creation and the new key, light; the list, dark", async () => {
  const page = await visit(browser, site, { viewport, colorScheme: "light" });
  await signIn(page, ADA);
  await take(page, "list");
  await page.emulateMedia({ colorScheme: "dark" });
  await take(page, "list-dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(`/dashboard/keys/${ids.active}`);
  await take(page, "key");
  await page.goto("/dashboard/keys/new");
  await page.getByLabel("Label").fill("Careers site");
  await page.getByLabel("Read job listings").check();
  await take(page, "create");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByRole("heading", { name: "Copy your new key now" }).waitFor();
  await take(page, "reveal");
});
