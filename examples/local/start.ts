import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { DASHBOARD, makeSecrets, startIssuer } from "./issuer.ts";
import {
  COMPANIES,
  EXAMPLE_CONFIG,
  main,
  OPERATOR,
  ROOT,
  readOptions,
  readState,
  WRANGLER,
  WRANGLER_ENV,
  writeState,
} from "./local.ts";
import { setup } from "./setup.ts";

const USAGE = "Usage: npm start -- --port 8787 --example-port 8788 --issuer-port 9400 --databases 1";
const START_MS = 60_000;
const STOP_MS = 5_000;
const POLL_MS = 200;
const LOG_MS = 200;
const SHOWN_LINES = 20;
const MAX_PORT = 65_535;
const MAX_DATABASES = 16;

interface Worker {
  name: string;
  child: ChildProcess;
  /** What it has said while it starts: shown if it fails, forgotten once it answers. */
  startLog: string[] | undefined;
}

interface Urls {
  latchkey: string;
  example: string;
  issuer: string;
}

await main(async () => {
  const { port, examplePort, issuerPort, databases } = await startOptions();
  const config = await setup(databases);
  const latchkey = `http://localhost:${port}`;
  const operatorAudience = `${latchkey}/operator`;
  const secrets = (await readState())?.secrets ?? makeSecrets();
  const issuer = await startIssuer({
    port: issuerPort,
    latchkey,
    audience: latchkey,
    operatorAudience,
    secrets,
  });
  await writeState({ issuerUrl: issuer.url, secrets });

  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop.abort());
  const workers = [
    startWorker(
      "latchkey",
      "--config",
      config,
      "--port",
      `${port}`,
      ...asVars({
        OAUTH_ISSUER: issuer.url,
        OAUTH_AUDIENCE: latchkey,
        OPERATOR_AUDIENCE: operatorAudience,
        OAUTH_CLIENT_ID: DASHBOARD,
        OAUTH_CLIENT_SECRET: secrets.clients[DASHBOARD] ?? "",
        OAUTH_LOGIN_PARAMETERS: JSON.stringify({ prompt: "consent" }), // else no refresh token
      }),
    ),
    startWorker("job-listings", "--port", `${examplePort}`, "--config", EXAMPLE_CONFIG),
  ];
  try {
    await watch(
      workers,
      { latchkey, example: `http://localhost:${examplePort}`, issuer: issuer.url },
      stop.signal,
    );
  } finally {
    stop.abort();
    await Promise.all(workers.map(endWorker));
    issuer.server.close();
    issuer.server.closeAllConnections();
  }
});

/** Says when all answer, and goes on until it is told to stop or a Worker ends. */
async function watch(workers: Worker[], urls: Urls, signal: AbortSignal): Promise<void> {
  const stopped = once(signal, "abort");
  const ended = Promise.race(workers.map(failWhenEnded));
  const ready = Promise.all([
    answers("Latchkey", `${urls.latchkey}/settings/scopes`, signal),
    // Refused with 401 once the binding to Latchkey is there, with 503 before.
    answers("job-listings", `${urls.example}/public/v1/job-listings`, signal, { "X-API-Key": "none" }),
  ]);
  try {
    // The log of the last question is still on its way.
    await Promise.race([ready, ended, stopped]).finally(() => setTimeout(LOG_MS));
  } catch (error) {
    for (const { startLog } of workers) process.stderr.write(startLog?.slice(-SHOWN_LINES).join("") ?? "");
    throw error;
  }
  for (const worker of workers) worker.startLog = undefined;
  if (!signal.aborted) process.stdout.write(instructions(urls));
  await Promise.race([ended, stopped]);
}

async function startOptions() {
  const options = readOptions(
    {
      port: { type: "string", default: "8787" },
      "example-port": { type: "string", default: "8788" },
      "issuer-port": { type: "string", default: "9400" },
      databases: { type: "string", default: "1" },
    },
    USAGE,
  );
  const port = await freePort("Latchkey", "--port", options.port);
  const examplePort = await freePort("job-listings", "--example-port", options["example-port"]);
  const issuerPort = await freePort("the issuer", "--issuer-port", options["issuer-port"]);
  if (new Set([port, examplePort, issuerPort]).size < 3) throw new Error(`The ports must differ. ${USAGE}`);
  const databases = Number(options.databases);
  if (!Number.isInteger(databases) || databases < 1 || databases > MAX_DATABASES)
    throw new Error(`--databases is a number up to ${MAX_DATABASES}. ${USAGE}`);
  return { port, examplePort, issuerPort, databases };
}

/** The port, if it is one and nobody listens there. */
async function freePort(owner: string, option: string, value: string): Promise<number> {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > MAX_PORT) {
    throw new Error(`${option} ${value} is not a port. ${USAGE}`);
  }
  const socket = connect(port, "localhost");
  const inUse = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  if (inUse) throw new Error(`port ${port} (${owner}, ${option}) is in use`);
  return port;
}

function asVars(vars: Record<string, string>): string[] {
  return Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
}

function startWorker(name: string, ...args: string[]): Worker {
  const child = spawn(process.execPath, [WRANGLER, "dev", "--inspector-port", "0", ...args], {
    cwd: ROOT,
    env: WRANGLER_ENV,
    detached: true, // leads a group of its own, so that nothing it starts outlives it
    stdio: ["ignore", "pipe", "pipe"],
  });
  process.on("exit", () => signalGroup(child, "SIGKILL"));
  const worker: Worker = { name, child, startLog: [] };
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (raw) => {
      if (raw === "") return;
      const line = `${name.padEnd(12)}  ${raw.replace("[wrangler:info] ", "")}\n`;
      if (worker.startLog) worker.startLog.push(line);
      else process.stdout.write(line);
    });
  }
  return worker;
}

async function failWhenEnded({ name, child }: Worker): Promise<never> {
  await once(child, "exit");
  throw new Error(`${name} has ended`);
}

async function endWorker({ child }: Worker): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  signalGroup(child, "SIGINT");
  await Promise.race([exit, setTimeout(STOP_MS, undefined, { ref: false })]);
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

/** Resolves when `url` is answered by more than a 5xx. A 500 of the Worker itself will not get better. */
async function answers(name: string, url: string, signal: AbortSignal, headers: Record<string, string> = {}) {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    const response = await fetch(url, { headers, signal }).catch(() => undefined);
    if (response && response.status < 500) return;
    const isOwn = response?.headers.get("Content-Type")?.startsWith("application/json");
    if (response?.status === 500 && isOwn) throw new Error(`${name} fails: see above`);
    await setTimeout(POLL_MS, undefined, { signal });
  }
  throw new Error(`${name} does not answer at ${url}`);
}

function instructions({ latchkey, example, issuer }: Urls): string {
  const users = [...COMPANIES.values()].map(({ user }) => user).join(", ");
  return `
Latchkey      ${latchkey}
job-listings  ${example}
issuer        ${issuer}  (${users})
dashboard     ${latchkey}/dashboard
operator      ${latchkey}/operator/dashboard  (${OPERATOR})

In another terminal, get an access token, create a key with it, and call the example with the key:

TOKEN=$(npm run -s token -- --company acme --scope "api-keys:read api-keys:write")

CREATED=$(curl -s ${latchkey}/settings/api-keys -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{"label":"My first key","scopes":["jobs:read"]}'); echo "$CREATED"

curl -s ${example}/public/v1/job-listings -H "X-API-Key: $(node -p 'JSON.parse(process.argv[1]).rawKey' "$CREATED")"

Then revoke it, and the same call is refused:

curl -s -X DELETE ${latchkey}/settings/api-keys/$(node -p 'JSON.parse(process.argv[1]).id' "$CREATED") -H "Authorization: Bearer $TOKEN"

Ctrl-C stops everything.
`;
}
