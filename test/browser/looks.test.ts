/**
 * How each page looks, at each width, beside the pictures that were accepted: `npm run screenshots` accepts those of
 * today, and makes the pictures of the documents from them.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, type TestContext, test } from "vitest";
import { compare, shrunk } from "./compare.js";
import { DAY_MS, execute, insert, SEEDED, seedKeys } from "./seed.ts";
import {
  ADA,
  createKey,
  GRACE,
  OLGA,
  type Site,
  signIn,
  startChromium,
  startSite,
  visit,
} from "./support.ts";

const isAccepted = process.env.SCREENSHOTS === "1";
const ACCEPTED = join(import.meta.dirname, "pictures");
/** Pictures that differ, each as it is now and with what differs marked. */
const DIFFERENCES = join(import.meta.dirname, "differences");
const OF_DOCUMENTS = join(import.meta.dirname, "../../examples/dashboard");

const WIDTHS = [360, 768, 1280, 1920];
const HEIGHT = 800;
/** By how much the pictures are smaller than the pages. */
const SHRUNK_BY = 4;
/** Those of the documents, of this width. */
const DOCUMENTED = new Set(["list", "list-dark", "key", "create", "reveal"]);
const DOCUMENTED_WIDTH = 1280;

/** Width in px of a text in the fonts of the pictures. */
const FONTS = { "16px system-ui": 414, "16px monospace": 462 };
const OTHER_FONTS =
  "The pictures are of Debian's Chromium with its fonts-dejavu-core: compare and accept them there, as CI does (.ci/run).";

let site: Site;
let browser: Browser;
let isComparable = false;
let ids: Awaited<ReturnType<typeof seedKeys>>;

beforeAll(async () => {
  const fonts = { FONTCONFIG_FILE: join(import.meta.dirname, "fonts.conf") };
  [site, browser] = await Promise.all([startSite(), startChromium(fonts)]);
  ids = await seedKeys(site);
  await execute(site, [
    // In whose order keys are found.
    "UPDATE api_keys SET key_prefix = 'lk_live_' || substr('MLKHuK7rfpbxZlCkhYwtwv9nmtmbwakAmaR', 1 + 5 * (SELECT count(*) FROM api_keys AS older WHERE older.created_at < api_keys.created_at), 5);",
    insert("companies", { id: "initech", suspended_at: Date.now() - DAY_MS, suspended_reason: "Unpaid" }),
  ]);
  isComparable = await areFontsTheirs();
  if (!isComparable && (isAccepted || process.env.CI)) throw new Error(OTHER_FONTS);
  if (!isComparable) console.warn(OTHER_FONTS);
  await rm(DIFFERENCES, { recursive: true, force: true });
  if (isAccepted) await rm(ACCEPTED, { recursive: true, force: true });
  await mkdir(ACCEPTED, { recursive: true });
});

/** Whether text has the width that it has in the fonts of the pictures. */
async function areFontsTheirs(): Promise<boolean> {
  const page = await browser.newPage();
  const widths = await page.evaluate((fonts) => {
    const context = document.createElement("canvas").getContext("2d");
    return fonts.map((font) => {
      if (context !== null) context.font = font;
      return Math.round(context?.measureText("Jackdaws love my big sphinx of quartz 0123456789").width ?? 0);
    });
  }, Object.keys(FONTS));
  await page.close();
  return JSON.stringify(widths) === JSON.stringify(Object.values(FONTS));
}

function visitor(context: TestContext): Promise<Page> {
  context.skip(!isComparable, OTHER_FONTS);
  return visit(browser, site, {
    timezoneId: "UTC",
    locale: "en-GB",
    userAgent:
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
  });
}

interface Look {
  schemes?: readonly ("light" | "dark")[];
  /** Elements whose text is another each time. */
  changing?: string;
}

/** Takes pictures of a page that is shown, at all widths, and compares them with those that were accepted. */
async function look(page: Page, name: string, { schemes = ["light"], changing = "" }: Look = {}) {
  await settle(page, changing);
  for (const scheme of schemes) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    const shown = scheme === "dark" ? `${name}-dark` : name;
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHT });
      const picture = await page.screenshot({ fullPage: true, animations: "disabled" });
      await check(`${shown}-${width}`, shrunk(picture, SHRUNK_BY));
      if (isAccepted && width === DOCUMENTED_WIDTH && DOCUMENTED.has(shown))
        await page.screenshot({ path: join(OF_DOCUMENTS, `${shown}.png`), animations: "disabled" });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
}

async function check(name: string, picture: Buffer): Promise<void> {
  const path = join(ACCEPTED, `${name}.png`);
  if (isAccepted) return writeFile(path, picture);
  const before = await readFile(path).catch(() => undefined);
  const difference = before && compare(before, picture);
  if (difference?.pixels !== 0) {
    await mkdir(DIFFERENCES, { recursive: true });
    await writeFile(join(DIFFERENCES, `${name}.png`), picture);
    if (difference) await writeFile(join(DIFFERENCES, `${name}-where.png`), difference.picture);
  }
  const what = `${name} looks otherwise than when it was accepted: see ${DIFFERENCES}. If it is meant, npm run screenshots accepts it`;
  expect.soft(difference?.pixels, what).toBe(0);
}

/** Puts what is always the same in place of what is not: ids, keys, ports, and times, as they would be on one day of June. */
function settle(page: Page, changing: string): Promise<void> {
  return page.evaluate((changing) => {
    const DAY_MS = 86_400_000;
    const now = Date.now();
    const today = Math.floor(now / DAY_MS) * DAY_MS;
    const june = Date.UTC(2026, 5, 15);
    const daysTo = (text: string) => Math.round((Date.parse(`${text} UTC`) - today) / DAY_MS);
    const day = (days: number, format: Intl.DateTimeFormatOptions) =>
      new Intl.DateTimeFormat("en-GB", { day: "numeric", timeZone: "UTC", ...format }).format(
        june + days * DAY_MS,
      );
    const settled = (text: string, at: string | undefined) =>
      text
        .replace(/\d{1,2} [A-Z][a-z]{2,8} \d{4}( at )?/g, (date, isLong) => {
          const days =
            at === undefined ? daysTo(date.replace(" at ", "")) : Math.round((Date.parse(at) - now) / DAY_MS);
          return day(days, { month: isLong ? "long" : "short", year: "numeric" }) + (isLong ?? "");
        })
        .replace(/^\d{1,2} [A-Z][a-z]{2,3}(?=$|:)/, (date) => {
          const year = new Date(now).getUTCFullYear();
          const days =
            [year, year - 1].map((year) => daysTo(`${date} ${year}`)).find((days) => days <= 0) ?? 0;
          return day(days, { month: "short" });
        })
        .replace(/, \d\d:\d\d$/, ", 12:00")
        .replace(/(\d+ (second|minute)s? ago|just now)/, "3 minutes ago")
        .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/, "6001d30f-4ca8-4278-ba11-8964895e31cf")
        .replace(/lk_live_\w{50}/g, `lk_live_${"4fJ9xQ2mLk".repeat(5)}`)
        .replace(/localhost:\d+/g, "localhost:8787");
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      const parent = text.parentElement;
      if (parent === null || parent.matches("script, style")) continue;
      const time = parent.closest("time")?.dateTime;
      text.textContent = settled(text.textContent ?? "", time);
    }
    if (changing !== "") for (const element of document.querySelectorAll(changing)) element.textContent = "–";
    for (const input of document.querySelectorAll<HTMLInputElement>("[type=date]"))
      if (input.value !== "")
        input.value = new Date(june + daysTo(input.value) * DAY_MS).toISOString().slice(0, 10);
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  }, changing);
}

const BOTH = { schemes: ["light", "dark"] } as const;

test("pages for whoever is not signed in look as they did", async (context) => {
  const page = await visitor(context);
  for (const [name, path] of [
    ["front", "/"],
    ["sign-in", "/dashboard/sign-in"],
    ["sign-in-ended", "/dashboard/sign-in?ended=1"],
    ["operator-sign-in", "/operator/dashboard/sign-in"],
  ] as const) {
    await page.goto(path);
    await look(page, name);
  }
});

test("the pages of a company look as they did", async (context) => {
  const page = await visitor(context);
  await signIn(page, ADA);
  await look(page, "list", BOTH);
  const pages = {
    none: "?q=nothing+like+this",
    key: `/keys/${ids.active}`,
    overlap: `/keys/${ids.overlap}`,
    revoked: `/keys/${ids.revoked}`,
    revoke: `/keys/${ids.active}/revoke`,
    several: `/several?act=revoke&key=${ids.active}&key=${ids.unused}`,
    events: "/events",
    sessions: "/sessions",
    missing: "/nothing",
  };
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(`/dashboard${path}`);
    await look(page, name, name === "key" ? BOTH : {});
  }
  await page.goto("/dashboard");
  await page.getByRole("checkbox", { name: `Select ${SEEDED.unused}` }).check();
  await look(page, "list-chosen");
  await page.goto("/dashboard/keys/new");
  await page.getByLabel("Label").fill("Careers site");
  await page.getByLabel("Read job listings").check();
  await look(page, "create", BOTH);
  await page.goto("/dashboard/keys/new");
  await page.getByLabel("Label").fill(" ");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByText("must not be blank").waitFor();
  await look(page, "create-faults");
});

test("the page of a company without keys looks as it did", async (context) => {
  const page = await visitor(context);
  await signIn(page, GRACE);
  await look(page, "list-empty");
});

test("the pages of the operator look as they did", async (context) => {
  const page = await visitor(context);
  const home = "/operator/dashboard";
  await signIn(page, OLGA, home);
  const pages = {
    companies: "",
    company: "/companies/acme",
    suspended: "/companies/initech",
    "revoke-all": "/companies/acme/revoke-all",
    find: "/keys?prefix=lk_live_",
    key: `/keys/${ids.active}`,
    status: "/status",
  };
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(home + path);
    await look(page, `operator-${name}`, name === "status" ? { changing: "td, th small" } : {});
  }
});

test("the page of a new key looks as it did", async (context) => {
  const page = await visitor(context);
  await signIn(page, ADA);
  await createKey(page, { label: "Careers site" });
  await look(page, "reveal");
});
