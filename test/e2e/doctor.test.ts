import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  DASHBOARD,
  type Issuer,
  type IssuerSecrets,
  makeSecrets,
  startIssuer,
} from "../../examples/local/issuer.ts";
import {
  bash,
  copyProject,
  freePort,
  type Running,
  signToken,
  startLatchkey,
  type TestIssuer,
} from "./support.ts";

const AHEAD_MS = 60_000;
const OPERATOR_AUDIENCE = "urn:latchkey:operator";

// Each of them starts processes.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

// Each of them starts processes.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let dir: string;
let port: number;
let issuer: Issuer;
/** Of the operator's access tokens. */
let operators: TestIssuer;
let latchkey: Running & { url: string };
const onStop: (() => void)[] = [];
/** Of a deployment with a dashboard, and an operator who signs in elsewhere. */
let vars: Record<string, string>;

beforeAll(async () => {
  dir = await copyProject();
  expect(await bash(dir, "npm run setup")).toMatchObject({ code: 0 });
  port = await freePort();
  const url = `http://localhost:${port}`;
  const start = async (secrets: IssuerSecrets) => {
    const options = { latchkey: url, audience: url, operatorAudience: OPERATOR_AUDIENCE, secrets };
    const started = await startIssuer({ port: await freePort(), ...options });
    onStop.push(() => started.server.close());
    return started;
  };
  const secrets = makeSecrets();
  issuer = await start(secrets);
  const own = makeSecrets();
  const ES256 = { ...own.signingKey, kid: "ES256" };
  operators = { url: (await start({ ...own, signingKey: ES256 })).url, signingKeys: { ES256 } };
  vars = {
    OPERATOR_AUDIENCE,
    OPERATOR_ISSUER: operators.url,
    OPERATOR_CLIENT_ID: DASHBOARD,
    OPERATOR_CLIENT_SECRET: own.clients[DASHBOARD] ?? "",
    OAUTH_ISSUER: issuer.url,
    OAUTH_AUDIENCE: url,
    OAUTH_CLIENT_ID: DASHBOARD,
    OAUTH_CLIENT_SECRET: secrets.clients[DASHBOARD] ?? "",
  };
  latchkey = await startLatchkey(dir, vars, port);
});
afterAll(() => {
  for (const stop of onStop) stop();
});

/** With the token of an operator, as the shell has it. */
async function asOperator(): Promise<string> {
  const claims = { aud: OPERATOR_AUDIENCE, scope: "operator:read" };
  return `OPERATOR_TOKEN=${await signToken(operators, "ES256", "at+jwt", claims)}`;
}

async function doctor(args: string, environment = "") {
  const { code, stdout, stderr } = await bash(dir, `${environment} npm run -s doctor -- ${args}`);
  return { code, faults: stdout.match(/^✗ .*$/gm) ?? [], stdout, stderr };
}

/** An HTTP server that answers so, until the end of the test file. */
async function serverOf(answer: (path: string) => string): Promise<string> {
  const server = createServer((request, response) => response.end(answer(request.url ?? "")));
  await once(server.listen(0, "127.0.0.1"), "listening");
  afterAll(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a good deployment has no fault, and each thing that was looked at is told", async () => {
  const { code, faults, stdout, stderr } = await doctor(`--url ${latchkey.url}`);
  expect({ code, faults, stderr }).toEqual({ code: 0, faults: [], stderr: "" });
  for (const told of [
    "They are right",
    "It is ready",
    "Its clock is right",
    `The issuer ${issuer.url} answers`,
    "Clients find the issuer",
    `client of the dashboard and its redirect URI ${latchkey.url}/dashboard/callback`,
    `client of the operator's pages and its redirect URI ${latchkey.url}/operator/dashboard/callback`,
    "set OPERATOR_TOKEN",
    "No fault was found",
  ])
    expect(stdout).toContain(told);
});

test("a clock that is wrong is told with how far it is, and in which direction", async () => {
  const script = `const{now}=Date;Date.now=()=>now()+${AHEAD_MS}`;
  const { code, faults } = await doctor(
    `--url ${latchkey.url}`,
    `NODE_OPTIONS='--import "data:text/javascript,${script}"'`,
  );
  expect({ code, faults }).toEqual({
    code: 1,
    faults: [
      expect.stringMatching(/Its clock and the one here are (59|60|61) seconds apart \(it is behind\)/),
    ],
  });
});

test("an operator's token that is refused is a fault", async () => {
  const { code, faults } = await doctor(`--url ${latchkey.url}`, "OPERATOR_TOKEN=x");
  expect({ code, faults }).toEqual({ code: 1, faults: [expect.stringContaining("/operator/status is 401")] });
});

test("an operator's token shows which pepper makes new keys, and how many it serves", async () => {
  const { code, stdout } = await doctor(`--url ${latchkey.url}`, await asOperator());
  expect(stdout).toContain("New keys are made with the pepper a. Its live keys: 0.");
  expect(code).toBe(0);
});

test("where nobody answers, or somebody else, nothing more is asked", async () => {
  const dead = await doctor(`--url http://localhost:${await freePort()}`);
  expect(dead).toMatchObject({ code: 1, faults: ["✗ Nothing answers."] });
  const website = await doctor(`--url ${await serverOf(() => "<!doctype html>")}`);
  expect(website).toMatchObject({ code: 1, faults: ["✗ What answers is not Latchkey: /health is 200."] });
});

test.each([
  ["", "Usage: npm run doctor"],
  ["--local --url https://keys.example.com", "Usage: npm run doctor"],
  ["--url keys.example.com", "--url is no URL"],
  ["--frob", "Unknown option '--frob'"],
])("the arguments %j are refused with the usage", async (args, told) => {
  const { code, stderr } = await doctor(args);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(told) });
});

describe("of wrangler.toml", () => {
  let config: string;
  beforeAll(async () => {
    config = await readFile(join(dir, "wrangler.toml"), "utf8");
  });

  async function examine(changed: string) {
    expect(changed).not.toBe(config);
    await writeFile(join(dir, "changed.toml"), changed);
    return doctor(`--url ${latchkey.url} --config changed.toml`);
  }

  test("each wrong setting is named, with what it may be", async () => {
    const wrong = config
      .replace(/^REVOCATION_SECONDS = .*$/m, "REVOCATION_SECONDS = 0")
      .replace(/^OAUTH_ALGORITHMS = .*$/m, 'OAUTH_ALGORITHMS = ["HS256"]')
      .replace(/^WEBHOOK_URL = ""/m, 'WEBHOOK_URL = "https://10.0.0.1"');
    const { code, faults } = await examine(wrong);
    expect(code).toBe(1);
    expect(faults.join("\n")).toMatch(/REVOCATION_SECONDS must be a whole number from 1 to 3600/);
    expect(faults.join("\n")).toMatch(/OAUTH_ALGORITHMS must be asymmetric/);
    expect(faults.join("\n")).toMatch(/WEBHOOK_URL must be an https URL of a public host/);
  });

  test("two limits that count together are a fault, and one that is missing is told", async () => {
    const { faults } = await examine(config.replace('namespace_id = "1002"', 'namespace_id = "1001"'));
    expect(faults).toEqual([
      expect.stringContaining("FAILURES_LIMIT has the namespace_id 1001 of another limit"),
    ]);
    const { code, stdout } = await examine(config.replace('"FAILURES_LIMIT"', '"FAILURES"'));
    expect(code).toBe(0);
    expect(stdout).toContain("There is no FAILURES_LIMIT: nobody who guesses keys is slowed down");
  });

  test("a queue that loses what fails, and a cron that is missing, are faults", async () => {
    const { faults } = await examine(
      config
        .replace(/^dead_letter_queue = "latchkey-usage-dead".*$/m, "")
        .replace(/^crons = .*$/m, "crons = []"),
    );
    expect(faults).toEqual([
      expect.stringContaining("The queue latchkey-usage has no dead_letter_queue"),
      expect.stringContaining("A cron is missing"),
    ]);
  });

  test("what only a deployment needs is asked for a deployment alone: the database's id, an issuer of its own", async () => {
    const { faults } = await doctor("--url https://keys.example.invalid");
    expect(faults).toEqual([
      "✗ The database of DB has no database_id yet.",
      "✗ OAUTH_ISSUER is still the local issuer of `npm start`.",
      "✗ Nothing answers.",
    ]);
  });
});

describe("of a broken deployment", () => {
  let other: Running & { url: string };

  async function restart(overrides: Record<string, string>): Promise<void> {
    await (other ?? latchkey).stop();
    other = await startLatchkey(dir, { ...vars, ...overrides });
  }

  test("a redirect URI that is not registered, an audience without the URL, and a pepper that is missing are told, and what is overdue", async () => {
    const sql = `INSERT INTO api_keys (id, company_id, label, key_prefix, digest, generation, scopes, created_at)
      VALUES ('k', 'acme', 'x', 'lk_live_x', 'd', 'z', '[]', 1);
      INSERT INTO waiting_sums (part, id, since, sums) VALUES ('0', 'x', 1, '[]');
      INSERT INTO progress (job, done) VALUES ('retention', 1)`;
    await restart({ OAUTH_AUDIENCE: "urn:latchkey:management" });
    expect(await bash(dir, `npx wrangler d1 execute DB --local --command "${sql}"`)).toMatchObject({
      code: 0,
    });
    const { code, faults, stdout } = await doctor(`--url ${other.url}`, await asOperator());
    expect(code).toBe(1);
    expect(faults).toEqual([
      expect.stringMatching(/It is not ready: .*live keys whose pepper KEY_PEPPERS lacks/),
      ...["the dashboard", "the operator's pages"].map((pages) =>
        expect.stringContaining(
          `The issuer refuses to sign people in to ${pages}: it answers 400 and names the redirect URI`,
        ),
      ),
      "✗ KEY_PEPPERS lacks the pepper z: its live keys, 1 of them, are refused.",
      expect.stringMatching(/Uses wait since 1970-.* to be counted, in database 00/),
      expect.stringMatching(/What is old was last dropped at 1970-.*, in database 00/),
    ]);
    for (const path of ["/dashboard", "/operator/dashboard"])
      expect(stdout).toContain(`with the redirect URI ${other.url}${path}/callback`);
    expect(stdout).toContain(`Clients cannot find the issuer by ${other.url}`);
  });

  test("each part that wrong settings close is told, with the settings that it needs", async () => {
    await restart({
      KEY_PEPPERS: "x",
      OAUTH_ALGORITHMS: "HS256",
      OAUTH_CLIENT_AUTH: "x",
      OPERATOR_AUDIENCE: vars.OAUTH_AUDIENCE ?? "",
    });
    const { code, faults } = await doctor(`--url ${other.url}`);
    expect(code).toBe(1);
    for (const told of ["Verification", "The management API", "The dashboard", "The operator's API"])
      expect(faults.join("\n")).toContain(`${told} is closed`);
  });

  test("an issuer that is not who the settings say, or has no signing keys, is told", async () => {
    const impostor = await serverOf((path) =>
      JSON.stringify(
        path === "/jwks" ? { keys: [] } : { issuer: "https://other.example", jwks_uri: `${impostor}/jwks` },
      ),
    );
    const noPages = { OAUTH_CLIENT_ID: "", OPERATOR_CLIENT_ID: "" };
    await restart({ OAUTH_ISSUER: impostor, ...noPages });
    const { faults } = await doctor(`--url ${other.url}`);
    expect(faults.slice(-2)).toEqual([
      expect.stringContaining(
        `The issuer calls itself https://other.example, and OAUTH_ISSUER is ${impostor}`,
      ),
      expect.stringContaining(`The issuer's signing keys are not at ${impostor}/jwks`),
    ]);
    await restart({ OAUTH_ISSUER: `http://localhost:${await freePort()}`, ...noPages });
    expect((await doctor(`--url ${other.url}`)).faults.at(-1)).toMatch(
      /has no metadata at its well-known places/,
    );
  });
});
