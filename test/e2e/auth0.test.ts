import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blocksOf } from "../docs/markdown.ts";
import { bash, type CreatedKey, call, copyProject, freePort, start } from "./support.ts";

const CLIENT = { CLIENT_ID: "awZfdIir8YFdGZWkvCejDoUb7SjTDicx", CLIENT_SECRET: "a-secret_of-the-client" };
const AUDIENCE = "https://latchkey.example/api";
const ORGANIZATION = "org_9ybsU1dN2dKfDkBi";

/** The address of a server that does for machines what Auth0 documents: there is none to be had that runs by itself. */
async function startAuth0(): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const jwk = {
    ...(await exportJWK(publicKey)),
    kid: "NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ",
    alg: "RS256",
    use: "sig",
  };
  const server = createServer(async (request, response) => {
    const answer = await answerTo(request);
    response.writeHead(answer.status ?? 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify(answer.body));
  }).listen(0, "127.0.0.1");
  afterAll(() => server.close().closeAllConnections());
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const issuer = `http://127.0.0.1:${port}/`;

  async function answerTo(request: IncomingMessage): Promise<{ status?: number; body: object }> {
    if (request.url === "/.well-known/openid-configuration") {
      return {
        body: { issuer, jwks_uri: `${issuer}.well-known/jwks.json`, token_endpoint: `${issuer}oauth/token` },
      };
    }
    if (request.url === "/.well-known/jwks.json") return { body: { keys: [jwk] } };
    if (request.url !== "/oauth/token" || request.method !== "POST") return { status: 404, body: {} };
    const asked = Object.fromEntries(new URLSearchParams(await text(request)));
    const { grant_type, client_id = "", client_secret, audience, organization } = asked;
    if (client_id !== CLIENT.CLIENT_ID || client_secret !== CLIENT.CLIENT_SECRET) {
      return { status: 401, body: { error: "access_denied", error_description: "Unauthorized" } };
    }
    const known = grant_type === "client_credentials" && audience === AUDIENCE;
    if (!known || (organization !== undefined && organization !== ORGANIZATION)) {
      return { status: 403, body: { error: "access_denied", error_description: "Not allowed" } };
    }
    const scope = "api-keys:read api-keys:write";
    const claims = { azp: client_id, gty: "client-credentials", scope };
    const token = new SignJWT({ ...claims, ...(organization !== undefined && { org_id: organization }) })
      .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: jwk.kid })
      .setIssuer(issuer)
      .setSubject(`${client_id}@clients`)
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime("24 hours");
    return {
      body: { access_token: await token.sign(privateKey), scope, expires_in: 86_400, token_type: "Bearer" },
    };
  }
  return issuer;
}

let dir: string;
let port: number;
let values: string;
let useLatchkey: string;

beforeAll(async () => {
  const [issuer, project] = await Promise.all([startAuth0(), copyProject()]);
  [dir, port] = [project, await freePort()];
  const page = await readFile(join(dir, "docs/issuers/auth0.md"), "utf8");
  const [placeholders = "", startLatchkey = "", use = ""] = blocksOf(page, "sh");
  const own: Record<string, string> = { ISSUER: issuer, AUDIENCE, ...CLIENT, ORGANIZATION };
  values = placeholders.replace(/\b([A-Z_]+)=\S+/g, (_, name: string) => `${name}=${own[name]}`);
  useLatchkey = use.replaceAll(":8787", `:${port}`);
  const started = startLatchkey.replace("wrangler dev", `wrangler dev --port ${port} --inspector-port 0`);
  await start(dir, "bash", "-c", `set -e\n${values}\n${started}`).says(/Ready on/);
});

test("the page's way from Auth0 to a first key, word for word, makes a key of the organization", async () => {
  const { code, stdout, stderr } = await bash(dir, `set -e\n${values}\n${useLatchkey}`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const created: CreatedKey = JSON.parse(stdout);
  expect(created).toMatchObject({ label: "My first key", scopes: ["jobs:read"], active: true });
  const self = await call(`http://localhost:${port}/public/v1/key`, {
    headers: { "X-API-Key": created.rawKey },
  });
  expect(self).toMatchObject({ status: 200, body: { id: created.id, companyId: ORGANIZATION } });
});

test("a token without an organization names no company, as the page says", async () => {
  const without = useLatchkey.replace(" -d organization=$ORGANIZATION", "");
  expect(without).not.toBe(useLatchkey);
  const { stdout } = await bash(dir, `${values}\n${without}`);
  expect(JSON.parse(stdout)).toMatchObject({ status: 403, message: "The access token names no company" });
});
