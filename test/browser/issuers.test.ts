import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createRemoteJWKSet } from "jose";
import { errors, Provider } from "oidc-provider";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSettings } from "../../src/lib/settings.ts";
import { type Login, login, type Tokens } from "../../src/oauth/login.ts";
import { clientSettings, oauthSettings } from "../../src/oauth/settings.ts";
import { tokenVerifier } from "../../src/oauth/token.ts";
import { config } from "../docs/wrangler.ts";
import { freePort } from "../e2e/support.ts";
import { betterAuthIssuer } from "./better-auth.js";
import { ADA } from "./support.ts";

const LATCHKEY = "http://localhost:8787";
const CALLBACK = `${LATCHKEY}/dashboard/callback`;
const SECRET = "a-secret-of-the-dashboard";
const PASSWORD = "a password of one person";

interface Started {
  server: Server;
  /** Its `iss`. */
  issuer: string;
  jwksUrl: string;
  clientId: string;
  clientSecret: string;
}

/** A browser as far as an issuer needs one: cookies, and redirects one by one. */
class Visitor {
  readonly #cookies = new Map<string, string>();

  async open(url: string, init: RequestInit = {}): Promise<Response> {
    const Cookie = [...this.#cookies].map((pair) => pair.join("=")).join("; ");
    const headers = { Accept: "text/html", ...init.headers, Cookie };
    const answer = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    return answer;
  }
}

interface Make {
  name: string;
  /** What its document says to set. */
  settings: object;
  start(url: string): Promise<Started>;
  /** What a person does on its pages, from the authorization request on. Gives where it sends them. */
  signIn(url: string): Promise<string>;
}

const MAKES: Make[] = [
  {
    name: "better-auth",
    settings: {},
    async start(url) {
      const options = { url, audience: LATCHKEY, latchkey: LATCHKEY, user: ADA, password: PASSWORD };
      const started = await betterAuthIssuer(options);
      return { ...started, jwksUrl: `${started.issuer}/jwks` };
    },
    async signIn(url) {
      const visitor = new Visitor();
      const begun: { url: string } = await (await visitor.open(url)).json();
      let place = begun.url;
      const { origin } = new URL(url);
      while (!place.startsWith(CALLBACK)) {
        const [path, body] = place.startsWith("/sign-in")
          ? ["/sign-in/email", { email: ADA, password: PASSWORD }]
          : ["/oauth2/consent", { accept: true }];
        const oauth_query = new URL(place, origin).search.slice(1);
        const answer = await visitor.open(`${origin}/api/auth${path}`, {
          method: "POST",
          headers: { "Content-Type": "application/json", Origin: origin },
          body: JSON.stringify({ ...body, oauth_query }),
        });
        place = (await answer.json()).url;
      }
      return place;
    },
  },
  {
    name: "oidc-provider with resource indicators",
    settings: { OAUTH_LOGIN_PARAMETERS: { prompt: "consent" } },
    async start(url) {
      return { ...oidcProvider(url), issuer: url, jwksUrl: `${url}/jwks` };
    },
    async signIn(url) {
      const visitor = new Visitor();
      let place = url;
      while (!place.startsWith(CALLBACK)) {
        let answer = await visitor.open(place);
        if (answer.status === 200) {
          const prompt = /name="prompt" value="(\w+)"/.exec(await answer.text())?.[1] ?? "";
          const body = new URLSearchParams({ prompt, login: ADA, password: PASSWORD });
          answer = await visitor.open(place, { method: "POST", body });
        }
        place = new URL(answer.headers.get("Location") ?? "", place).href;
      }
      return place;
    },
  },
];

/** With its own pages, keys and rules. */
function oidcProvider(url: string) {
  const { warn } = console;
  console.warn = () => {}; // that all of them are for development
  const provider = new Provider(url, {
    clients: [
      {
        client_id: "dashboard",
        client_secret: SECRET,
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: [CALLBACK],
      },
    ],
    features: {
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => {
          if (resource !== LATCHKEY) throw new errors.InvalidTarget();
          return { scope: "api-keys:read api-keys:write", audience: LATCHKEY, accessTokenFormat: "jwt" };
        },
      },
    },
    extraTokenClaims: (_ctx, token) => ({
      company_id: "accountId" in token ? /@(\w+)/.exec(token.accountId)?.[1] : undefined,
    }),
  });
  console.warn = warn;
  return { server: createServer(provider.callback()), clientId: "dashboard", clientSecret: SECRET };
}

describe.each(MAKES)("$name", ({ start, settings, signIn }) => {
  let dashboard: Login;
  let verify: ReturnType<typeof tokenVerifier>;

  beforeAll(async () => {
    const port = await freePort();
    const { server, issuer, jwksUrl, clientId, clientSecret } = await start(`http://localhost:${port}`);
    server.listen(port, "localhost");
    await once(server, "listening");
    afterAll(() => server.close().closeAllConnections());
    const vars = {
      ...config.vars,
      OAUTH_ISSUER: issuer,
      OAUTH_AUDIENCE: LATCHKEY,
      OAUTH_CLIENT_ID: clientId,
      OAUTH_CLIENT_SECRET: clientSecret,
      ...settings,
    };
    const known = { ...readSettings(oauthSettings, vars)(), ...readSettings(clientSettings, vars)() };
    const background = (work: Promise<unknown>) => void work.catch(() => undefined);
    dashboard = login({ ...known, clientSecret, now: () => Date.now(), background });
    verify = tokenVerifier({ ...known, keys: createRemoteJWKSet(new URL(jwksUrl)) });
  });

  async function signedIn(): Promise<Tokens> {
    const { url, pending } = await dashboard.begin(CALLBACK);
    return dashboard.complete(new URL(await signIn(url.href)), CALLBACK, pending);
  }

  test("who signs in has a name, a company and the right to manage keys", async () => {
    const tokens = await signedIn();
    expect(tokens.name).toBe(ADA);
    const scopes = expect.arrayContaining(["api-keys:read", "api-keys:write"]);
    expect(await verify(tokens.accessToken)).toMatchObject({ companyId: "acme", scopes });
  });

  test("tokens are renewed again and again", async () => {
    let { refreshToken } = await signedIn();
    for (let i = 0; i < 3; i++) {
      const fresh = await dashboard.refresh(refreshToken ?? "");
      expect(await verify(fresh.accessToken)).toMatchObject({ companyId: "acme" });
      refreshToken = fresh.refreshToken ?? refreshToken;
    }
  });

  test("who signs out is sent to the issuer, and the refresh token has ended", async () => {
    const { refreshToken, logoutHint } = await signedIn();
    expect(await dashboard.end(logoutHint, `${LATCHKEY}/dashboard/sign-in`)).toBeInstanceOf(URL);
    await dashboard.revoke(refreshToken ?? "");
    await expect(dashboard.refresh(refreshToken ?? "")).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });
});
