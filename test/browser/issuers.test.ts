import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createTestHarness, experimental_readRawConfig } from "wrangler";
import { call, freePort } from "../e2e/support.ts";
import { putForward } from "../support/clock.ts";
import { type Fault, front } from "./front.ts";
import { MAKES, type Make, oidcProvider, oidcProviderAsIs, type Started } from "./makes.ts";
import { ADA, createKey, startChromium, visit } from "./support.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Longer than access tokens last, by default, at each of them. */
const LONG_MS = 61 * 60_000;
/** What pages of oidc-provider load. */
const FONTS = "https://fonts.googleapis.com";

const config = experimental_readRawConfig({ config: join(ROOT, "wrangler.toml") }).rawConfig;
const server = createTestHarness({ root: ROOT, workers: [worker({})] });

let browser: Browser;
let latchkey: string;

beforeAll(async () => {
  browser = await startChromium();
  latchkey = (await server.listen()).url.origin;
  await server.getWorker().applyD1Migrations("DB");
});
afterAll(() => server.close());

function worker(vars: object) {
  const { secrets: _, ...rest } = config;
  const KEY_PEPPERS = JSON.stringify({ a: "a pepper for these tests, which is of no value elsewhere" });
  return {
    config: { ...rest, main: "test/e2e/clock.ts", vars: { ...config.vars, ...vars, KEY_PEPPERS } },
  };
}

let forwardMs = 0;

/** For issuers and for Latchkey alike. */
async function later(ms: number, issuer?: Pick<Started, "putForward">): Promise<void> {
  putForward(ms);
  forwardMs += ms;
  await putLatchkeyForward(ms);
  await issuer?.putForward?.(ms);
}

const putLatchkeyForward = (ms: number) => call(`${latchkey}/test/clock`, { method: "PUT", body: `${ms}` });

/** An issuer of this make until `atEnd`, and Latchkey with what it says to set. */
async function startSite(
  { start, settings }: Pick<Make, "start" | "settings">,
  atEnd: (end: () => void) => void = afterAll,
) {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const { handler, ...client } = await start(issuer, latchkey);
  await client.putForward?.(forwardMs);
  const entry = front(handler);
  const issuerServer = createServer(entry.handler).listen(port, "localhost");
  atEnd(() => issuerServer.close().closeAllConnections());
  await once(issuerServer, "listening");
  const vars = {
    OAUTH_ISSUER: client.issuer,
    OAUTH_AUDIENCE: latchkey,
    OAUTH_CLIENT_ID: client.clientId,
    OAUTH_CLIENT_SECRET: client.clientSecret,
    ...settings,
  };
  await server.update({ root: ROOT, workers: [worker(vars)] });
  await putLatchkeyForward(forwardMs);
  return { issuer, latchkey, client, front: entry };
}

type Site = Awaited<ReturnType<typeof startSite>>;

describe.each(MAKES)("$name", ({ settings, takesAgain, asksAgain, start, signIn, signOut, comeBack }) => {
  let site: Site;

  beforeAll(async () => {
    site = await startSite({ start, settings });
  });

  /** On the way to sign in from a page of the dashboard, up to the issuer's own. */
  async function atIssuer(page: Page): Promise<void> {
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.waitForURL(`${site.issuer}/**`);
  }

  /** The issuer asks nothing of who is still signed in there. */
  async function againSignedIn(page: Page): Promise<void> {
    await page.getByRole("link", { name: "Sign in" }).click();
    await comeBack?.(page);
  }

  /** In a browser of its own; this happens to the answer of the issuer's token endpoint. */
  async function asked(fault: Fault = "none"): Promise<Page> {
    const page = await visit(browser, site, {}, [FONTS]);
    await page.goto("/dashboard");
    await atIssuer(page);
    site.front.fault = fault;
    await signIn(page);
    return page;
  }

  async function signedIn(fault?: Fault): Promise<Page> {
    const page = await asked(fault);
    await page.getByRole("banner").getByText(ADA).waitFor();
    return page;
  }

  test("who signs in has a name and can make keys, here and with the token", async () => {
    const page = await signedIn();
    const { id } = await createKey(page, { label: "Careers page" });
    const { access_token: token } = JSON.parse(site.front.answers.at(-1) ?? "");
    const headers = { Authorization: `Bearer ${token}` };
    expect(await call(`${latchkey}/settings/api-keys/${id}`, { headers })).toMatchObject({ status: 200 });
  });

  test("a sign-in whose answer is late is good; one whose answer was lost is told, and can be begun again", async () => {
    await signedIn("late");
    const lost = await asked("lost");
    await lost.getByRole("heading", { name: "Temporarily unavailable" }).waitFor();
    site.front.fault = "none";
    await lost.goto("/dashboard");
    await againSignedIn(lost);
    await lost.getByRole("banner").getByText(ADA).waitFor();
  });

  test("tabs whose token has ended renew it once, with an answer that is late, and no form is lost", async () => {
    const page = await signedIn();
    const form = await page.context().newPage();
    for (let i = 0; i < 2; i++) {
      await form.goto("/dashboard/keys/new");
      await form.getByLabel("Label").fill("Kept");
      await form.getByLabel("Read job listings").check();
      await later(LONG_MS, site.client);
      const { length } = site.front.answers;
      site.front.fault = "late";
      await Promise.all([page.reload(), form.getByRole("button", { name: "Create key" }).click()]);
      await form.getByRole("heading", { name: "Copy your new key now" }).waitFor();
      await page.getByRole("banner").getByText(ADA).waitFor();
      expect(site.front.answers).toHaveLength(length + 1);
    }
    site.front.fault = "none";
  });

  test("a renewal whose answer was lost is told, and the next one is good", async () => {
    const page = await signedIn();
    await later(LONG_MS, site.client);
    site.front.fault = "lost";
    await page.goto("/dashboard/events");
    await page.getByRole("heading", { name: "Temporarily unavailable" }).waitFor();
    site.front.fault = "none";
    await page.reload();
    if (!takesAgain) await page.getByText("Your session has ended").waitFor();
    if (!takesAgain) await againSignedIn(page);
    await page.getByRole("heading", { name: "Audit log" }).waitFor();
  });

  test("who signs out is asked again by issuers that let it, and the refresh token has ended", async () => {
    const page = await signedIn();
    await page.getByRole("button", { name: "Sign out" }).click();
    await signOut(page);
    await page.waitForURL(`${latchkey}/dashboard/sign-in`);
    await expect.poll(() => site.front.asked.find((path) => path.includes("revo"))).toBeDefined();
    const { refresh_token } = JSON.parse(site.front.answers.at(-1) ?? "");
    expect(await refreshed(site, refresh_token)).toMatchObject({ status: 400 });
    if (asksAgain) await atIssuer(page).then(() => signIn(page));
    else await againSignedIn(page);
    await page.getByRole("banner").getByText(ADA).waitFor();
  });
});

describe("oidc-provider", () => {
  /** The first page of the dashboard after a sign-in at `make`, with these parameters. */
  async function pageAfter(make: Make, OAUTH_LOGIN_PARAMETERS: Record<string, string>) {
    const site = await startSite({ ...make, settings: { OAUTH_LOGIN_PARAMETERS } }, onTestFinished);
    server.clearLogs();
    const page = await visit(browser, site, {}, [FONTS]);
    await page.goto("/dashboard");
    await page.getByRole("link", { name: "Sign in" }).click();
    return { page, log: () => JSON.stringify(server.getLogs()) };
  }

  test("in its default configuration knows no API: the sign-in is refused, and the log says why", async () => {
    const { page, log } = await pageAfter(oidcProviderAsIs, { prompt: "consent" });
    await page.getByText("The issuer did not sign you in").waitFor();
    expect(log()).toContain("invalid_target");
  });

  test("gives opaque tokens where it is asked for none of an API, and the log says so", async () => {
    const { page, log } = await pageAfter(oidcProviderAsIs, { prompt: "consent", resource: "" });
    await oidcProviderAsIs.signIn(page);
    await page.getByText("The issuer’s access token is not accepted here").waitFor();
    expect(log()).toContain("not a signed JWT: opaque");
  });

  test("gives no refresh token without prompt=consent: an hour later people sign in again", async () => {
    const { page } = await pageAfter(oidcProvider, {});
    await oidcProvider.signIn(page);
    await page.getByRole("banner").getByText(ADA).waitFor();
    await later(LONG_MS);
    await page.reload();
    await page.getByText("Your session has ended").waitFor();
  });
});

/** What the issuer answers to its client, with a refresh token. */
async function refreshed({ client }: Site, refresh_token: string) {
  const metadata = await call(`${client.issuer}/.well-known/openid-configuration`);
  const { token_endpoint } = metadata.body as { token_endpoint: string };
  return call(token_endpoint, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}` },
    body: new URLSearchParams({ grant_type: "refresh_token", refresh_token }),
  });
}
