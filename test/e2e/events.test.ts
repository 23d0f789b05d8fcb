import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { KeyEvent } from "../../src/events/contract.ts";
import { startTestIssuer } from "../support/issuer.ts";
import {
  bash,
  type CreatedKey,
  call,
  copyProject,
  freePort,
  type Running,
  signToken,
  start,
} from "./support.ts";

const SECRET = `whsec_${Buffer.from("a secret for these tests, of no value elsewhere").toString("base64")}`;
const SLOW_MS = 29_000;
const SOON = { timeout: 30_000, interval: 200 };
/** What a call takes at most, on a busy machine. */
const CALL_MS = 2_000;
const BOUND = "wrangler.bound.toml";

/** What the endpoint has taken. It checks each signature, and hands the event on to the example Worker. */
const taken: KeyEvent[] = [];
/** What becomes of events of a label: so long a wait, then so many refusals. */
const plans = new Map<string, { waitMs?: number; refusals?: number }>();
let exampleUrl: string;
let example: Running;
let latchkey: string;
let bound: string;
let headers: Record<string, string>;

const endpoint = createServer((request, response) => {
  void answer(request).then(
    (status) => response.writeHead(status).end(),
    () => response.writeHead(500).end(),
  );
});

async function answer(request: IncomingMessage): Promise<number> {
  const body = await text(request);
  const signed = request.headers as Record<string, string>;
  const event = new Webhook(SECRET).verify(body, signed) as KeyEvent;
  const plan = plans.get(event.data.key?.label ?? "") ?? {};
  await setTimeout(plan.waitMs ?? 0);
  if (plan.refusals) {
    plan.refusals--;
    return 503;
  }
  const { status } = await fetch(exampleUrl, { method: "POST", headers: ofWebhook(signed), body });
  if (status === 204) taken.push(event);
  return status;
}

const ofWebhook = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("webhook-")));

beforeAll(async () => {
  const dir = await copyProject();
  endpoint.listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  const issuer = await startTestIssuer();
  const token = await signToken(issuer, "ES256", "at+jwt", {
    aud: "urn:latchkey:management",
    company_id: "acme",
    scope: "api-keys:read api-keys:write",
  });
  headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const config = await readFile(join(dir, "wrangler.toml"), "utf8");
  const withBinding = config
    .replace('name = "latchkey"', 'name = "latchkey-bound"')
    .replace(
      /^# (?=\[\[services\]\]|binding = "EVENTS"|service = "key-events"|entrypoint = "KeyEvents")/gm,
      "",
    );
  await writeFile(join(dir, BOUND), withBinding);
  expect(await bash(dir, "npm run setup")).toMatchObject({ code: 0 });
  const other = ["--config", BOUND, "--persist-to", ".wrangler/bound"];
  const migrate = `npx wrangler d1 migrations apply DB --local ${other.join(" ")}`;
  expect(await bash(dir, migrate)).toMatchObject({ code: 0 });

  const dev = async (...args: string[]) => {
    const port = await freePort();
    const command = [
      "wrangler",
      "dev",
      "--port",
      `${port}`,
      "--inspector-port",
      "0",
      "--test-scheduled",
      ...args,
    ];
    const running = start(dir, "npx", ...command);
    await running.says(/Ready on/);
    return { running, url: `http://localhost:${port}` };
  };
  const vars = (all: Record<string, string>) =>
    Object.entries(all).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  const keyEvents = await dev(
    "--config",
    "examples/key-events/wrangler.toml",
    ...vars({ WEBHOOK_SECRET: SECRET }),
  );
  example = keyEvents.running;
  exampleUrl = `${keyEvents.url}/latchkey`;
  const { port } = endpoint.address() as AddressInfo;
  const WEBHOOK_URL = `http://127.0.0.1:${port}/latchkey`;
  const own = { OAUTH_ISSUER: issuer.url, WEBHOOK_URL, WEBHOOK_SECRETS: SECRET };
  ({ url: latchkey } = await dev(...vars(own)));
  ({ url: bound } = await dev(...other, ...vars({ OAUTH_ISSUER: issuer.url })));
});
afterAll(() => {
  endpoint.closeAllConnections();
  endpoint.close();
});

async function createKey(url: string, label: string, more: object = {}): Promise<CreatedKey> {
  const body = JSON.stringify({ label, scopes: ["jobs:read"], ...more });
  const answer = await call(`${url}/settings/api-keys`, { method: "POST", headers, body });
  expect(answer.status).toBe(201);
  return answer.body as CreatedKey;
}

const ofKey = ({ id }: CreatedKey) => taken.filter(({ data }) => data.key?.id === id);

/** A key that has expired, and the cron has seen it. */
async function expired(url: string, label: string): Promise<CreatedKey> {
  const cron = () => fetch(`${url}/__scheduled?cron=*+*+*+*+*`);
  await cron();
  const key = await createKey(url, label, { expiresAt: new Date(Date.now() + 1_500).toISOString() });
  await setTimeout(2_000);
  await cron();
  return key;
}

test("each event reaches the endpoint signed, in order, and without the key", async () => {
  const key = await createKey(latchkey, "Careers page");
  await call(`${latchkey}/settings/api-keys/${key.id}`, { method: "DELETE", headers });
  await vi.waitFor(() => expect(ofKey(key)).toHaveLength(2), SOON);
  expect(ofKey(key).map(({ type }) => type)).toEqual(["api_key.created", "api_key.revoked"]);
  expect(JSON.stringify(taken)).not.toContain(key.rawKey.slice(-20));
});

test("an endpoint that answers in 29 s has taken the event once, and delays nobody else", async () => {
  plans.set("Slow", { waitMs: SLOW_MS });
  const key = await createKey(latchkey, "Slow");
  const begun = Date.now();
  while (Date.now() - begun < SLOW_MS) {
    const at = Date.now();
    const { status } = await call(`${latchkey}/public/v1/key`, { headers: { "X-API-Key": key.rawKey } });
    expect(status).toBe(200);
    expect((await call(`${latchkey}/settings/api-keys/${key.id}`, { headers })).status).toBe(200);
    expect(Date.now() - at).toBeLessThan(CALL_MS);
    await setTimeout(1_000);
  }
  await vi.waitFor(() => expect(ofKey(key)).toHaveLength(1), SOON);
  await setTimeout(2_000);
  expect(ofKey(key)).toHaveLength(1);
});

test("an event that was refused comes again, under its own id", async () => {
  plans.set("Refused", { refusals: 1 });
  const key = await createKey(latchkey, "Refused");
  await vi.waitFor(() => expect(ofKey(key)).toHaveLength(1), SOON);
  const answer = await call(`${latchkey}/settings/events?key=${key.id}`, { headers });
  expect(answer.body).toMatchObject([{ id: ofKey(key)[0]?.id }]);
});

test("the example mails what people must know, and takes nothing that is not signed", async () => {
  const key = await expired(latchkey, "Webhook page");
  await vi.waitFor(() => expect(ofKey(key).at(-1)?.type).toBe("api_key.expired"), SOON);
  await example.says(/Subject: API key of acme has expired/);
  const [event] = ofKey(key);
  const body = JSON.stringify(event);
  for (const signature of ["", "v1,bm9uZQ==", new Webhook(SECRET).sign("other", new Date(), body)]) {
    const signed = {
      "webhook-id": event?.id ?? "",
      "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
      "webhook-signature": signature,
    };
    expect((await fetch(exampleUrl, { method: "POST", headers: signed, body })).status).toBe(401);
  }
});

test("a Worker that is bound as EVENTS is told without HTTP", async () => {
  const count = () => example.output().split("Subject: API key of acme has expired").length;
  const before = count();
  await expired(bound, "Bound page");
  await vi.waitFor(() => expect(count()).toBe(before + 1), SOON);
});
