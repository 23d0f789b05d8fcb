import { beforeAll, expect, onTestFinished, test } from "vitest";
import { openFirefox } from "./firefox.js";
import { expectSound } from "./qualities.ts";
import { ADA, type Site, startSite } from "./support.ts";

const RAW_KEY = /lk_live_[0-9A-Za-z]{50}/;

let site: Site;

beforeAll(async () => {
  site = await startSite();
});

test.each(["dark" as const, "light" as const])(
  "in Firefox, %s, a key is created, shown once and revoked, and every page on the way is sound",
  async (scheme) => {
    const page = await openFirefox(scheme);
    onTestFinished(page.close);
    const { press, fill, shows, evaluate, resize } = page;
    const go = (path: string) => page.goto(`${site.latchkey}${path}`);
    const sound = (name: string) => expectSound({ evaluate, resize, schemes: [async () => {}] }, name);

    await go("/dashboard/sign-in");
    expect(await evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches)).toBe(scheme === "dark");
    await sound("sign-in");
    await go("/dashboard");
    await press("main a ::-p-text(Sign in)");
    await press(`button ::-p-text(${ADA})`);
    await shows(`header ::-p-text(${ADA})`);
    await sound("the list");

    await press('a[href="/dashboard/keys/new"]');
    await fill("input[name=label]", `Firefox, ${scheme}`);
    await press("label ::-p-text(Read job listings)");
    await sound("creating a key");
    await press("main button ::-p-text(Create key)");
    await shows("#raw-key");
    expect(await page.content()).toMatch(RAW_KEY);
    await sound("a new key");
    const created = page.url();
    await page.goto(created);
    await shows("h1 ::-p-text(The key cannot be shown again)");
    expect(await page.content()).not.toMatch(RAW_KEY);

    await page.goto(created.replace(/\/created$/, ""));
    await shows(`h1 ::-p-text(Firefox, ${scheme})`);
    await sound("a key");
    await press("main a ::-p-text(Revoke…)");
    await shows("dialog[open]");
    await sound("the dialog");
    await press("dialog[open] button ::-p-text(Revoke key)");
    await shows("main ::-p-text(Revoked)");
    await go("/dashboard/events");
    expect(await evaluate(() => document.querySelector("main")?.innerText)).toMatch(
      new RegExp(`revoked.*Firefox, ${scheme}`),
    );
    await sound("the audit log");
  },
);
