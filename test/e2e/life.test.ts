import { createHash, createSign, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ShownEvent } from "../../src/audit/schema.ts";
import type { ApiKey } from "../../src/keys/schema.ts";
import type { DayUsage } from "../../src/usage/schema.ts";
import { startTestIssuer } from "../support/issuer.ts";
import {
  type Answer,
  bash,
  type CreatedKey,
  call,
  copyProject,
  expectEnvelope,
  freePort,
  signToken,
  start,
  startLatchkey,
  type TestIssuer,
} from "./support.ts";

const REVOCATION_MS = 5_000;
/** What each limiter allows here. */
const LIMIT = 15;
/** Between two uses of one key for some seconds, so that it stays below the limit. */
const USE_PAUSE_MS = 1_000;
const DAY_MS = 86_400_000;
/** Isolates hand on their counts after some ten seconds, the queue 20 s later at most. Whoever looks stays below the limit. */
const COUNTED = { timeout: 75_000, interval: 2_000 };
const REPORTER = "the-reporters-key";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const reporter = createServer((_, response) => {
  const key = publicKey.export({ type: "spki", format: "pem" });
  response.end(JSON.stringify({ public_keys: [{ key_identifier: REPORTER, key, is_current: true }] }));
});
afterAll(() => void reporter.close());

let dir: string;
let url: string;
let jobsUrl: string;
let issuer: TestIssuer;

beforeAll(async () => {
  dir = await copyProject();
  const config = await readFile(join(dir, "wrangler.toml"), "utf8");
  const limiters = config.match(/^#? ?simple = .*$/gm) ?? [];
  expect(limiters).toHaveLength(4);
  await writeFile(
    join(dir, "wrangler.toml"),
    config
      .replace(/^# (?=\[\[ratelimits\]\]|name = "VERIFICATIONS_LIMIT"|namespace_id|simple)/gm, "")
      .replace(/^simple = .*$/gm, `simple = { limit = ${LIMIT}, period = 60 }`),
  );
  issuer = await startTestIssuer();
  reporter.listen(0, "127.0.0.1");
  await once(reporter, "listening");
  expect(await bash(dir, "npm run setup")).toMatchObject({ code: 0 });
  ({ url } = await startLatchkey(dir, {
    OAUTH_ISSUER: issuer.url,
    LEAK_REPORT_KEYS_URL: `http://127.0.0.1:${(reporter.address() as AddressInfo).port}`,
    SECURITY_CONTACT: "mailto:security@latchkey.example",
  }));
  const port = await freePort();
  const example = ["--config", "examples/job-listings/wrangler.toml", "--port", `${port}`];
  const running = start(dir, "npx", "wrangler", "dev", "--inspector-port", "0", ...example);
  await running.says(/Ready on/);
  jobsUrl = `http://localhost:${port}/public/v1/job-listings`;
  await vi.waitFor(async () => expect((await use("x", jobsUrl)).status).toBe(401), COUNTED);
});

/** Each test has a company of its own, as the limits are counted for each. */
function companyOf(company: string) {
  const token = signToken(issuer, "ES256", "at+jwt", {
    aud: "urn:latchkey:management",
    company_id: company,
    scope: "api-keys:read api-keys:write",
  });
  const manage = async (method: string, path: string, body?: object): Promise<Answer> =>
    call(`${url}/settings${path}`, {
      method,
      headers: { Authorization: `Bearer ${await token}`, "Content-Type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
  return {
    manage,
    async createKey(): Promise<CreatedKey> {
      const answer = await manage("POST", "/api-keys", { label: "A key", scopes: ["jobs:read"] });
      expect(answer.status).toBe(201);
      return answer.body as CreatedKey;
    },
    key: async (id: string) => (await manage("GET", `/api-keys/${id}`)).body as ApiKey,
    events: async (query = "") => (await manage("GET", `/events${query}`)).body as ShownEvent[],
    today: async (id: string) =>
      ((await manage("GET", `/api-keys/${id}/usage`)).body as DayUsage[]).at(-1) ?? null,
  };
}

function use(rawKey: string, at = `${url}/public/v1/key`): Promise<Answer> {
  return call(at, { headers: { "X-API-Key": rawKey } });
}

/** What a hand does at the database, beside the running Worker. */
async function sql(command: string): Promise<object[][]> {
  const { code, stdout } = await bash(
    dir,
    `npx wrangler d1 execute DB --local --json --command "${command}"`,
  );
  expect(code).toBe(0);
  return JSON.parse(stdout).map(({ results }: { results: object[] }) => results);
}

test("of many rotations at once one wins; both keys are good for the overlap, then the new one alone", async () => {
  const { manage, createKey, key } = companyOf("rotating");
  const old = await createKey();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => manage("POST", `/api-keys/${old.id}/rotate`, { overlapSeconds: 3 })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  const successor = answers.find(({ status }) => status === 201)?.body as CreatedKey;
  expect((await use(old.rawKey)).status).toBe(200);
  expect((await use(successor.rawKey)).status).toBe(200);
  expect(await key(successor.id)).toMatchObject({ replaces: old.id, active: true });
  const { expiresAt } = await key(old.id);
  await setTimeout(Date.parse(expiresAt ?? "") - Date.now());
  expectEnvelope(await use(old.rawKey), 401, "TOKEN_EXPIRED");
  expect((await use(successor.rawKey)).status).toBe(200);
});

test("every use, of Latchkey and of the example, is counted once, and the last one tells when", async () => {
  const { createKey, key, today } = companyOf("counted");
  const { id, rawKey } = await createKey();
  for (let i = 0; i < 4; i++) expect((await use(rawKey)).status).toBe(200);
  const startedAt = Date.now();
  for (let i = 0; i < 3; i++) expect((await use(rawKey, jobsUrl)).status).toBe(200);
  expect((await use(rawKey, `${url}/public/v1/verify?scope=jobs:write`)).status).toBe(403);
  await vi.waitFor(async () => expect(await today(id)).toMatchObject({ allowed: 7, denied: 1 }), COUNTED);
  expect(Date.parse((await key(id)).lastUsedAt ?? "")).toBeGreaterThanOrEqual(startedAt);
});

test("the audit log tells who did what, in pages and by key and action", async () => {
  const { manage, createKey, events } = companyOf("audited");
  const [first, second] = [await createKey(), await createKey()];
  await manage("PATCH", `/api-keys/${first.id}`, { label: "Another label" });
  await manage("DELETE", `/api-keys/${second.id}`);
  await call(`${url}/public/v1/key`, { method: "DELETE", headers: { "X-API-Key": first.rawKey } });
  const ada = { issuer: issuer.url, subject: "ada" };
  const told = [
    { action: "revoke", keyId: first.id, actor: null },
    { action: "revoke", keyId: second.id, actor: ada },
    { action: "rename", keyId: first.id, actor: ada, detail: { label: "Another label" } },
    { action: "create", keyId: second.id, actor: ada },
    { action: "create", keyId: first.id, actor: ada },
  ];
  expect(await events()).toMatchObject(told);
  expect(await events(`?key=${first.id}&action=revoke`)).toMatchObject(told.slice(0, 1));
  const page = await manage("GET", "/events?limit=3");
  expect(page.body).toMatchObject(told.slice(0, 3));
  const [, next = ""] = /^<(.*)>; rel="next"$/.exec(page.headers.get("Link") ?? "") ?? [];
  const rest = await manage("GET", next.replace(`${url}/settings`, ""));
  expect(rest.body).toMatchObject(told.slice(3));
  expect(rest.headers.has("Link")).toBe(false);
});

describe("a report of leaked keys", () => {
  function report(tokens: string[], identifier = REPORTER): Promise<Answer> {
    const match = { type: "latchkey_api_key", url: "https://found.example/a", source: "content" };
    const body = JSON.stringify(tokens.map((token) => ({ token, ...match })));
    return call(`${url}/integrations/github/secret-scanning`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "Github-Public-Key-Identifier": identifier,
        "Github-Public-Key-Signature": createSign("SHA256").update(body).sign(privateKey, "base64"),
      },
      body,
    });
  }

  test("with a genuine signature ends the keys in it at once, each once, however often it comes", async () => {
    const { createKey, events } = companyOf("leaking");
    const { id, rawKey } = await createKey();
    expect((await use(rawKey)).status).toBe(200);
    const forged = `lk_live_${"a".repeat(50)}`;
    const feedback = (token: string, label: string) => ({
      token_hash: createHash("sha256").update(token).digest("base64"),
      token_type: "latchkey_api_key",
      label,
    });
    for (let i = 0; i < 2; i++) {
      expect(await report([rawKey, forged])).toMatchObject({
        status: 200,
        body: [feedback(rawKey, "true_positive"), feedback(forged, "false_positive")],
      });
      expectEnvelope(await use(rawKey), 401, "KEY_REVOKED");
    }
    expect(await events("?action=revoke")).toMatchObject([
      {
        keyId: id,
        actor: { subject: REPORTER },
        detail: { reason: "leaked", url: "https://found.example/a" },
      },
    ]);
  });

  test("under another's name is refused, and ends nothing", async () => {
    const { rawKey } = await companyOf("not-leaking").createKey();
    expectEnvelope(await report([rawKey], "somebody"), 401, "UNAUTHORIZED");
    expect((await use(rawKey)).status).toBe(200);
  });
});

test("finders of faults find whom to tell, monitors whether all is well", async () => {
  // The audience here is no URL of this API: clients would refuse such metadata (RFC 9728 §3.3).
  expect(await call(`${url}/.well-known/oauth-protected-resource`)).toMatchObject({ status: 404 });
  const contact = await (await fetch(`${url}/.well-known/security.txt`)).text();
  expect(contact).toMatch(/^Contact: mailto:security@latchkey\.example\nExpires: 20\d\d-.*Z\n$/);
  for (const path of ["/health", "/health/ready"])
    expect(await call(url + path)).toMatchObject({ status: 200, body: { status: "ok" } });
});

test("the cron drops what is kept no longer, and nothing else", async () => {
  const at = (ago: number) => Date.now() - ago * DAY_MS;
  const day = (ago: number) => new Date(at(ago)).toISOString().slice(0, 10);
  const kept = `SELECT digest AS kept FROM key_changes WHERE digest LIKE 'change-%'
    UNION SELECT day FROM usage_days WHERE key_id = 'x' ORDER BY kept`;
  const [, , before] = await sql(
    `INSERT INTO usage_days (key_id, company_id, day, allowed, denied) VALUES ('x','x','${day(401)}',1,0), ('x','x','${day(399)}',1,0);
    INSERT INTO key_changes (digest, changed_at) VALUES ('change-0',${at(3)}), ('change-1',${at(2)}), ('change-2',${at(0)});
    ${kept}`,
  );
  expect(before).toHaveLength(5);
  expect((await call(`${url}/cdn-cgi/handler/scheduled`)).status).toBe(200);
  // Of the old changes the newest stays, for isolates that stand on it.
  expect(await sql(kept)).toEqual([[day(399), "change-1", "change-2"].map((kept) => ({ kept }))]);
});

test("a revocation by hand, with wrangler d1 execute, reaches the running isolate within the bound", async ({
  annotate,
}) => {
  const { id, rawKey } = await companyOf("by-hand").createKey();
  let acceptedAt = 0;
  let refused: Answer | undefined;
  const using = (async () => {
    while (refused === undefined) {
      const askedAt = Date.now();
      const answer = await use(rawKey);
      if (answer.status === 200) acceptedAt = askedAt;
      else refused = answer;
      await setTimeout(USE_PAUSE_MS);
    }
  })();
  await sql(`UPDATE api_keys SET revoked_at = 1 WHERE id = '${id}'`);
  const committedAt = Date.now();
  await using;
  expectEnvelope(refused, 401, "KEY_REVOKED");
  await annotate(`last accepted ${acceptedAt - committedAt} ms after the command had ended`);
  expect(acceptedAt - committedAt).toBeLessThan(REVOCATION_MS);
});

describe("over its limit is 429 with Retry-After", () => {
  function expectLimited(answers: Answer[], allowed: number): void {
    const limited = answers.filter(({ status }) => status === 429);
    expect(limited.length).toBeGreaterThan(0);
    for (const answer of limited) {
      expectEnvelope(answer, 429, "RATE_LIMITED");
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    }
    expect(answers.slice(0, LIMIT).map(({ status }) => status)).toEqual(Array(LIMIT).fill(allowed));
  }
  async function repeated(act: () => Promise<Answer>): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (let i = 0; i < 2 * LIMIT; i++) answers.push(await act());
    return answers;
  }

  test("a company, and another is not", async () => {
    const { manage } = companyOf("busy");
    expectLimited(await repeated(() => manage("GET", "/scopes")), 200);
    expect((await companyOf("calm").manage("GET", "/scopes")).status).toBe(200);
  });

  test("a key, and another is not", async () => {
    const { createKey } = companyOf("popular");
    const [busy, calm] = [await createKey(), await createKey()];
    expectLimited(await repeated(() => use(busy.rawKey)), 200);
    expect((await use(calm.rawKey)).status).toBe(200);
  });

  test("an address that guesses keys, at Latchkey and at the example, and a key that is held still passes", async () => {
    const { rawKey } = await companyOf("held").createKey();
    expect((await use(rawKey)).status).toBe(200);
    const answers = await repeated(() => use(`lk_live_${"a".repeat(50)}`));
    expectEnvelope(answers.at(-1), 429, "RATE_LIMITED");
    expect(Number(answers.at(-1)?.headers.get("Retry-After"))).toBeGreaterThan(0);
    const atExample = await use(`lk_live_${"b".repeat(50)}`, jobsUrl);
    expectEnvelope(atExample, 429, "RATE_LIMITED");
    expect(Number(atExample.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect((await use(rawKey)).status).toBe(200);
    expect((await use(rawKey, jobsUrl)).status).toBe(200);
  });
});
