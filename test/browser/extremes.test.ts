import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, Page, Response } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { execute, idOf, insert, keyRow } from "./seed.ts";
import { ADA, OLGA, type Site, signIn, startChromium, startSite, visit } from "./support.ts";

const KEYS = 1_000;
const KEYS_ON_A_PAGE = 25;
const MAX_PAGE_BYTES = 60_000;
const MAX_ROW_PX = 96;

/** Without a place to break, as what follows. */
const COMPANY = "W".repeat(200);
const PERSON = "w".repeat(200);
const LABELS = {
  wide: "國".repeat(100),
  latin: "W".repeat(100),
  hebrew: "מפתח של אתר הדרושים (ייצור), 2026",
  arabic: "مفتاح واجهة البرمجة ".repeat(5).trim(),
  plain: "Careers page",
};
/** By the number of a key, in turn. */
const TURN = Object.values(LABELS);
const WIDE = 0;
const HEBREW = 2;
const SCOPES = Array.from({ length: 30 }, (_, i) => `organization-integration-settings-${i}:write`);
const DESCRIPTION = `${"Verwaltungsberechtigung".repeat(4)} of what every integration of the organization may do`;
const REASON = "R".repeat(500);
const ADDRESSES = Array.from({ length: 50 }, (_, i) => `2001:db8:ffff:ffff:ffff:ffff:ffff:${1000 + i}/128`);

let site: Site;
let browser: Browser;

/** Gives ada's company a long name and the service many scopes. */
async function change(dir: string): Promise<void> {
  const companies = join(dir, "examples/local/local.ts");
  await writeFile(companies, (await readFile(companies, "utf8")).replace('["acme",', `["${COMPANY}",`));
  const scopes = SCOPES.map((scope) => `"${scope}" = "${DESCRIPTION}"\n`);
  await appendFile(join(dir, "wrangler.toml"), `\n${scopes.join("")}`);
}

/** An event of the key of a number. */
function event(number: number, action: string, detail: object | null = null): string {
  const actor = { actor_issuer: "https://issuer.example", actor_subject: PERSON };
  return insert("audit_events", {
    id: crypto.randomUUID(),
    company_id: COMPANY,
    key_id: number < 0 ? "" : idOf(number),
    action,
    ...actor,
    at: Date.now(),
    detail: detail && JSON.stringify(detail),
  });
}

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(change), startChromium()]);
  const columns = {
    allowed_ips: JSON.stringify(ADDRESSES),
    metadata: JSON.stringify({ ["n".repeat(300)]: "t".repeat(300), [LABELS.hebrew]: LABELS.arabic }),
  };
  const keys = Array.from({ length: KEYS }, (_, number) =>
    keyRow({
      number,
      company: COMPANY,
      label: TURN[number % TURN.length] ?? "",
      scopes: SCOPES,
      ...(number < TURN.length && { columns }),
    }),
  );
  const events = TURN.flatMap((label, number) => [
    event(number, "create"),
    event(number, "rename", { label, previousLabel: TURN.at(number - 1) ?? "" }),
    event(number, "update", columns),
    event(number, "revoke", { reason: "leaked", url: `https://git.example/${"x".repeat(300)}` }),
  ]);
  await execute(site, [
    ...keys,
    ...events,
    event(-1, "suspend_company", { reason: REASON }),
    insert("companies", { id: COMPANY, suspended_at: null }),
  ]);
});

const setSuspended = (at: number | null) =>
  execute(site, [`UPDATE companies SET suspended_at = ${at}, suspended_reason = '${REASON}';`]);

/** What goes wrong on a page: it scrolls to the side, text runs out of its box or is cut where nothing leads to the whole, or turns what stands beside it. */
function faultsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    const name = ({ tagName, className, textContent }: Element) =>
      `${tagName}.${className}: ${textContent?.trim().slice(0, 40)}`;
    if (document.documentElement.scrollWidth > innerWidth) faults.push("the page scrolls to the side");

    const isWhole = (element: Element) => {
      // Without how many more there are.
      const text = (element.textContent ?? "").trim().replace(/ \+\d+$/, "");
      return element.closest("a[href]") !== null || element.getAttribute("title")?.startsWith(text);
    };
    const hides = (overflow: string) => overflow === "hidden" || overflow === "clip";
    for (const element of document.querySelectorAll("body *")) {
      if (element.closest("svg, input, select, textarea, .visually-hidden, .skip")) continue;
      const { display, overflowX, overflowY } = getComputedStyle(element);
      if (display === "inline" || !element.checkVisibility()) continue;
      const { left, right } = element.getBoundingClientRect();
      const isOutside = (left < -1 || right > innerWidth + 1) && element.closest(".scroll") === null;
      const isWide = element.scrollWidth > element.clientWidth + 1;
      const isHigh = element.scrollHeight > element.clientHeight + 1;
      if (isOutside) faults.push(`is outside: ${name(element)}`);
      if (isWide && overflowX === "visible") faults.push(`runs out: ${name(element)}`);
      const isCut = (isWide && hides(overflowX)) || (isHigh && hides(overflowY));
      if (isCut && !isWhole(element)) faults.push(`is cut: ${name(element)}`);
    }

    const isRightToLeft = (text: string | null) => /[\u0590-\u08ff]/.test(text ?? "");
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      const isIsolated = text.parentElement?.closest("bdi, [dir=auto]") !== null;
      if (isRightToLeft(text.textContent) && !isIsolated) faults.push(`is not isolated: ${text.textContent}`);
    }
    for (const input of document.querySelectorAll<HTMLInputElement>("input:not([type=hidden])"))
      if (isRightToLeft(input.value) && input.dir !== "auto") faults.push(`has a direction: ${input.name}`);
    return faults;
  });
}

/** Bytes of a page and of all that it loads, each compressed. */
async function compressedBytes(page: Page, path: string): Promise<number> {
  const answers: Response[] = [];
  const keep = (answer: Response) => answers.push(answer);
  page.on("response", keep);
  await page.goto(path, { waitUntil: "networkidle" });
  page.off("response", keep);
  // What a data URL holds is in the page that has it.
  const loaded = answers.filter((answer) => !answer.url().startsWith("data:"));
  expect(loaded.map((answer) => answer.status())).toContain(200);
  const sizes = await Promise.all(loaded.map(async (answer) => gzipSync(await answer.body()).length));
  return sizes.reduce((total, size) => total + size, 0);
}

test("the sign-in page and the list of 1,000 keys take, with all that they load, at most 60 KB", async () => {
  const page = await visit(browser, site);
  expect(await compressedBytes(page, "/dashboard/sign-in")).toBeLessThanOrEqual(MAX_PAGE_BYTES);
  await signIn(page, ADA);
  expect(await compressedBytes(page, "/dashboard")).toBeLessThanOrEqual(MAX_PAGE_BYTES);
});

const widths = [
  { device: "a phone", viewport: { width: 360, height: 740 } },
  { device: "a desktop", viewport: { width: 1280, height: 800 } },
];

describe.each(widths)("on $device", ({ viewport }) => {
  /** Looks at pages, one after the other. */
  async function expectSound(page: Page, paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      expect((await page.goto(path))?.status(), path).toBe(200);
      expect.soft(await faultsOf(page), path.slice(0, 80)).toEqual([]);
    }
  }

  const first = TURN.map((_, number) => idOf(number));

  test("no page of a company breaks or hides what is long", async () => {
    await setSuspended(Date.now());
    const page = await visit(browser, site, { viewport });
    await signIn(page, ADA);
    const chosen = Array.from({ length: KEYS_ON_A_PAGE }, (_, number) => ["key", idOf(number)]);
    const filter = new URLSearchParams({ key: LABELS.hebrew, person: `by:${PERSON}` });
    await expectSound(page, [
      "/dashboard",
      `/dashboard?${new URLSearchParams({ q: LABELS.hebrew })}`,
      `/dashboard?${new URLSearchParams({ q: LABELS.wide, sort: "label" })}`,
      ...first.map((id) => `/dashboard/keys/${id}`),
      ...first.map((id) => `/dashboard/keys/${id}/revoke`),
      `/dashboard/several?${new URLSearchParams([["act", "revoke"], ...chosen])}`,
      "/dashboard/events",
      `/dashboard/events?${filter}`,
      "/dashboard/sessions",
    ]);
    await page.goto(`/dashboard/keys/${idOf(HEBREW)}`);
    await page.getByRole("link", { name: "Revoke…" }).click();
    await page.getByRole("dialog").waitFor();
    expect(await faultsOf(page)).toEqual([]);
  });

  test("the form of a key offers 30 scopes and tells what is long", async () => {
    await setSuspended(null);
    const page = await visit(browser, site, { viewport });
    await signIn(page, ADA);
    await page.goto("/dashboard/keys/new");
    expect(await page.getByRole("checkbox").count()).toBeGreaterThanOrEqual(SCOPES.length);
    await page.getByRole("button", { name: "All", exact: true }).click();
    for (const label of [LABELS.wide, LABELS.hebrew, LABELS.latin]) {
      await page.getByLabel("Label").fill(label);
      await page.getByRole("region", { name: "Summary" }).getByText(label).waitFor();
      expect(await faultsOf(page), label).toEqual([]);
    }
  });

  test("no page of the operator breaks or hides what is long", async () => {
    await setSuspended(Date.now());
    const page = await visit(browser, site, { viewport });
    const home = "/operator/dashboard";
    await signIn(page, OLGA, home);
    const company = `${home}/companies/${encodeURIComponent(COMPANY)}`;
    await expectSound(page, [
      home,
      company,
      `${company}/revoke-all`,
      `${home}/keys?prefix=lk_live_`,
      ...first.map((id) => `${home}/keys/${id}`),
      `${home}/keys/${idOf(HEBREW)}/revoke`,
      `${home}/status`,
    ]);
  });

  test("of 1,000 keys the list shows 25, in rows that stay low, and leads on and back", async () => {
    const page = await visit(browser, site, { viewport });
    await signIn(page, ADA);
    const rows = page.locator("#keys tbody tr");
    const labels = () =>
      rows.locator("th > a").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
    await page.getByRole("link", { name: "All 1,000" }).waitFor();
    const newest = await labels();
    expect(newest).toHaveLength(KEYS_ON_A_PAGE);
    if (viewport.width >= 1280) {
      const heights = await rows.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height));
      expect(Math.max(...heights)).toBeLessThanOrEqual(MAX_ROW_PX);
    }
    await page.getByRole("link", { name: "Next" }).click();
    await page.waitForURL(/after=/);
    const next = await labels();
    expect(next).toHaveLength(KEYS_ON_A_PAGE);
    expect(next.filter((one) => newest.includes(one))).toEqual([]);
    await page.getByRole("link", { name: "Previous" }).click();
    await page.waitForURL(/before=/);
    expect(await labels()).toEqual(newest);
  });

  test("a label that the list cuts is whole on the page that it leads to", async () => {
    const page = await visit(browser, site, { viewport });
    await signIn(page, ADA);
    const link = page.locator("#keys tbody th > a").nth(WIDE);
    expect(await link.evaluate((one) => one.scrollHeight > one.clientHeight)).toBe(true);
    await link.click();
    const heading = page.getByRole("heading", { level: 1 });
    expect(await heading.innerText()).toBe(LABELS.wide);
    expect(await heading.evaluate((one) => one.scrollHeight <= one.clientHeight)).toBe(true);
  });
});
