import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { experimental_readRawConfig } from "wrangler";
import { temporaryDirectory } from "./support.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Of the issuer: longer than a client stays who hangs up. */
const DELAY_MS = 300;
const STAY_MS = 15;
const BETWEEN_MS = 20;
const COOLDOWN_MS = 30_000;
const MAX_AGE_MS = 5 * 60_000;

/** An issuer that takes its time, and has one key at a time. */
async function slowIssuer() {
  let delayMs = DELAY_MS;
  let kid = 0;
  let signer: CryptoKey;
  let published: JWK;
  const asked: string[] = [];

  async function rotate(): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    signer = privateKey;
    published = { ...(await exportJWK(publicKey)), kid: `key ${++kid}`, alg: "ES256" };
  }
  await rotate();

  const server = createServer(async (request, response) => {
    asked.push(request.url ?? "");
    const metadata = {
      issuer: url,
      jwks_uri: `${url}/jwks`,
      authorization_endpoint: `${url}/auth`,
      token_endpoint: `${url}/token`,
    };
    const body = request.url === "/jwks" ? { keys: [published] } : metadata;
    await setTimeout(delayMs);
    response.setHeader("Content-Type", "application/json").end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    rotate,
    slow: (ms: number) => {
      delayMs = ms;
    },
    fetches: (path: string) => asked.filter((one) => one === path).length,
    token: () =>
      new SignJWT({ scope: "api-keys:read", company_id: "acme" })
        .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: `key ${kid}` })
        .setIssuer(url)
        .setAudience("urn:latchkey:management")
        .setSubject("ada")
        .setExpirationTime("1 hour")
        .sign(signer),
    /** From now on nobody listens. */
    close: () => server.close().closeAllConnections(),
  };
}

let script: string;
let issuer: Awaited<ReturnType<typeof slowIssuer>>;
let miniflare: Miniflare;
let origin: string;
/** What the isolate has logged. */
let logged: string[];

beforeAll(async () => {
  const outdir = await temporaryDirectory();
  const deploy = ["wrangler", "deploy", "test/e2e/clock.ts", "--config", "wrangler.toml", "--dry-run"];
  execFileSync("npx", [...deploy, "--outdir", outdir], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  script = readFileSync(join(outdir, readdirSync(outdir).find((name) => name.endsWith(".js")) ?? ""), "utf8");
});

/** A new isolate, on workerd's own socket: a proxy in front of it would hide that clients hang up. */
beforeEach(async () => {
  issuer = await slowIssuer();
  logged = [];
  const { rawConfig } = experimental_readRawConfig({ config: join(ROOT, "wrangler.toml") });
  const worker = {
    name: "latchkey",
    script,
    compatibilityDate: "2026-08-01",
    modules: true as const,
    unsafeDirectSockets: [{}],
    bindings: JSON.parse(
      JSON.stringify({
        ...rawConfig.vars,
        OAUTH_ISSUER: issuer.url,
        OAUTH_CLIENT_ID: "dashboard",
        OAUTH_CLIENT_SECRET: "secret",
        KEY_PEPPERS: JSON.stringify({ a: "a pepper for this test, which is of no value elsewhere" }),
      }),
    ),
    d1Databases: { DB: "latchkey" },
    queueProducers: { USAGE: "usage" },
  };
  const handleStructuredLogs = ({ message }: { message: string }) => void logged.push(message);
  miniflare = new Miniflare(convertV4MiniflareOptions({ workers: [worker], handleStructuredLogs }));
  await miniflare.ready;
  const database = await miniflare.getD1Database("DB");
  for (const { queries } of await readD1Migrations(join(ROOT, "migrations")))
    await database.batch(queries.map((query) => database.prepare(query)));
  ({ origin } = await miniflare.unsafeGetDirectURL("latchkey"));
  await fetch(`${origin}/health`); // what is loaded when it is first asked for is there
});

afterEach(async () => {
  flooding = false;
  await miniflare.dispose();
  issuer.close();
});

let flooding = false;

/** From now on 50 requests a second, each of which hangs up after 15 ms. */
function flood(path: string, token = ""): void {
  flooding = true;
  const { port, hostname } = new URL(origin);
  const request = `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  async function hangUp(): Promise<void> {
    const socket = connect(Number(port), hostname).on("error", () => {});
    socket.write(request);
    await setTimeout(STAY_MS);
    socket.resetAndDestroy(); // a mere end may be half of one: workerd would go on
  }
  void (async () => {
    while (flooding) {
      void hangUp();
      await setTimeout(BETWEEN_MS);
    }
  })();
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

/** Of a key that nobody has, and signed by none. */
const unsigned = () =>
  `${encoded({ alg: "ES256", typ: "at+jwt", kid: "none" })}.${encoded({ iss: issuer.url })}.AAAA`;

async function ask(token: string) {
  const begun = performance.now();
  const answer = await fetch(`${origin}/settings/scopes`, { headers: { Authorization: `Bearer ${token}` } });
  await answer.text();
  return { status: answer.status, ms: performance.now() - begun };
}

test("who hangs up ends no fetch of keys: a good token gets its answer at once, also in a cold isolate", async () => {
  flood("/settings/scopes", unsigned());
  await setTimeout(5 * BETWEEN_MS);
  const { status, ms } = await ask(await issuer.token());
  expect(status).toBe(200);
  expect(ms).toBeLessThan(1_500); // two requests of 300 ms each, discovery and keys
  expect(issuer.fetches("/jwks")).toBe(1);
});

test("while others hang up, a new key of the issuer works within the cool-down", async () => {
  expect((await ask(await issuer.token())).status).toBe(200);
  flood("/settings/scopes", unsigned());
  await setTimeout(1_000);
  await issuer.rotate();
  const token = await issuer.token();
  await vi.waitFor(async () => expect((await ask(token)).status).toBe(200), {
    timeout: COOLDOWN_MS + 2_000,
    interval: 500,
  });
  expect(issuer.fetches("/jwks")).toBeLessThanOrEqual(3);
});

test("a key set that has grown old is used at once, and fetched behind an answer that nobody waited for", async () => {
  expect((await ask(await issuer.token())).status).toBe(200);
  const old = await issuer.token();
  await issuer.rotate();
  issuer.slow(1_500);
  await fetch(`${origin}/test/clock`, { method: "PUT", body: `${MAX_AGE_MS}` });
  flood("/settings/scopes", old);
  await setTimeout(5 * BETWEEN_MS);
  for (let i = 0; i < 5; i++) {
    const { status, ms } = await ask(old);
    expect(status).toBe(200);
    expect(ms).toBeLessThan(500);
  }
  await vi.waitFor(async () => expect((await ask(old)).status).toBe(401), { timeout: 6_000, interval: 200 });
  expect(issuer.fetches("/jwks")).toBe(2);
});

test("who hangs up on the way to sign in ends no fetch of metadata", async () => {
  flood("/dashboard/sign-in/issuer");
  await setTimeout(5 * BETWEEN_MS);
  const begun = performance.now();
  const answer = await fetch(`${origin}/dashboard/sign-in/issuer`, { redirect: "manual" });
  expect(answer.status).toBe(302);
  expect(answer.headers.get("Location")).toContain(`${issuer.url}/auth?`);
  expect(performance.now() - begun).toBeLessThan(1_500);
  expect(issuer.fetches("/.well-known/openid-configuration")).toBe(1);
});

test("without anybody at the issuer's address, management and the way to sign in are 503, and the log says why", async () => {
  const token = await issuer.token();
  issuer.close();
  for (const path of ["/settings/scopes", "/dashboard/sign-in/issuer"]) {
    const headers = { Authorization: `Bearer ${token}`, Accept: "application/json" };
    const answer = await fetch(origin + path, { headers, redirect: "manual" });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("Retry-After")).toBe("5");
    expect(await answer.json()).toMatchObject({ error: "UNAVAILABLE" });
  }
  const lines = logged.join();
  for (const event of ["jwks_fetch_failed", "issuer_metadata_fetch_failed"]) expect(lines).toContain(event);
  expect(lines).not.toContain(token);
});
