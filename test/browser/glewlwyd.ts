import { generateKeyPairSync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { type RequestListener, request as send } from "node:http";
import { extname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { freePort, start, temporaryDirectory } from "../e2e/support.ts";

const SCHEMA = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3";
const FILES = "/usr/share/glewlwyd";
const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".css": "text/css",
  ".js": "text/javascript",
  ".json": "application/json",
};
const HOUR_SECONDS = 3_600;
const SCOPES = ["api-keys:read", "api-keys:write"];
const ADMIN = { username: "admin", password: "password" }; // as its schema has it

export interface GlewlwydOptions {
  /** Where it is reached. */
  url: string;
  latchkey: string;
  client: { clientId: string; clientSecret: string };
  user: { username: string; email: string; company: string; password: string };
}

/** Glewlwyd as Debian has it, over SQLite, until the test file ends. */
export async function startGlewlwyd(options: GlewlwydOptions) {
  const port = await freePort();
  await startServer(port, options.url);
  const ask = api(`http://127.0.0.1:${port}/api`);
  await ask("POST", "/auth/", ADMIN);
  await addCompanies(ask);
  for (const name of SCOPES) {
    const text = { name, display_name: name, description: name };
    await ask("POST", "/scope", { ...text, password_required: false, scheme: {} });
  }
  const { user, client, latchkey } = options;
  const scope = ["openid", ...SCOPES];
  await ask("POST", "/user?source=database", { ...user, enabled: true, scope });
  await ask("POST", "/client?source=database", {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    confidential: true,
    enabled: true,
    authorization_type: ["code", "refresh_token", "client_credentials"],
    token_endpoint_auth_method: ["client_secret_post", "client_secret_basic"],
    redirect_uri: [`${latchkey}/dashboard/callback`],
    post_logout_redirect_uri: `${latchkey}/dashboard/sign-in`,
    scope: SCOPES,
  });
  const parameters = pluginParameters(options);
  await ask("POST", "/mod/plugin", {
    module: "oidc",
    name: "oidc",
    display_name: "",
    enabled: true,
    parameters,
  });
  // Its page offers the way on before it has looked what is granted: whoever is fast comes back without a scope.
  const askAsUser = api(`http://127.0.0.1:${port}/api`);
  await askAsUser("POST", "/auth/", { username: user.username, password: user.password });
  await askAsUser("PUT", `/auth/grant/${client.clientId}`, { scope: scope.join(" ") });

  return {
    issuer: parameters.iss,
    handler: handler(port),
    ...client,
    /** Its clock is its own: tokens last longer from now on. */
    async putForward(ms: number): Promise<void> {
      await ask("POST", "/auth/", ADMIN);
      parameters["access-token-duration"] += ms / 1_000;
      await ask("PUT", "/mod/plugin/oidc", { module: "oidc", display_name: "", parameters });
      await ask("PUT", "/mod/plugin/oidc/reset");
    },
  };
}

async function startServer(port: number, url: string): Promise<void> {
  const dir = await temporaryDirectory();
  const database = join(dir, "glewlwyd.db");
  const tables = new DatabaseSync(database);
  tables.exec(await readFile(SCHEMA, "utf8"));
  tables.close();
  const config = join(dir, "glewlwyd.conf");
  await writeFile(
    config,
    `port = ${port}
bind_address = "127.0.0.1"
external_url = "${url}"
login_url = "login.html"
log_mode = "console"
log_level = "INFO"
cookie_secure = false
user_module_path = "/usr/lib/glewlwyd/user"
client_module_path = "/usr/lib/glewlwyd/client"
user_auth_scheme_module_path = "/usr/lib/glewlwyd/scheme"
plugin_module_path = "/usr/lib/glewlwyd/plugin"
hash_algorithm = "SHA512"
use_secure_connection = false
secure_connection_key_file = ""
secure_connection_pem_file = ""
secure_connection_ca_file = ""
database = { type = "sqlite3"; path = "${database}" }
`,
  );
  await start(dir, "glewlwyd", "--config-file", config).says(/Glewlwyd started on port/);
}

type Ask = (method: string, path: string, body?: object) => Promise<Response>;

/** Its own API, by a session of the administrator. */
function api(base: string): Ask {
  let Cookie = "";
  return async function ask(method, path, body) {
    const headers = { Cookie, ...(body && { "Content-Type": "application/json" }) };
    const answer = await fetch(base + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    Cookie = answer.headers.getSetCookie()[0]?.split(";")[0] ?? Cookie;
    return answer;
  };
}

/** Its users have a company. */
async function addCompanies(ask: Ask): Promise<void> {
  const users = await (await ask("GET", "/mod/user/database")).json();
  users.parameters["data-format"].company = { multiple: false, read: true, write: true };
  await ask("PUT", "/mod/user/database", users);
  await ask("PUT", "/mod/user/database/reset");
}

function pluginParameters({ url, latchkey }: GlewlwydOptions) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...privateKey.export({ format: "jwk" }), kid: "1", alg: "ES256" };
  return {
    iss: `${url}/api/oidc`,
    "jwks-private": JSON.stringify({ keys: [jwk] }),
    "jwks-show": true,
    "jwt-type": "ecdsa",
    "jwt-key-size": "256",
    "subject-type": "public",
    "access-token-duration": HOUR_SECONDS,
    "refresh-token-duration": 24 * HOUR_SECONDS,
    "refresh-token-rolling": true,
    "refresh-token-one-use": "always",
    "code-duration": 600,
    "allow-non-oidc": true,
    "auth-type-code-enabled": true,
    "auth-type-refresh-enabled": true,
    "auth-type-client-enabled": true,
    "auth-type-token-enabled": false,
    "auth-type-implicit-enabled": false,
    "auth-type-password-enabled": false,
    "auth-type-device-enabled": false,
    "pkce-allowed": true,
    "introspection-revocation-allowed": true,
    "introspection-revocation-allow-target-client": true,
    "session-management-allowed": true,
    "session-cookie-name": "GLEWLWYD2_OIDC_SID",
    "session-cookie-expiration": 24 * HOUR_SECONDS,
    "resource-allowed": true,
    "resource-scope": Object.fromEntries(SCOPES.map((scope) => [scope, [latchkey]])),
    "additional-parameters": [{ "user-parameter": "company", "token-parameter": "company_id" }],
    "email-claim": "mandatory",
    "name-claim": "no",
    "scope-claim": "no",
  };
}

/** What its documents leave to a web server in front of it: the files of its pages. */
function handler(port: number): RequestListener {
  return async function handler(request, response) {
    const { pathname } = new URL(request.url ?? "", "http://issuer.example");
    if (/^\/(api|config)(\/|$)/.test(pathname)) {
      const { url: path, method, headers } = request;
      const forwarded = send({ host: "127.0.0.1", port, path, method, headers }, (answer) => {
        answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers));
      });
      request.pipe(forwarded.on("error", () => response.destroy()));
      return;
    }
    const file = pathname === "/config.json" ? "templates/config.json" : `webapp${pathname}`;
    const content = await readFile(join(FILES, file)).catch(() => undefined);
    if (content === undefined) response.statusCode = 404;
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream").end(content);
  };
}
