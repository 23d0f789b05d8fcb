import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { DASHBOARD, makeSecrets, startIssuer } from "../../examples/local/issuer.ts";
import type { Answer } from "./answer.ts";

/** The origin of the Worker under test. */
const ORIGIN = "https://latchkey.example";

/** The issuer of `npm start`, where the dashboard of the Worker under test is a client. */
export async function startLocalIssuer() {
  const secrets = makeSecrets();
  const { url, server } = await startIssuer({
    port: await freePort(),
    latchkey: ORIGIN,
    audience: "urn:latchkey:management",
    operatorAudience: "urn:latchkey:operator",
    secrets,
  });
  unref(server);
  return {
    url,
    clientId: DASHBOARD,
    clientSecret: secrets.clients[DASHBOARD] ?? "",
    signingKey: secrets.signingKey,
  };
}

/** The server does not keep its process alive, and ends no connection that workerd keeps: it may be about to use it. */
function unref(server: Server): void {
  server.keepAliveTimeout = 0;
  server.on("connection", (socket) => socket.unref()).unref();
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * An issuer for tests inside workerd: a real HTTP server on loopback.
 *
 * - `/.well-known/openid-configuration`, `/jwks`: the issuer of the Worker under test.
 * - `PUT /scenarios/<name>` with an `Answer` sets what `GET /scenarios/<name>/jwks` (or any other path
 *   below, or the well-known URL that RFC 8414 makes of it) answers; `GET /scenarios/<name>` lists the
 *   paths asked for so far.
 */
export async function startTestIssuer() {
  const signingKeys: Record<string, JWK> = {};
  for (const alg of ["ES256", "RS256", "PS256", "EdDSA"]) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    signingKeys[alg] = { ...(await exportJWK(privateKey)), alg, kid: alg, use: "sig" };
  }
  const keys = Object.values(signingKeys).map(publicPart);
  const scenarios = new Map<string, Answer & { asked: string[] }>();

  const server = createServer(async (request, response) => {
    const json = (value: unknown) =>
      response.setHeader("Content-Type", "application/json").end(JSON.stringify(value));
    const path = request.url ?? "/";
    if (path === "/.well-known/openid-configuration") return json({ issuer: url, jwks_uri: `${url}/jwks` });
    if (path === "/jwks") return json({ keys });
    const [, wellKnown, name, below] =
      /^(\/\.well-known\/[^/]+)?\/scenarios\/([^/]+)(\/.*)?$/.exec(path) ?? [];
    const rest = wellKnown ?? below;
    if (name === undefined) return response.writeHead(404).end();
    if (request.method === "PUT") {
      scenarios.set(name, { ...JSON.parse(await textOf(request)), asked: scenarios.get(name)?.asked ?? [] });
      return response.writeHead(204).end();
    }
    const scenario = scenarios.get(name);
    if (scenario === undefined) return response.writeHead(404).end();
    if (rest === undefined) return json(scenario.asked);
    scenario.asked.push(rest);
    const answer: Answer = scenario.paths?.[rest] ?? scenario;
    setTimeout(() => {
      response.writeHead(answer.status ?? 200, answer.headers).write(answer.body ?? "");
      if (!answer.endless) response.end();
    }, answer.delayMs ?? 0).unref();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  unref(server);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, signingKeys };
}

function publicPart({ kty, crv, x, y, n, e, alg, kid, use }: JWK): JWK {
  return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e, alg, kid, use }));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
