// JavaScript, as its packages are there only once `npm run test:browser` has installed them: after the types are checked.
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { oauthProvider } from "@better-auth/oauth-provider";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";

/**
 * better-auth with its OAuth provider plugin.
 *
 * @param {{ url: string, audience: string, latchkey: string, user: string, password: string }} options
 */
export async function betterAuthIssuer({ url, audience, latchkey, user, password }) {
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
        resources: [audience],
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
  const server = createServer(toNodeHandler(auth));
  return { server, issuer: `${url}/api/auth`, clientId: client_id, clientSecret: client_secret ?? "" };
}
