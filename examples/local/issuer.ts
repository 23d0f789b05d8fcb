import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import { text } from "node:stream/consumers";
import type { JWK } from "jose";
import { errors, type InteractionResults, Provider } from "oidc-provider";
import { COMPANIES, OPERATOR } from "./local.ts";

const API_SCOPES = "api-keys:read api-keys:write";
const OPERATOR_SCOPES = "operator:read operator:write";
const TOKEN_SECONDS = 60 * 60;
const SESSION_SECONDS = 24 * 60 * 60;

/** Client id of the dashboard. */
export const DASHBOARD = "dashboard";

const USERS = [...[...COMPANIES.values()].map(({ user }) => user), OPERATOR];
const MACHINES = [...COMPANIES.values()].map(({ machine }) => machine);
const COMPANY_OF = new Map(
  [...COMPANIES].flatMap(([company, { user, machine }]) => [
    [user, company],
    [machine, company],
  ]),
);

/** What must outlive a restart for tokens and clients to stay good. */
export interface IssuerSecrets {
  signingKey: JWK;
  cookieKey: string;
  /** Client id to secret. */
  clients: Record<string, string>;
}

export interface IssuerOptions {
  port: number;
  /** Where Latchkey is, whose pages people sign in to. */
  latchkey: string;
  /** What access tokens are for, their `aud`: the API of companies, and that of whoever runs Latchkey. */
  audience: string;
  operatorAudience: string;
  secrets: IssuerSecrets;
}

export interface Issuer {
  /** The `iss` of its tokens. */
  url: string;
  server: Server;
}

export function makeSecrets(): IssuerSecrets {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    signingKey: { ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" },
    cookieKey: randomSecret(),
    clients: Object.fromEntries([...MACHINES, DASHBOARD].map((id) => [id, randomSecret()])),
  };
}

function randomSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** Starts an OAuth2 and OpenID issuer on loopback, for development and tests. Whoever asks is let in. */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { port } = options;
  const url = `http://localhost:${port}`;
  const provider = makeProvider(url, options);
  provider.use(loginPage(provider));
  const server = provider.listen(port, "localhost");
  await once(server, "listening");
  return { url, server };
}

function makeProvider(url: string, options: IssuerOptions): Provider {
  const { latchkey, audience, operatorAudience, secrets } = options;
  const pages = [`${latchkey}/dashboard`, `${latchkey}/operator/dashboard`];
  // As a URL it may have a slash at its end or none: clients send either (RFC 8707 §2).
  const spellings = (url: string) => [url, new URL(url).href];
  // The constructor warns that its store in memory is for development, which this is.
  const { warn } = console;
  console.warn = () => {};
  const provider = new Provider(url, {
    clients: [
      ...MACHINES.map((id) => ({
        client_id: id,
        client_secret: secrets.clients[id],
        grant_types: ["client_credentials"],
        response_types: [],
        redirect_uris: [],
      })),
      {
        client_id: DASHBOARD,
        client_secret: secrets.clients[DASHBOARD],
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: pages.map((page) => `${page}/callback`),
        post_logout_redirect_uris: pages.map((page) => `${page}/sign-in`),
      },
    ],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    jwks: { keys: [secrets.signingKey] },
    cookies: { keys: [secrets.cookieKey] },
    scopes: ["openid", "offline_access"],
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.type = "html";
          ctx.body = signOutHtml(form);
        },
      },
      clientCredentials: { enabled: true },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource, { clientId }) => {
          // No machine of a company is an operator.
          const isOperated = spellings(operatorAudience).includes(resource) && clientId === DASHBOARD;
          if (!isOperated && !spellings(audience).includes(resource)) throw new errors.InvalidTarget();
          return {
            scope: isOperated ? OPERATOR_SCOPES : API_SCOPES,
            audience: isOperated ? operatorAudience : audience,
            accessTokenFormat: "jwt",
            jwt: { sign: { alg: "ES256" } },
          };
        },
      },
    },
    extraTokenClaims: (_ctx, token) => {
      const subject = "accountId" in token ? token.accountId : token.clientId;
      return { company_id: COMPANY_OF.get(subject ?? "") };
    },
    findAccount: (_ctx, sub) =>
      USERS.includes(sub) ? { accountId: sub, claims: () => ({ sub, email: sub }) } : undefined,
    // Everything that somebody may is granted beforehand. Who asks for consent all the same has it at once, on the page below.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new provider.Grant({
        accountId: oidc.session?.accountId,
        clientId: oidc.client?.clientId,
      });
      grant.addOIDCScope("openid offline_access");
      const isOperator = oidc.session?.accountId === OPERATOR;
      for (const resource of spellings(audience)) grant.addResourceScope(resource, API_SCOPES);
      for (const resource of spellings(operatorAudience)) {
        if (isOperator) grant.addResourceScope(resource, OPERATOR_SCOPES);
        else grant.rejectResourceScope(resource, OPERATOR_SCOPES);
      }
      await grant.save();
      return grant;
    },
    // As strict as issuers are: a refresh token that comes twice ends all that came from the same sign-in.
    rotateRefreshToken: true,
    clientBasedCORS: () => false,
    renderError: (ctx, { error, error_description }) => {
      ctx.type = "text";
      ctx.body = `${error}: ${error_description}`;
    },
    ttl: {
      AccessToken: TOKEN_SECONDS,
      ClientCredentials: TOKEN_SECONDS,
      IdToken: TOKEN_SECONDS,
      Interaction: TOKEN_SECONDS,
      Grant: SESSION_SECONDS,
      RefreshToken: SESSION_SECONDS,
      Session: SESSION_SECONDS,
    },
  });
  console.warn = warn;
  return provider;
}

/**
 * Signs in whoever is picked: there are no passwords here. Consent is given with it; without `prompt=consent` the
 * provider has dropped `offline_access` before (OpenID Connect Core §11), and there is no refresh token.
 */
function loginPage(provider: Provider): Parameters<Provider["use"]>[0] {
  return async (ctx, next) => {
    if (!ctx.path.startsWith("/interaction/")) return next();
    const { prompt } = await provider.interactionDetails(ctx.req, ctx.res); // throws unless this browser began it
    const finish = async (result: InteractionResults) =>
      ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, { ...result, consent: {} }));
    if (prompt.name === "consent") await finish({});
    else if (ctx.method === "POST") {
      const accountId = new URLSearchParams(await text(ctx.req)).get("account") ?? "";
      if (!USERS.includes(accountId)) ctx.throw(400, "No such account");
      await finish({ login: { accountId } });
    } else {
      ctx.type = "html";
      ctx.body = LOGIN_HTML;
    }
  };
}

const page = (title: string, body: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
  body { font: 1rem system-ui; max-width: 20rem; margin: 20vh auto; padding: 0 1rem }
  button { font: inherit; width: 100%; padding: 0.75rem; margin: 0.25rem 0 }
</style>
<h1>${title}</h1>
${body}
</html>
`;

const LOGIN_HTML = page(
  "Sign in as",
  `<form method="post">
${USERS.map((user) => `  <button name="account" value="${user}">${user}</button>`).join("\n")}
</form>`,
);

/** The issuer's own form says no more than that somebody wants to sign out; its id is op.logoutForm. */
const signOutHtml = (form: string) =>
  page("Sign out?", `${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`);
