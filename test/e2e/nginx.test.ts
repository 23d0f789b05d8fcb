import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startTestIssuer } from "../support/issuer.ts";
import {
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

function hasNginx(): boolean {
  try {
    execFileSync("nginx", ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** An API of any kind: says what nginx has told it. */
const upstream = createServer(({ method, headers }, response) => {
  const told = Object.entries(headers).filter(([name]) => name.startsWith("x-"));
  response.end(JSON.stringify({ method, ...Object.fromEntries(told) }));
});
afterAll(() => void upstream.close());

describe.skipIf(!hasNginx())("nginx, set up as docs/proxies.md has it,", () => {
  let jobs: string;
  let latchkey: Awaited<ReturnType<typeof startLatchkey>>;
  let createKey: (scope: string) => Promise<CreatedKey>;

  beforeAll(async () => {
    const dir = await copyProject();
    const issuer = await startTestIssuer();
    expect(await bash(dir, "npm run setup")).toMatchObject({ code: 0 });
    latchkey = await startLatchkey(dir, { OAUTH_ISSUER: issuer.url });
    const claims = { aud: "urn:latchkey:management", company_id: "acme", scope: "api-keys:write" };
    const token = await signToken(issuer, "ES256", "at+jwt", claims);
    createKey = async (scope) => {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const body = JSON.stringify({ label: "A key", scopes: [scope] });
      return (await call(`${latchkey.url}/settings/api-keys`, { method: "POST", headers, body }))
        .body as CreatedKey;
    };

    await new Promise<void>((resolve) => upstream.listen(0, "localhost", resolve));
    const port = await freePort();
    jobs = `http://localhost:${port}/jobs/1`;
    const recipe =
      /```nginx\n([\s\S]*?)```/.exec(await readFile(join(dir, "docs/proxies.md"), "utf8"))?.[1] ?? "";
    const locations = recipe
      .replace("localhost:3000", `localhost:${(upstream.address() as AddressInfo).port}`)
      .replace("localhost:8787", `localhost:${latchkey.port}`);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    await writeFile(
      join(dir, "nginx.conf"),
      `daemon off; pid ${dir}/nginx.pid; error_log stderr; events {}
      http {
        access_log off;
        ${temporary.map((name) => `${name}_temp_path ${dir}/${name};`).join("\n")}
        server { listen ${port}; ${locations} }
      }`,
    );
    start(dir, "nginx", "-e", "stderr", "-p", dir, "-c", join(dir, "nginx.conf"));
    while (!(await isListening(port))) await setTimeout(50);
  });

  test("lets a good key pass, and tells the API whose it is but not the key, whatever the caller says", async () => {
    const { id, rawKey } = await createKey("jobs:read");
    const lies = { "X-Key-Id": "1", "X-Company-Id": "globex", "X-Key-Scopes": "jobs:write" };
    const answer = await call(jobs, { headers: { "X-API-Key": rawKey, ...lies } });
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({
      method: "GET",
      "x-key-id": id,
      "x-company-id": "acme",
      "x-key-scopes": "jobs:read",
    });
  });

  test("answers 401 without a key or with a bad one, 403 without the scope", async () => {
    const { rawKey } = await createKey("jobs:write");
    expect((await call(jobs)).status).toBe(401);
    expect((await call(jobs, { headers: { "X-API-Key": "lk_live_x" } })).status).toBe(401);
    expect((await call(jobs, { headers: { "X-API-Key": rawKey } })).status).toBe(403);
  });

  test.each(["POST", "DELETE"])("asks by GET for a caller's %s, and so never revokes", async (method) => {
    const { rawKey } = await createKey("jobs:read");
    for (let i = 0; i < 2; i++) {
      const answer = await call(jobs, { method, headers: { "X-API-Key": rawKey } });
      expect(answer).toMatchObject({ status: 200, body: { method } });
    }
  });

  test("answers 429 with Retry-After over the limit, and 503 while Latchkey is down", async () => {
    const headers = { "X-API-Key": `lk_live_${"x".repeat(50)}` };
    await vi.waitFor(async () => {
      const answer = await call(jobs, { headers });
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    }, LIMITED);
    await latchkey.stop();
    expect((await call(jobs, { headers })).status).toBe(503);
  });
});
