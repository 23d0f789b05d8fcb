import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { blocksOf, rowsOf } from "../docs/markdown.ts";
import { startTestIssuer } from "../support/issuer.ts";
import {
  type Answer,
  bash,
  type CreatedKey,
  call,
  copyProject,
  freePort,
  isListening,
  signToken,
  start,
  startLatchkey,
} from "./support.ts";

/** Failed verifications go over the limit of wrangler.toml within this time. */
const LIMITED = { timeout: 60_000, interval: 1 };

const page = await readFile("docs/proxies.md", "utf8");

interface Proxy {
  name: string;
  /** Writes the page's recipes into `dir`. @returns The command that runs them. */
  setUp(dir: string, port: number, recipe: (language: string) => string): Promise<string[]>;
}

const proxies: Proxy[] = [
  {
    name: "nginx",
    async setUp(dir, port, recipe) {
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
      await writeFile(
        join(dir, "nginx.conf"),
        `daemon off; pid ${dir}/nginx.pid; error_log stderr; events {}
        http {
          access_log off;
          ${temporary.map((name) => `${name}_temp_path ${dir}/${name};`).join("\n")}
          server { listen ${port}; ${recipe("nginx")} }
        }`,
      );
      return ["nginx", "-e", "stderr", "-p", dir, "-c", join(dir, "nginx.conf")];
    },
  },
  {
    name: "Caddy",
    async setUp(dir, port, recipe) {
      const options = "{\n  admin off\n  auto_https off\n}\n";
      await writeFile(join(dir, "Caddyfile"), `${options}http://:${port} {\n${recipe("caddyfile")}}\n`);
      return ["caddy", "run", "--config", join(dir, "Caddyfile"), "--adapter", "caddyfile"];
    },
  },
  {
    name: "HAProxy",
    async setUp(dir, port, recipe) {
      await writeFile(join(dir, "latchkey.lua"), recipe("lua"));
      await writeFile(join(dir, "haproxy.cfg"), recipe("haproxy").replace(":8080", `:${port}`));
      return ["haproxy", "-f", join(dir, "haproxy.cfg")];
    },
  },
];

const isInstalled = ({ name }: Proxy) => spawnSync(name.toLowerCase(), ["-v"]).error === undefined;
const installed = proxies.filter(isInstalled);

/** An API of any kind: says what the proxy has told it of keys and companies, in whatever spelling. */
const api = createServer(({ method, headers }, response) => {
  const told = Object.entries(headers).filter(([name]) => /^x[-_](api|key|company)/.test(name));
  response.end(JSON.stringify({ method, ...Object.fromEntries(told) }));
});
afterAll(() => void api.close());

let dir: string;
let latchkey: Awaited<ReturnType<typeof startLatchkey>>;
const ports = new Map<string, number>();
let createKey: (more?: { scopes?: string[]; allowedIps?: string[] }) => Promise<CreatedKey>;
let manage: (method: string, path: string, body?: object) => Promise<Answer>;

beforeAll(async () => {
  dir = await copyProject();
  const issuer = await startTestIssuer();
  expect(await bash(dir, "npm run setup")).toMatchObject({ code: 0 });
  latchkey = await startLatchkey(dir, { OAUTH_ISSUER: issuer.url });
  const claims = { aud: "urn:latchkey:management", company_id: "acme", scope: "api-keys:write" };
  const token = await signToken(issuer, "ES256", "at+jwt", claims);
  manage = async (method, path, body) => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const answer = await call(`${latchkey.url}/settings/api-keys${path}`, init);
    expect(answer.status).toBeLessThan(300);
    return answer;
  };
  createKey = async (more) =>
    (await manage("POST", "", { label: "A key", scopes: ["jobs:read"], ...more })).body as CreatedKey;

  api.listen(0, "localhost");
  await once(api, "listening");
  for (const { name, setUp } of installed) {
    const port = await freePort();
    const recipe = (language: string) =>
      (blocksOf(page, language)[0] ?? "")
        .replace("localhost:3000", `localhost:${(api.address() as AddressInfo).port}`)
        .replace(/(localhost|127\.0\.0\.1):8787/, `$1:${latchkey.port}`);
    const [command = "", ...args] = await setUp(dir, port, recipe);
    start(dir, command, ...args);
    while (!(await isListening(port))) await setTimeout(50);
    ports.set(name, port);
  }
});

interface Sent {
  method?: string;
  headers?: Record<string, string>;
  /** Where the caller is; every address of 127.0.0.0/8 is this machine. */
  from?: string;
}

async function ask(
  { name }: Proxy,
  { method = "GET", headers = {}, from = "127.0.0.1" }: Sent,
): Promise<Answer> {
  const target = { host: "127.0.0.1", port: ports.get(name), path: "/jobs/1", localAddress: from };
  const [answer]: IncomingMessage[] = await once(
    request({ ...target, method, headers, agent: false }).end(),
    "response",
  );
  if (answer === undefined) throw new Error("no answer");
  const text = (await Array.fromAsync(answer.setEncoding("utf8"))).join("");
  const told = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, `${value}`]);
  const body = answer.statusCode === 200 ? JSON.parse(text) : text;
  return { status: answer.statusCode ?? 0, headers: new Headers(told), body };
}

const present = (proxy: Proxy, rawKey: string, more: Sent = {}) =>
  ask(proxy, { ...more, headers: { ...more.headers, "X-API-Key": rawKey } });

/** What the page says that this caller sees. */
function told({ name }: Proxy, caller: string): string | undefined {
  const names = proxies.map((proxy) => proxy.name);
  const [, ...cells] = rowsOf(page, "the caller sends", ...names).find(([first]) => first === caller) ?? [];
  return cells[names.indexOf(name)];
}

/** An answer, in the words of the page. */
function inWords({ status, headers, body }: Answer): string {
  if (status === 200) return body instanceof Object && "method" in body ? "the API's answer" : "not the API";
  return Number(headers.get("Retry-After")) > 0 ? `${status}, \`Retry-After\`` : `${status}`;
}

const FORGED = `lk_live_${"x".repeat(50)}`;

/** The headers of the page that say whose a key is. */
const IDENTITY = [...(rowsOf(page, "status", "meaning")[0]?.[2] ?? "").matchAll(/\bX-[\w-]+/g)].map(String);

/** What a caller might want the API to believe. */
const LIES = Object.fromEntries(
  IDENTITY.flatMap((name) => [name, name.replaceAll("-", "_")]).map((name) => [name, "a lie"]),
);

const callers: Record<string, (proxy: Proxy) => Promise<Answer>> = {
  "a valid key": async (proxy) => present(proxy, (await createKey()).rawKey),
  "a browser's pre-flight": (proxy) =>
    ask(proxy, {
      method: "OPTIONS",
      headers: { Origin: "https://app.example", "Access-Control-Request-Method": "POST" },
    }),
  "no key": (proxy) => ask(proxy, {}),
  "a forged key": (proxy) => present(proxy, FORGED),
  async "a revoked key"(proxy) {
    const { id, rawKey } = await createKey();
    await manage("DELETE", `/${id}`);
    return present(proxy, rawKey);
  },
  async "a suspended key"(proxy) {
    const { id, rawKey } = await createKey();
    await manage("POST", `/${id}/suspend`);
    return present(proxy, rawKey);
  },
  "a key without the scope": async (proxy) =>
    present(proxy, (await createKey({ scopes: ["jobs:write"] })).rawKey),
  async "a key with `allowedIps`, from one of them"(proxy) {
    const { rawKey } = await createKey({ allowedIps: ["127.0.3.0/24"] });
    return present(proxy, rawKey, { from: "127.0.3.1" });
  },
  async "a key with `allowedIps`, from elsewhere"(proxy) {
    const { rawKey } = await createKey({ allowedIps: ["127.0.3.0/24"] });
    return present(proxy, rawKey, { from: "127.0.4.1" });
  },
};

describe.each(proxies)("$name, set up as docs/proxies.md has it,", (proxy) => {
  const number = proxies.indexOf(proxy);

  test.skipIf(!isInstalled(proxy)).each(Object.entries(callers))(
    "answers as the page says: %s",
    async (caller, sends) => {
      const answer = await sends(proxy);
      expect(inWords(answer)).toBe(told(proxy, caller));
      expect(answer.headers.has("WWW-Authenticate")).toBe(answer.status === 401);
    },
  );

  test.skipIf(!isInstalled(proxy))(
    "tells the API whose the key is, but not the key, whatever the caller says",
    async () => {
      const { id, rawKey } = await createKey();
      const { body } = await present(proxy, rawKey, { headers: LIES });
      expect(body).toEqual({
        method: "GET",
        "x-key-id": id,
        "x-company-id": "acme",
        "x-key-scopes": "jobs:read",
        "x-key-checked-at": expect.stringMatching(/Z$/),
      });
      const preflight = await present(proxy, FORGED, { method: "OPTIONS", headers: LIES });
      expect(preflight.body).toEqual({ method: "OPTIONS" });
    },
  );

  test.skipIf(!isInstalled(proxy)).each(["POST", "DELETE"])(
    "asks by GET for a caller's %s, and so never revokes",
    async (method) => {
      const { rawKey } = await createKey();
      for (let i = 0; i < 2; i++) {
        expect(await present(proxy, rawKey, { method })).toMatchObject({ status: 200, body: { method } });
      }
    },
  );

  test.skipIf(!isInstalled(proxy))(
    "tells Latchkey the caller's address: too many failures of one do not limit another",
    async () => {
      const from = `127.0.1.${number + 1}`;
      await vi.waitFor(async () => {
        const answer = await present(proxy, FORGED, { from });
        expect(inWords(answer)).toBe(told(proxy, "too many forged keys"));
      }, LIMITED);
      expect((await present(proxy, FORGED, { from: `127.0.2.${number + 1}` })).status).toBe(401);
    },
  );
});

describe("what Traefik and Envoy ask by the page's recipes", () => {
  const [traefik, envoy] = blocksOf(page, "yaml").map((recipe) => parse(recipe));
  const { verify, hide, anonymous } = traefik.http.middlewares;
  const [{ typed_config: mutation }, { typed_config: extAuthz }] = envoy.http_filters;
  const pathOfTraefik = verify.forwardAuth.address.replace("http://localhost:8787", "");
  /** What the caller sent, which Traefik passes on, and Envoy in part. */
  const ofCaller = { Authorization: "Bearer a.j.wt", Cookie: "session=1", Accept: "*/*", ...LIES };
  const ofTraefik = (method: string) => ({
    ...ofCaller,
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Host": "api.example",
    "X-Forwarded-Method": method,
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Server": "traefik",
    "X-Forwarded-Uri": "/jobs/1?page=2",
    "X-Real-Ip": "192.0.2.1",
  });
  const ofEnvoy = {
    Authorization: "Bearer a.j.wt",
    "X-Envoy-Internal": "true",
    "X-Forwarded-For": "192.0.2.1",
  };

  const ask = (method: string, path: string, headers: object, rawKey: string) =>
    call(new URL(path, latchkey.url).href, { method, headers: { ...headers, "X-API-Key": rawKey } });

  test.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])(
    "by %s is answered, and revokes nothing",
    async (method) => {
      const { id, rawKey } = await createKey();
      const questions = [
        ["GET", pathOfTraefik, ofTraefik(method)],
        [method, pathOfTraefik, ofTraefik(method)],
        [method, extAuthz.http_service.path_override, ofEnvoy],
      ] as const;
      for (const [asked, path, headers] of questions) {
        const good = await ask(asked, path, headers, rawKey);
        expect([good.status, good.headers.get("X-Key-Id")]).toEqual([200, id]);
        expect((await ask(asked, path, headers, FORGED)).status).toBe(401);
      }
    },
  );

  test("may have the caller's path behind Envoy's prefix, but not its query", async () => {
    const { rawKey } = await createKey();
    expect((await ask("POST", "/public/v1/verify/jobs/1", ofEnvoy, rawKey)).status).toBe(200);
    expect((await ask("POST", "/public/v1/verify/jobs/1?page=2", ofEnvoy, rawKey)).status).toBe(400);
  });

  test("cannot name the caller's address: keys with allowedIps are refused", async () => {
    const { rawKey } = await createKey({ allowedIps: ["192.0.2.1"] });
    expect((await ask("GET", pathOfTraefik, ofTraefik("GET"), rawKey)).status).toBe(403);
  });

  test("and the recipes drop every header of the caller that says whose a key is", () => {
    expect(verify.forwardAuth.authResponseHeaders).toEqual(IDENTITY);
    expect(Object.keys(anonymous.headers.customRequestHeaders)).toEqual(IDENTITY);
    const inOtherSpelling = IDENTITY.map((name) => name.replaceAll("-", "_"));
    expect(Object.keys(hide.headers.customRequestHeaders)).toEqual(["X-API-Key", ...inOtherSpelling]);
    const removed = mutation.mutations.request_mutations.map(({ remove }: { remove: string }) => remove);
    expect(removed).toEqual(IDENTITY.map((name) => name.toLowerCase()));
  });
});

describe("while Latchkey cannot tell", () => {
  const unread = new Map<string, CreatedKey>();

  beforeAll(async () => {
    for (const { name } of installed) unread.set(name, await createKey());
    const drop = 'npx wrangler d1 execute DB --local --command "ALTER TABLE api_keys RENAME TO gone"';
    expect(await bash(dir, drop)).toMatchObject({ code: 0 });
  });

  test.each(installed)("$name answers as the page says", async (proxy) => {
    const answer = await present(proxy, unread.get(proxy.name)?.rawKey ?? "");
    expect(inWords(answer)).toBe(told(proxy, "a key, while Latchkey cannot tell"));
  });
});

describe("while Latchkey is down", () => {
  beforeAll(() => latchkey.stop());

  test.each(installed)("$name answers as the page says", async (proxy) => {
    const answer = await present(proxy, FORGED);
    expect(inWords(answer)).toBe(told(proxy, "a key, while Latchkey is down"));
  });
});

test("the page says what each caller sees, and nothing else", () => {
  const listed = rowsOf(page, "the caller sends", ...proxies.map(({ name }) => name)).map(
    ([caller]) => caller,
  );
  const others = [
    "too many forged keys",
    "a key, while Latchkey cannot tell",
    "a key, while Latchkey is down",
  ];
  expect(listed).toEqual([...Object.keys(callers), ...others]);
});
