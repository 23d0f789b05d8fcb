import { once } from "node:events";
import { mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { beforeAll, describe, expect, test, vi } from "vitest";
import {
  type Answer,
  bash,
  type CreatedKey,
  call,
  copyProject,
  expectEnvelope,
  freePort,
  isListening,
  type Running,
  raw,
  start,
} from "./support.ts";

const REVOCATION_SECONDS = 5;
const POLL_MS = 100;
const WITHIN_BOUND = { timeout: (REVOCATION_SECONDS + 1) * 1000, interval: POLL_MS };
const JOB = { title: "Rocket engineer", location: "Tucson", employmentType: "full_time" };
const SEEDED_JOB = "5f0c1d5e-8f3b-4b52-9d0a-6f1f0a4f7c11";

let dir: string;
let ports: { latchkey: number; example: number; issuer: number };
let latchkeyUrl: string;
let jobsUrl: string;

beforeAll(async () => {
  dir = await copyProject();
  ports = { latchkey: await freePort(), example: await freePort(), issuer: await freePort() };
  latchkeyUrl = `http://localhost:${ports.latchkey}`;
  jobsUrl = `http://localhost:${ports.example}/public/v1/job-listings`;
});

function startCommand(): string[] {
  const { latchkey, example, issuer } = ports;
  return [
    "start",
    "--",
    "--port",
    `${latchkey}`,
    "--example-port",
    `${example}`,
    "--issuer-port",
    `${issuer}`,
  ];
}

async function startAll(): Promise<Running> {
  const running = start(dir, "npm", ...startCommand());
  await running.says(/Ctrl-C stops everything/);
  return running;
}

/** Another project's Worker of the same name, which refuses every key. Workers are told apart by their names alone. */
async function startAnotherLatchkey(): Promise<Running> {
  const other = join(dir, "another");
  const script = `import { WorkerEntrypoint } from "cloudflare:workers";
    export class ApiKeyVerifier extends WorkerEntrypoint { verify() { return { valid: false, code: "UNAUTHORIZED" }; } }
    export default { fetch: () => new Response("another") };`;
  await mkdir(other);
  await writeFile(join(other, "index.js"), script);
  await writeFile(
    join(other, "wrangler.toml"),
    'name = "latchkey"\nmain = "index.js"\ncompatibility_date = "2026-01-01"\n',
  );
  const config = join(other, "wrangler.toml");
  const running = start(dir, "npx", "wrangler", "dev", "--config", config, "--port", `${await freePort()}`);
  await running.says(/Ready on/);
  return running;
}

/** Runs scripts one after the other in one shell, word for word, and tells what each printed. */
async function runAll(scripts: string[]): Promise<string[]> {
  const mark = "<<end of one script>>";
  const { code, stdout, stderr } = await bash(dir, scripts.map((one) => `${one}\necho "${mark}"`).join("\n"));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout
    .split(mark)
    .slice(0, -1)
    .map((text) => text.trim());
}

async function tokenOf(company: string): Promise<string> {
  const { stdout } = await bash(dir, `npm run -s token -- --company ${company}`);
  return stdout.trim();
}

async function createKey(token: string, members: object): Promise<CreatedKey> {
  const answer = await manage(token, "POST", "", { label: "A key", ...members });
  expect(answer).toMatchObject({ status: 201 });
  return answer.body as CreatedKey;
}

function manage(token: string, method: string, path = "", body?: object): Promise<Answer> {
  return call(`${latchkeyUrl}/settings/api-keys${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
}

function jobs(rawKey: string, init: RequestInit = {}, path = ""): Promise<Answer> {
  const headers = { "Content-Type": "application/json", ...init.headers, "X-API-Key": rawKey };
  return call(jobsUrl + path, { ...init, headers });
}

/** Processes that work in the project's directory. */
async function processesOf(project: string): Promise<string[]> {
  const running = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(running.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")));
  return running.filter((_pid, index) => places[index]?.startsWith(project));
}

describe("before the first start", () => {
  test("a token cannot be had, and it is said what to do", async () => {
    expect(await bash(dir, "npm run -s token -- --company acme")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: "No issuer yet: start it with `npm start`\n",
    });
  });

  test("a port in use is reported by name", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const own = { ...ports };
    const address = server.address();
    const taken = typeof address === "object" && address !== null ? address.port : 0;
    const names = {
      latchkey: "Latchkey, --port",
      example: "job-listings, --example-port",
      issuer: "the issuer, --issuer-port",
    };
    for (const name of ["latchkey", "example", "issuer"] as const) {
      ports = { ...own, [name]: taken };
      const { code, stderr } = await bash(dir, `npm ${startCommand().join(" ")}`);
      expect({ code, stderr }).toEqual({ code: 1, stderr: `port ${taken} (${names[name]}) is in use\n` });
    }
    ports = own;
    server.close();
  });

  test("an option that is no port, or that does not exist, is refused with the usage", async () => {
    for (const option of [
      "--port x",
      "--port 0",
      "--port 65536",
      "--example-port 9400",
      "--databases 0",
      "--prot 1",
    ]) {
      const { code, stderr } = await bash(dir, `npm start -- ${option}`);
      expect(code, option).toBe(1);
      expect(stderr).toContain("Usage: npm start -- --port 8787");
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
  });
});

test("where another project runs a Worker of the same name, the example asks its own Latchkey", async () => {
  const another = await startAnotherLatchkey();
  const all = await startAll();
  const { rawKey } = await createKey(await tokenOf("acme"), { scopes: ["jobs:read"] });
  expect(await jobs(rawKey)).toMatchObject({ status: 200 });
  await all.stop();
  await another.stop();
});

test("with several databases, a company without keys makes them in the last, and one that has some stays where it is", async () => {
  const one = await startAll();
  const before = await createKey(await tokenOf("acme"), { scopes: ["jobs:read"] });
  await one.stop();
  const all = start(dir, "npm", ...startCommand(), "--databases", "3");
  await all.says(/Ctrl-C stops everything/);
  const companies = ["acme", "globex"];
  const made = await Promise.all(
    companies.map(async (company) => createKey(await tokenOf(company), { scopes: ["jobs:read"] })),
  );
  expect([before, ...made].map(({ rawKey }) => rawKey.slice(-9, -7))).toEqual(["00", "00", "02"]);
  for (const { rawKey } of [before, ...made]) expect(await jobs(rawKey)).toMatchObject({ status: 200 });
  await all.stop();
});

describe("npm start", () => {
  let all: Running;
  let token: string;

  beforeAll(async () => {
    all = await startAll();
    token = await tokenOf("acme");
  });

  test("the printed commands, word for word, make a key, use it and revoke it", async () => {
    const commands = all.output().match(/^(TOKEN=|CREATED=|curl ).*$/gm) ?? [];
    const [gotToken, created, listed, revoked] = await runAll(commands);
    expect(gotToken).toBe("");
    expect(JSON.parse(created ?? "")).toMatchObject({
      label: "My first key",
      scopes: ["jobs:read"],
      active: true,
      rawKey: expect.stringMatching(/^lk_live_[0-9A-Za-z]{50}$/),
    });
    expect(JSON.parse(listed ?? "")).toMatchObject([{ id: SEEDED_JOB, title: "Rocket engineer" }]);
    expect(revoked).toBe("");

    const { rawKey } = JSON.parse(created ?? "");
    await vi.waitFor(async () => expectEnvelope(await jobs(rawKey), 401, "KEY_REVOKED"), WITHIN_BOUND);
  });

  test("the README's first key, word for word, prints what the README shows", async () => {
    const readme = await readFile(join(dir, "README.md"), "utf8");
    const section = readme.split(/^## /m).find((text) => text.startsWith("A first key in a minute"));
    const commands: string[] = [];
    const outputs: string[] = [];
    for (const [, language, text = ""] of section?.matchAll(/^```(\w+)\n(.*?)^```$/gms) ?? []) {
      if (language === "sh") {
        commands.push(
          text.replaceAll(":8787", `:${ports.latchkey}`).replaceAll(":8788", `:${ports.example}`),
        );
        outputs.push("");
      } else {
        outputs[outputs.length - 1] = masked(text.trim());
      }
    }
    expect(commands.length).toBeGreaterThan(0);
    expect((await runAll(commands)).map(masked)).toEqual(outputs);
  });

  test("a key works the moment after its creation", async () => {
    for (let round = 0; round < 5; round += 1) {
      const { rawKey } = await createKey(token, { scopes: ["jobs:read"] });
      expect((await jobs(rawKey)).status).toBe(200);
    }
  });

  test("a key without the scope is refused by 403, which names it", async () => {
    const { rawKey } = await createKey(token, { scopes: ["jobs:read"] });
    const answer = await jobs(rawKey, { method: "POST", body: JSON.stringify(JOB) });
    expectEnvelope(answer, 403, "FORBIDDEN", "Missing scope: jobs:write");
  });

  test("a key is good until it expires, and TOKEN_EXPIRED from then on", async () => {
    const expiresAt = Date.now() + 2_000;
    const { rawKey } = await createKey(token, { scopes: ["jobs:read"], expiresAt: new Date(expiresAt) });
    expect((await jobs(rawKey)).status).toBe(200);
    await setTimeout(expiresAt - Date.now());
    expectEnvelope(await jobs(rawKey), 401, "TOKEN_EXPIRED");
  });

  test("a key in use all the time is refused within REVOCATION_SECONDS of its revocation", async ({
    annotate,
  }) => {
    const lastAcceptances = [0, 700, 1400].map(async (delayMs) => {
      const { id, rawKey } = await createKey(token, { scopes: ["jobs:read"] });
      let revokedAt = Number.POSITIVE_INFINITY;
      const revoked = setTimeout(1_000 + delayMs).then(async () => {
        expect((await manage(token, "DELETE", `/${id}`)).status).toBe(204);
        revokedAt = Date.now();
      });
      let acceptedAt = 0;
      for (;;) {
        const askedAt = Date.now();
        const answer = await jobs(rawKey);
        if (answer.status === 401) {
          expectEnvelope(answer, 401, "KEY_REVOKED");
          break;
        }
        expect(answer.status).toBe(200);
        acceptedAt = askedAt;
        expect(askedAt - revokedAt).toBeLessThan((REVOCATION_SECONDS + 1) * 1000);
        await setTimeout(POLL_MS);
      }
      await revoked;
      return Math.max(0, acceptedAt - revokedAt);
    });
    const measured = await Promise.all(lastAcceptances);
    await annotate(`last acceptance after the 204, in ms: ${measured.join(", ")}`);
    expect(Math.max(...measured)).toBeLessThan((REVOCATION_SECONDS + 1) * 1000);
  });

  test("who holds a key can kill it", async () => {
    const { id, rawKey } = await createKey(token, { scopes: ["jobs:read"] });
    const headers = { "X-API-Key": rawKey };
    expect((await call(`${latchkeyUrl}/public/v1/key`, { headers })).status).toBe(200);
    expect((await call(`${latchkeyUrl}/public/v1/key`, { headers, method: "DELETE" })).status).toBe(204);
    expect((await manage(token, "GET", `/${id}`)).body).toMatchObject({
      active: false,
      revokedAt: expect.any(String),
    });
  });

  test("another company sees neither the key nor the list it is in", async () => {
    const { id } = await createKey(token, { scopes: ["jobs:read"] });
    const other = await tokenOf("globex");
    expect(await manage(other, "GET")).toMatchObject({ status: 200, body: [] });
    const unknown = "00000000-0000-4000-8000-000000000000";
    for (const [method, body] of [["GET"], ["PATCH", { label: "Mine" }], ["DELETE"]] as const) {
      for (const key of [id, unknown]) {
        expectEnvelope(await manage(other, method, `/${key}`, body), 404, "NOT_FOUND", "No such API key");
      }
    }
    expect((await manage(token, "GET", `/${id}`)).body).toMatchObject({ active: true, label: "A key" });
  });

  describe("the example", () => {
    let rawKey: string;
    const post = (body: string, headers = {}) => jobs(rawKey, { method: "POST", body, headers });

    beforeAll(async () => {
      ({ rawKey } = await createKey(token, { scopes: ["jobs:read", "jobs:write"] }));
    });

    test("keeps the companies apart", async () => {
      const posted = await post(JSON.stringify(JOB));
      expect(posted).toMatchObject({ status: 201, body: JOB });
      const path = `/${(posted.body as { id: string }).id}`;
      expect(await jobs(rawKey, {}, path)).toMatchObject({ status: 200, body: JOB });
      const { rawKey: other } = await createKey(await tokenOf("globex"), { scopes: ["jobs:read"] });
      expectEnvelope(await jobs(other, {}, path), 404, "NOT_FOUND", "No such job listing");
      expect(await jobs(other)).toMatchObject({ status: 200, body: [{ title: "Volcano keeper" }] });
    });

    test("answers a missing or bad key by 401", async () => {
      const refused = ["UNAUTHORIZED", "Invalid or missing API key"] as const;
      expectEnvelope(await call(jobsUrl), 401, ...refused);
      expectEnvelope(await jobs(""), 401, ...refused);
      expectEnvelope(await jobs(`${rawKey.slice(0, -1)}-`), 401, ...refused);
      expectEnvelope(await call(jobsUrl, { headers: { Authorization: `Bearer ${token}` } }), 401, ...refused);
    });

    test("refuses two keys at once", async () => {
      const one = `X-API-Key: ${rawKey}\r\n`;
      for (const two of [one + one, `${one}X-API-Key: \r\n`, `X-API-Key: \r\n${one}`]) {
        const request = `GET /public/v1/job-listings HTTP/1.1\r\nHost: localhost\r\n${two}\r\n`;
        expectEnvelope(await raw(ports.example, request), 401, "UNAUTHORIZED", "Invalid or missing API key");
      }
    });

    test("answers 400 to what it cannot read, 404 to what is not there", async () => {
      for (const body of ["{", "", "\u0000", '{"title":}']) {
        expectEnvelope(await post(body), 400, "BAD_REQUEST", "Malformed JSON body");
      }
      expectEnvelope(await jobs(rawKey, {}, "/1"), 400, "BAD_REQUEST", "id must be a UUID");
      const unknown = "/00000000-0000-4000-8000-000000000000";
      expectEnvelope(await jobs(rawKey, {}, unknown), 404, "NOT_FOUND", "No such job listing");
      expectEnvelope(await jobs(rawKey, {}, "/1/2"), 404, "NOT_FOUND");
    });

    test("answers 405 with Allow, 413 and 415", async () => {
      const deleted = await jobs(rawKey, { method: "DELETE" });
      expectEnvelope(deleted, 405, "METHOD_NOT_ALLOWED");
      expect(deleted.headers.get("Allow")?.split(", ").sort()).toEqual(["GET", "HEAD", "POST"]);
      const large = JSON.stringify({ ...JOB, title: "x".repeat(16 * 1024) });
      expectEnvelope(await post(large), 413, "PAYLOAD_TOO_LARGE");
      const plain = await post(JSON.stringify(JOB), { "Content-Type": "text/plain" });
      expectEnvelope(plain, 415, "UNSUPPORTED_MEDIA_TYPE");
    });

    test("answers 422 and names every broken field once", async () => {
      const answer = await post(JSON.stringify({ title: " ", employmentType: "boss", salary: 1 }));
      expectEnvelope(answer, 422, "VALIDATION_ERROR", "Request validation failed");
      const { details } = answer.body as { details: { field: string }[] };
      expect(details.map(({ field }) => field).sort()).toEqual([
        "employmentType",
        "location",
        "salary",
        "title",
      ]);
      for (const body of ["[]", "null", "1", '"x"'])
        expectEnvelope(await post(body), 422, "VALIDATION_ERROR");
    });
  });

  test("a token is refused by what is wrong with the question", async () => {
    const usage = 'Usage: npm run token -- --company acme --scope "api-keys:read api-keys:write"';
    const asked = {
      "": `--company is missing. ${usage}`,
      "--company": `Option '--company <value>' argument missing. ${usage}`,
      "--compny acme": `Unknown option '--compny'. ${usage}`,
      "--company initech": "No company initech: acme or globex",
      "--company acme --scope 'api-keys:read root'": "No scope root at this issuer",
    };
    for (const [options, message] of Object.entries(asked)) {
      const { code, stdout, stderr } = await bash(dir, `npm run -s token -- ${options}`);
      expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: "", stderr: `${message}\n` });
    }
  });

  test("a token has the scopes that were asked for, and no more", async () => {
    const { stdout } = await bash(dir, "npm run -s token -- --company acme --scope api-keys:read");
    expect((await manage(stdout.trim(), "GET")).status).toBe(200);
    const created = await manage(stdout.trim(), "POST", "", { label: "A key", scopes: ["jobs:read"] });
    expectEnvelope(created, 403, "FORBIDDEN", "Missing scope: api-keys:write");
  });

  test("Ctrl-C ends everything; a second start knows the old tokens, keys and listings", async () => {
    const { rawKey } = await createKey(token, { scopes: ["jobs:read"] });
    const listings = (await jobs(rawKey)).body;

    await all.stop();
    for (const port of Object.values(ports)) expect(await isListening(port)).toBe(false);
    expect(await processesOf(dir)).toEqual([]);
    expect(all.output()).not.toContain(rawKey);
    expect(all.output()).not.toContain(token);
    expect(await bash(dir, "npm run -s token -- --company acme")).toMatchObject({
      code: 1,
      stderr: `No issuer answers at http://localhost:${ports.issuer}: start it with \`npm start\`\n`,
    });

    await startAll();
    expect(await jobs(rawKey)).toMatchObject({ status: 200, body: listings });
    expect((await manage(token, "GET")).status).toBe(200);
    await createKey(await tokenOf("acme"), { scopes: ["jobs:read"] });
  });
});

/** Without what differs from run to run. */
function masked(text: string): string {
  return text
    .replace(/localhost:\d+/g, "localhost:<port>")
    .replace(/lk_live_[0-9A-Za-z]{50}/g, "<key>")
    .replace(/lk_live_[0-9A-Za-z]{5}\b/g, "<prefix>")
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<id>")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>");
}
