// JavaScript, as its packages are there only once `npm run test:browser` has installed them: after the types are checked.
import { DatabaseSync } from "node:sqlite";
import { oauthProvider } from "@better-auth/oauth-provider";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";

/**
 * better-auth with its OAuth provider plugin, and the pages that an application adds to it.
 *
 * @param {{ url: string, latchkey: string, user: string, password: string }} options
 */
export async function betterAuthIssuer({ url, latchkey, user, password }) {
  const auth = betterAuth({
    baseURL: url,
    secret: "a secret of this issuer, of 32 characters or more",
    database: new DatabaseSync(":memory:"),
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    plugins: [
      jwt(),
      oauthProvider({
        loginPage: "/sign-in",
        consentPage: "/consent",
        resources: [latchkey],
        enforcePerClientResources: false,
        scopes: ["openid", "profile", "email", "offline_access", "api-keys:read", "api-keys:write"],
        customIdTokenClaims: ({ user }) => ({ email: user.email }),
        customAccessTokenClaims: ({ user }) => ({ company_id: /@(\w+)/.exec(user?.email ?? "")?.[1] }),
      }),
    ],
  });
  await (await getMigrations(auth.options)).runMigrations();
  const signedUp = await auth.api.signUpEmail({
    body: { email: user, password, name: "Ada" },
    asResponse: true,
  });
  const { client_id, client_secret } = await auth.api.adminCreateOAuthClient({
    headers: new Headers({
      Cookie: signedUp.headers
        .getSetCookie()
        .map((line) => line.split(";")[0])
        .join("; "),
    }),
    body: {
      redirect_uris: [`${latchkey}/dashboard/callback`],
      post_logout_redirect_uris: [`${latchkey}/dashboard/sign-in`],
      application_type: "native", // a web application has https, which loopback has not
      enable_end_session: true,
    },
  });
  const answer = toNodeHandler(auth);
  /** @type {import("node:http").RequestListener} */
  const handler = (request, response) => {
    const page = PAGES[new URL(request.url ?? "", url).pathname];
    if (page === undefined) return answer(request, response);
    response.setHeader("Content-Type", "text/html").end(page);
  };
  return { handler, issuer: `${url}/api/auth`, clientId: client_id, clientSecret: client_secret ?? "" };
}

/** A form, what is sent to better-auth with its fields, and where. */
const page = (form, path, more = {}) => `<!doctype html>
<form>${form}</form>
<script>
  document.forms[0].onsubmit = async (event) => {
    event.preventDefault();
    const body = JSON.stringify({
      ...Object.fromEntries(new FormData(event.target)),
      ...${JSON.stringify(more)},
      oauth_query: location.search.slice(1),
    });
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("/api/auth${path}", { method: "POST", headers, body });
    location.href = (await answer.json()).url;
  };
</script>`;

/** @type {Record<string, string>} */
const PAGES = {
  "/sign-in": page(
    `<label>Email <input name="email"></label>
    <label>Password <input name="password" type="password"></label>
    <button>Sign in</button>`,
    "/sign-in/email",
  ),
  "/consent": page("<button>Allow</button>", "/oauth2/consent", { accept: true }),
};
