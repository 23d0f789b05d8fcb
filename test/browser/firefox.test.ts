import { beforeAll, expect, onTestFinished, test } from "vitest";
import { openFirefox } from "./firefox.js";
import { expectSound } from "./qualities.ts";
import { ADA, type Site, startSite } from "./support.ts";

const RAW_KEY = /lk_live_[0-9A-Za-z]{50}/;

let site: Site;

beforeAll(async () => {
  site = await startSite();
});

test.each([
  { name: "in the light", scheme: "light" as const, hasScript: true },
  { name: "in the dark", scheme: "dark" as const, hasScript: true },
  { name: "without script", scheme: "light" as const, hasScript: false },
])(
  "in Firefox, $name, a key is created, shown once and revoked, and every page on the way is sound",
  async ({ name, scheme, hasScript }) => {
    const page = await openFirefox(scheme, hasScript);
    onTestFinished(page.close);
    const { press, fill, shows, evaluate, resize } = page;
    const go = (path: string) => page.goto(`${site.latchkey}${path}`);
    // axe-core waits by timers, which need scripts to run: Chromium has it look at pages without.
    const schemes = hasScript ? [async () => {}] : [];
    const sound = (name: string) => expectSound({ evaluate, resize, schemes }, name);
    const label = `Firefox, ${name}`;

    await go("/dashboard/sign-in");
    expect(await evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches)).toBe(scheme === "dark");
    await sound("sign-in");
    await go("/dashboard");
    await press("main a", "Sign in");
    await press("button", ADA);
    await shows("header", ADA);
    expect(await evaluate(() => document.documentElement.matches(".script"))).toBe(hasScript);
    await sound("the list");

    await press('a[href="/dashboard/keys/new"]');
    await fill("input[name=label]", label);
    await press("label", "Read job listings");
    await sound("creating a key");
    await press("main button", "Create key");
    await shows("#raw-key");
    expect(await page.content()).toMatch(RAW_KEY);
    await sound("a new key");
    const created = page.url();
    await page.goto(created);
    await shows("h1", "The key cannot be shown again");
    expect(await page.content()).not.toMatch(RAW_KEY);

    await page.goto(created.replace(/\/created$/, ""));
    await shows("h1", label);
    await sound("a key");
    await press("main a", "Revoke…");
    const question = hasScript ? "dialog[open]" : "main";
    await shows(`${question} button`, "Revoke key");
    await sound("the question whether to revoke it");
    await press(`${question} button`, "Revoke key");
    await shows("main", "Revoked");
    await go("/dashboard/events");
    expect(await evaluate(() => document.querySelector("main")?.innerText)).toMatch(
      new RegExp(`revoked.*${label}`),
    );
    await sound("the audit log");
  },
);
