import { waitUntil } from "cloudflare:workers";
import { Hono } from "hono";
import { FIRST_DATABASE } from "../../src/db/settings.ts";
import { jsonHead } from "../../src/http/headers.ts";
import { keyFormat } from "../../src/keys/format.ts";
import { addressList } from "../../src/lib/address.ts";
import { UsageRecorder } from "../../src/usage/recorder.ts";
import { decide, type KeyRecord } from "../../src/verify/decide.ts";
import { denialOf } from "../../src/verify/denial.ts";
import { Feed } from "../../src/verify/feed.ts";
import { publicRoutes } from "../../src/verify/routes.ts";
import { Verifier } from "../../src/verify/verifier.ts";
import { ANSWER } from "./answer.ts";

const NEVER_MS = 1_000_000_000;
const URL_OF_KEY = "http://localhost/public/v1/key";
const PEPPER = "a pepper for this bench, which is of no value elsewhere";

const FEED = { changes: [{ seq: 1, digest: "", changedAt: 0 }], head: 1 };

const utf8 = new TextEncoder();
const body = JSON.stringify(ANSWER);
const now = () => Date.now();
const format = keyFormat("lk_live", new Map([["a", PEPPER]]), (bytes) => crypto.getRandomValues(bytes));
const feed = new Feed({
  boundMs: NEVER_MS,
  outageMs: NEVER_MS,
  retryMs: NEVER_MS,
  waitMs: NEVER_MS,
  capacity: 200_000,
});
const usage = new UsageRecorder({
  queue: { send: async () => ({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } }) },
  now,
  wait: (milliseconds) => scheduler.wait(milliseconds),
  background: waitUntil,
});
const verifier = new Verifier({
  format,
  feed,
  now,
  store: {
    read: async () => ({ ...FEED, record: null }),
    readNearest: async () => ({ ...FEED, record: null }),
    readPrimary: async () => ({ ...FEED, record: null }),
    readPast: async () => ({ ...FEED, record: null }),
  },
  wait: (milliseconds) => scheduler.wait(milliseconds),
  inTime: (read) => read,
  background: waitUntil,
  onVerdict: (key, refusal, at) => usage.record(key, refusal && denialOf(refusal), at, FIRST_DATABASE),
});
const routes = publicRoutes({
  verifier,
  format,
  keys: { revokePresented: () => Promise.reject(new TypeError("not a step")) },
  rules: () => ({ SCOPES: new Map() }),
});
const app = new Hono().route("/public/v1", routes);

/** A record as a read of the database brings it: nothing of it is shared with another. */
function recordOf(id: string): KeyRecord {
  const row = `{"id":"${id}","companyId":"company-${id.slice(0, 8)}","scopes":["jobs:read"],"expiresAt":null,"revokedAt":null,"suspendedAt":null,"allowedIps":null,"metadata":null,"company":null}`;
  return JSON.parse(row);
}

function hold(digest: string, record: KeyRecord): void {
  feed.absorb(feed.ask(now()), { ...FEED, record }, digest, now());
}

/** As many blocks as a key may have. */
const addresses = addressList([
  ...Array.from({ length: 25 }, (_, i) => `10.${i}.0.0/16`),
  ...Array.from({ length: 25 }, (_, i) => `2001:db8:${i}::/48`),
]);
let rawKey = "";
let digest = "";
let record = recordOf(ANSWER.id);
/** Keeps what is worked out from being left out. */
let sink: unknown;

async function prepare(): Promise<void> {
  if (rawKey !== "") return;
  ({ rawKey, digest } = await format.create());
  record = recordOf(ANSWER.id);
  hold(digest, record);
}

const request = () => new Request(URL_OF_KEY, { headers: { "X-API-Key": rawKey } });

const steps: Record<string, (ctx: ExecutionContext) => unknown> = {
  nothing: () => undefined,
  sha256: async () => {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(rawKey)));
    return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  },
  digest: () => format.digest(rawKey),
  urgency: () => feed.urgency(now()),
  lookup: () => feed.get(digest),
  decide: () => decide(record, { scopes: ["jobs:read"] }, NEVER_MS),
  ipv4: () => addresses.has("192.0.2.7"),
  ipv6: () => addresses.has("2001:db9::7"),
  check: () => verifier.verify(rawKey, {}),
  json: () => JSON.stringify(ANSWER),
  response: () => new Response(body, { headers: { "Content-Type": "application/json" } }),
  complete: () => new Response(body, jsonHead(URL_OF_KEY)),
  request,
  route: (ctx) => app.fetch(request(), {}, ctx),
};

/**
 * - `GET /<step>?n=` does a step of the hot path `n` times.
 * - `GET /hold?n=` makes the isolate hold `n` keys more.
 */
export default {
  async fetch({ url }, _env, ctx) {
    const { pathname, searchParams } = new URL(url);
    const n = Number(searchParams.get("n"));
    await prepare();
    if (pathname === "/hold") {
      const bytes = new Uint8Array(32);
      for (let i = 0; i < n; i++) {
        crypto.getRandomValues(bytes);
        hold(bytes.toBase64({ alphabet: "base64url", omitPadding: true }), recordOf(crypto.randomUUID()));
      }
      hold(digest, record);
      return Response.json(feed.size);
    }
    const step = steps[pathname.slice(1)];
    if (step === undefined) return new Response(null, { status: 404 });
    for (let i = 0; i < n; i++) {
      sink = step(ctx);
      if (sink instanceof Promise) await sink;
    }
    return new Response("done");
  },
} satisfies ExportedHandler;
