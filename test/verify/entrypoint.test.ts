import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { ApiKeyVerifier } from "../../src/index.ts";
import type { VerifyOptions } from "../../src/verify/contract.ts";
import { call, createKey } from "../support/api.ts";
import { logged } from "../support/expect.ts";

test("a Worker with a service binding gets verdicts by RPC", async () => {
  const key = await createKey({ scopes: ["jobs:read"] });
  expect(await exports.ApiKeyVerifier.verify(key.rawKey, { scopes: ["jobs:read"] })).toEqual({
    valid: true,
    key: { id: key.id, companyId: "acme", scopes: ["jobs:read"], expiresAt: null, metadata: {} },
    checkedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    stale: false,
  });
  expect(await exports.ApiKeyVerifier.verify(key.rawKey, { scopes: ["jobs:write"] })).toEqual({
    valid: false,
    error: "FORBIDDEN",
    message: "Missing scope: jobs:write",
  });
  expect(await exports.ApiKeyVerifier.verify("lk_live_x")).toMatchObject({
    valid: false,
    error: "UNAUTHORIZED",
  });
});

test("what is not a string is not a key", async () => {
  for (const odd of [undefined, null, 1, {}, [], ["lk_live_x"]]) {
    const verdict = await exports.ApiKeyVerifier.verify(odd as unknown as string);
    expect(verdict).toMatchObject({ valid: false, error: "UNAUTHORIZED" });
  }
});

test("odd options never open", async () => {
  const { rawKey } = await createKey({ scopes: ["jobs:read"] });
  for (const scopes of ["jobs:read", {}, 1, [1], [null], [["jobs:read"]]]) {
    const verdict = await exports.ApiKeyVerifier.verify(rawKey, { scopes } as unknown as VerifyOptions);
    expect(verdict).toMatchObject({ valid: false, error: expect.stringMatching("FORBIDDEN|UNAVAILABLE") });
  }
});

test.each([
  ["null", null],
  ["an array of scopes", ["webhooks:manage"]],
  ["a text", "webhooks:manage"],
  ["`scope` for `scopes`", { scope: ["webhooks:manage"] }],
  ["an object that filters by itself", { scopes: { filter: () => [], length: 0 } }],
  ["a text as scopes", { scopes: "jobs:read" }],
  ["an empty scope", { scopes: [""] }],
  ["a scope that the catalogue does not have", { scopes: ["jobs:raed"] }],
  ["an unknown consistency", { consistency: "STRONG" }],
  ["an address that is no text", { clientIp: 1 }],
])("a wrong question is never a yes: %s", async (_, options) => {
  const { rawKey } = await createKey({ scopes: ["jobs:read"] });
  const lines = logged();
  const ask = () => exports.ApiKeyVerifier.verify(rawKey, options as unknown as VerifyOptions);
  const verdict = await ask().catch(() => ({ valid: false, error: "it cannot even be sent" }));
  expect(verdict.valid).toBe(false);
  if ("message" in verdict) {
    expect(verdict).toMatchObject({
      error: "UNAVAILABLE",
      message: expect.stringMatching(/^Wrong question: /),
    });
    expect(lines.join()).toContain("verify_misused");
  }
});

test("a wrong question is told to the log with the Worker that asked it", async () => {
  const lines = logged();
  const ask = exports.ApiKeyVerifier({ props: { worker: "jobs-api" } }).verify;
  await ask("k", { scopes: ["jobs:raed"] });
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ event: "verify_misused", worker: "jobs-api" });
});

test.each([undefined, null, []])("scopes of %j ask for none", async (scopes) => {
  const { rawKey } = await createKey();
  const verdict = await exports.ApiKeyVerifier.verify(rawKey, { scopes } as unknown as VerifyOptions);
  expect(verdict).toMatchObject({ valid: true });
});

test("a refused genuine key is one line of the log, whether asked by HTTP or RPC, with the Worker that asked", async () => {
  const lines = logged();
  const made = [await createKey(), await createKey()];
  const refused = (i: number, worker?: string) => ({
    event: "key_refused",
    keyId: made[i]?.id,
    keyPrefix: made[i]?.keyPrefix,
    companyId: "acme",
    error: "FORBIDDEN",
    reason: "scope",
    ...(worker && { worker }),
  });
  for (let i = 0; i < 2; i++) {
    await exports
      .ApiKeyVerifier({ props: { worker: "jobs-api" } })
      .verify(made[0]?.rawKey ?? "", { scopes: ["jobs:write"] });
    await call("/public/v1/verify?scope=jobs:write", { headers: { "X-API-Key": made[1]?.rawKey ?? "" } });
  }
  const told = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === "key_refused");
  expect(told).toEqual([refused(0, "jobs-api"), refused(1)]);
});

test.each([[{}], [{ worker: 1 }], [{ name: "jobs-api" }]])(
  "a binding whose props are %j names no Worker, and is answered",
  async (props) => {
    const { rawKey } = await createKey();
    const lines = logged();
    const verify = exports.ApiKeyVerifier({ props }).verify;
    expect(await verify(rawKey, { scopes: ["jobs:write"] })).toMatchObject({ error: "FORBIDDEN" });
    expect(JSON.parse(lines[0] ?? "")).not.toHaveProperty("worker");
  },
);

test("verify is the one thing that RPC exposes", () => {
  expect(Object.getOwnPropertyNames(ApiKeyVerifier.prototype)).toEqual(["constructor", "verify"]);
});
