import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { type Answer, call } from "../e2e/support.ts";
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

const HOME = "/operator/dashboard";
const REVOCATION_SECONDS = 5;
const WITHIN_BOUND = { timeout: (REVOCATION_SECONDS + 1) * 1000, interval: 100 };

let site: Site;
let browser: Browser;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startChromium()]);
});

/** A call of the example API. */
function jobs(rawKey: string): Promise<Answer> {
  return call(`${site.example}/public/v1/job-listings`, { headers: { "X-API-Key": rawKey } });
}

/** Expects this of a call of the example API, within the bound. */
async function expectAnswer(rawKey: string, answer: object): Promise<void> {
  await vi.waitFor(async () => expect(await jobs(rawKey)).toMatchObject(answer), WITHIN_BOUND);
}

describe.each([
  { script: "with script", javaScriptEnabled: true, company: "acme", admin: ADA },
  { script: "without script", javaScriptEnabled: false, company: "globex", admin: GRACE },
])("$script", ({ javaScriptEnabled, company, admin }) => {
  const visitor = () => visit(browser, site, { javaScriptEnabled });

  /** Somebody of the company, with a key of it, and whoever runs the service. */
  async function both(label: string): Promise<{ admin: Page; operator: Page; id: string; rawKey: string }> {
    const theirs = await visitor();
    await signIn(theirs, admin);
    const key = await createKey(theirs, { label });
    const operator = await visitor();
    await signIn(operator, OLGA, HOME);
    return { admin: theirs, operator, ...key };
  }

  /** Saves the policy, and waits for the page that comes after. */
  async function save(page: Page): Promise<void> {
    const isPage = (url: string) => url.endsWith(`${HOME}/companies/${company}`);
    const shown = page.waitForResponse((answer) => isPage(answer.url()) && answer.status() === 200);
    await page.getByRole("button", { name: "Save" }).click();
    await shown;
    await page.waitForLoadState();
  }

  test("a company is suspended with a reason that it reads, its keys are refused, and it is resumed", async () => {
    const { admin, operator: page, rawKey } = await both("Stopped with the company");
    expect(await jobs(rawKey)).toMatchObject({ status: 200 });
    await page.getByRole("link", { name: company, exact: true }).click();
    await page.getByLabel("Reason").fill("Unpaid since May");
    await page.getByRole("button", { name: "Suspend company" }).click();
    await page.getByText("The reason it reads: Unpaid since May").waitFor();
    await expectAnswer(rawKey, { status: 403, body: { error: "KEY_SUSPENDED" } });
    await admin.goto("/dashboard");
    await admin.getByText("The reason they give: Unpaid since May").waitFor();
    await page.getByRole("button", { name: "Resume company" }).click();
    await page.getByRole("button", { name: "Suspend company" }).waitFor();
    await expectAnswer(rawKey, { status: 200 });
  });

  test("a policy is set, and the company may have no other scopes, until it is taken back", async () => {
    const { admin, operator: page } = await both("Before the policy");
    await page.goto(`${HOME}/companies/${company}`);
    await page.getByLabel("Live keys at most").fill("900");
    await page.getByLabel("Only these").check();
    await page.getByLabel("Read job listings").check();
    await page.getByLabel("Rate tier").selectOption("free");
    await save(page);
    await page.reload();
    expect(await page.getByLabel("Live keys at most").inputValue()).toBe("900");
    expect(await page.getByLabel("Rate tier").inputValue()).toBe("free");
    await admin.goto("/dashboard/keys/new");
    expect(await admin.getByRole("checkbox").count()).toBe(1);
    await page.getByLabel("Live keys at most").fill("");
    await page.getByLabel("All of the catalogue").check();
    await page.getByLabel("Rate tier").selectOption("None");
    await save(page);
    await admin.reload();
    expect(await admin.getByRole("checkbox").count()).toBeGreaterThan(1);
  });

  test("a whole key is pasted, found, suspended, resumed and revoked, and no URL holds it", async () => {
    const { operator: page, id, rawKey } = await both("Found by the operator");
    const urls: string[] = [];
    page.context().on("request", (request) => urls.push(request.url(), request.headers().referer ?? ""));
    await page.getByRole("link", { name: "Find a key" }).click();
    await page.getByRole("searchbox").fill(rawKey);
    await page.getByRole("button", { name: "Find" }).click();
    await page.waitForURL(`${site.latchkey}${HOME}/keys/${id}`);
    expect(await page.content()).not.toContain(rawKey);
    await page.getByRole("button", { name: "Suspend" }).click();
    await page.getByRole("button", { name: "Resume" }).waitFor();
    await expectAnswer(rawKey, { status: 403, body: { error: "KEY_SUSPENDED" } });
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("button", { name: "Suspend" }).waitFor();
    await expectAnswer(rawKey, { status: 200 });
    await page.getByRole("link", { name: "Revoke…" }).click();
    const place = javaScriptEnabled ? page.getByRole("dialog") : page.getByRole("main");
    await place.getByRole("button", { name: "Revoke key" }).click();
    await page.getByText("Revoked", { exact: true }).first().waitFor();
    await expectAnswer(rawKey, { status: 401, body: { error: "KEY_REVOKED" } });
    expect(urls.join()).not.toContain(rawKey);
    expect(site.running.output()).not.toContain(rawKey);
  });

  test("a key is found by what it begins with", async () => {
    const { operator: page, id, rawKey } = await both("Seen in a log");
    await page.goto(`${HOME}/keys`);
    await page.getByRole("searchbox").fill(rawKey.slice(0, "lk_live_".length + 5));
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByRole("link", { name: "Seen in a log" }).click();
    await page.waitForURL(`${site.latchkey}${HOME}/keys/${id}`);
  });

  test("all keys of a company are counted, and then revoked, but only once that is confirmed", async () => {
    const { operator: page, rawKey } = await both("Revoked with all others");
    await page.goto(`${HOME}/companies/${company}`);
    const [, count] = /(\d+) that are not revoked/.exec(await page.getByRole("main").innerText()) ?? [];
    await page.getByRole("link", { name: "Revoke all…" }).click();
    await page.getByRole("heading", { name: `Revoke all ${count} keys of ${company}?` }).waitFor();
    await page.getByRole("link", { name: "Keep them" }).click();
    await page.getByRole("heading", { name: company }).waitFor();
    expect(await jobs(rawKey)).toMatchObject({ status: 200 });
    await page.getByRole("link", { name: "Revoke all…" }).click();
    await page.getByRole("button", { name: "Revoke all" }).click();
    await page.getByText("0 that are not revoked").waitFor();
    await expectAnswer(rawKey, { status: 401, body: { error: "KEY_REVOKED" } });
  });

  test("a company's user is led to no page of the operator, and out again", async () => {
    const page = await visitor();
    await signIn(page, admin);
    await page.goto(`${HOME}/companies/${company}`);
    await page.waitForURL(/\/operator\/dashboard\/sign-in\?/);
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Missing scope: operator:read" }).waitFor();
    await page.goto("/dashboard");
    await page.getByRole("heading", { name: "API keys" }).waitFor();
  });

  test("who runs the service is led to no page of a company, sees how it is doing, and signs out", async () => {
    const page = await visitor();
    await signIn(page, OLGA, HOME);
    await page.goto("/dashboard/keys/new");
    await page.waitForURL(/\/dashboard\/sign-in\?/);
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Your account belongs to no company" }).waitFor();
    await page.goto(`${HOME}/status`);
    await page.getByText("New keys are made with it").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign out?" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/\/operator\/dashboard\/sign-in/);
    await page.goto(HOME);
    await page.getByRole("link", { name: "Sign in" }).waitFor();
  });
});
