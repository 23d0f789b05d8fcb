import type { RequestListener } from "node:http";
import { type Configuration, errors, Provider } from "oidc-provider";
import type { Page } from "playwright-core";
import { betterAuthIssuer } from "./better-auth.js";
import { startGlewlwyd } from "./glewlwyd.ts";
import { ADA } from "./support.ts";

const PASSWORD = "a password of one person";
const SECRET = "a-secret-of-the-dashboard";

export interface Client {
  clientId: string;
  clientSecret: string;
}

export interface Started extends Client {
  /** Its `iss`. */
  issuer: string;
  handler: RequestListener;
  /** Where its clock is not that of this process. */
  putForward?(ms: number): Promise<void>;
}

/** Software that people run as their issuer. */
export interface Make {
  name: string;
  /** What its document says to set. */
  settings: object;
  /** Whether a refresh token is taken again where the answer to the first time was lost. */
  takesAgain: boolean;
  /** Whether signing out ends the session at the issuer too. */
  asksAgain: boolean;
  /** @param url - Where it is reached. */
  start(url: string, latchkey: string): Promise<Started>;
  /** What a person does on its pages to sign in, and to sign out. */
  signIn(page: Page): Promise<void>;
  signOut(page: Page): Promise<void>;
  /** And where it does not let pass at once who is still signed in there. */
  comeBack?(page: Page): Promise<void>;
}

const betterAuth: Make = {
  name: "better-auth",
  settings: {},
  takesAgain: false,
  asksAgain: true,
  start: (url, latchkey) => betterAuthIssuer({ url, latchkey, user: ADA, password: PASSWORD }),
  async signIn(page) {
    await page.getByLabel("Email").fill(ADA);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    // Who has allowed it once is not asked again.
    const allow = page.getByRole("button", { name: "Allow" });
    await allow.or(page.getByRole("banner")).waitFor();
    if (await allow.isVisible()) await allow.click();
  },
  async signOut(page) {
    // The policy of that page lets its own form lead nowhere else.
    const stays = page.waitForEvent("console", (message) => message.text().includes("form-action 'self'"));
    await page.getByRole("button", { name: "Confirm logout" }).click();
    await stays;
    await page.goto("/dashboard/sign-in");
  },
};

export const oidcProvider: Make = {
  name: "oidc-provider with resource indicators",
  settings: { OAUTH_LOGIN_PARAMETERS: { prompt: "consent" } },
  takesAgain: true,
  asksAgain: true,
  async start(url, latchkey) {
    const getResourceServerInfo = (_: unknown, resource: string) => {
      if (resource !== latchkey) throw new errors.InvalidTarget();
      const scope = "api-keys:read api-keys:write";
      return { scope, audience: latchkey, accessTokenFormat: "jwt" as const };
    };
    return startProvider(url, latchkey, {
      features: {
        revocation: { enabled: true },
        resourceIndicators: { enabled: true, getResourceServerInfo },
      },
      extraTokenClaims: (_ctx, token) => ({ company_id: "accountId" in token ? "acme" : undefined }),
      claims: { email: ["email"] },
      conformIdTokenClaims: false,
      findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, email: `${sub}@acme.example` }) }),
    });
  },
  signIn: signInAtProvider,
  signOut: (page) => page.getByRole("button", { name: "Yes, sign me out" }).click(),
  comeBack: consent,
};

/** It knows no API, so that its access tokens are opaque. */
export const oidcProviderAsIs: Make = {
  ...oidcProvider,
  name: "oidc-provider in its default configuration",
  start: async (url, latchkey) => startProvider(url, latchkey, {}),
};

const glewlwyd: Make = {
  name: "Glewlwyd",
  settings: { OAUTH_CLIENT_AUTH: "post" },
  takesAgain: false,
  asksAgain: false,
  start(url, latchkey) {
    const user = { username: "ada", email: ADA, company: "acme", password: PASSWORD };
    return startGlewlwyd({ url, latchkey, user, client: { clientId: "dashboard", clientSecret: SECRET } });
  },
  async signIn(page) {
    await page.locator("#username").fill("ada");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "OK" }).click();
    await page.getByText("What do you wish for?").waitFor();
    await page.getByRole("button", { name: "Continue" }).click();
  },
  comeBack: consent,
  async signOut(page) {
    // Without the ID token it shows an empty page.
    await page.waitForURL("**/end_session?**");
    await page.goto("/dashboard/sign-in");
  },
};

export const MAKES = [betterAuth, oidcProvider, glewlwyd];

/** oidc-provider with its own pages, keys and rules, and what is in `own`. */
function startProvider(url: string, latchkey: string, own: Configuration): Started {
  const { warn } = console;
  console.warn = () => {}; // that all of them are for development
  const provider = new Provider(url, {
    clients: [
      {
        client_id: "dashboard",
        client_secret: SECRET,
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: [`${latchkey}/dashboard/callback`],
        post_logout_redirect_uris: [`${latchkey}/dashboard/sign-in`],
      },
    ],
    ...own,
  });
  console.warn = warn;
  return { handler: provider.callback(), issuer: url, clientId: "dashboard", clientSecret: SECRET };
}

async function signInAtProvider(page: Page): Promise<void> {
  await page.getByPlaceholder("Enter any login").fill("ada");
  await page.getByPlaceholder("and password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign-in" }).click();
  await consent(page);
}

function consent(page: Page): Promise<void> {
  return page.getByRole("button", { name: "Continue" }).click();
}
