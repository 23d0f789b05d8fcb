import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { READY_MS } from "../../src/health/routes.ts";
import { appWith, call, manage } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { expectError, logged } from "../support/expect.ts";

const failing = (fail: () => void | Promise<void>) => appWith({ DB: hooked(env.DB, fail) });
const down = failing(() => {
  throw new Error("D1_ERROR: Network connection lost.");
});

test.each([
  ["a dead database", down],
  ["wrong settings", appWith({ OAUTH_ISSUER: "nonsense" })],
])("/health says that the Worker is alive, also with %s", async (_, target) => {
  const answer = await call("/health", {}, target);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ status: "ok" });
});

test("/health/ready is 200 where the database answers and the settings are good", async () => {
  const answer = await call("/health/ready");
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ status: "ok" });
});

test("/health/ready says whether the issuer's keys are held, and fetches none", async () => {
  const target = appWith({});
  const fetched = vi.spyOn(globalThis, "fetch");
  expect(await (await call("/health/ready", {}, target)).json()).toMatchObject({ issuerKeys: "not held" });
  expect(fetched).not.toHaveBeenCalled();
  await manage("/settings/scopes", { target });
  expect(await (await call("/health/ready", {}, target)).json()).toMatchObject({ issuerKeys: "held" });
});

test("/health/ready is 503 with Retry-After where the database fails", async () => {
  const lines = logged();
  const answer = await call("/health/ready", {}, down);
  await expectError(answer, "UNAVAILABLE", "/health/ready");
  expect(answer.headers.get("Retry-After")).toBe("5");
  expect(lines.join()).toContain("Network connection lost");
});

test("/health/ready is 503 where the database does not answer in time", async () => {
  logged();
  vi.useFakeTimers();
  const answer = call(
    "/health/ready",
    {},
    failing(() => new Promise(() => {})),
  );
  await vi.advanceTimersByTimeAsync(READY_MS);
  await expectError(await answer, "UNAVAILABLE");
});

test("/health/ready is 503 where a setting is wrong, and the log names it", async () => {
  const lines = logged();
  await expectError(await call("/health/ready", {}, appWith({ OAUTH_ISSUER: "nonsense" })), "UNAVAILABLE");
  expect(lines.join()).toContain("OAUTH_ISSUER: ");
});

test("a flood of /health/ready is one read of the database in five seconds", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  let reads = 0;
  const target = failing(() => void reads++);
  const answers = await Promise.all(Array.from({ length: 200 }, () => call("/health/ready", {}, target)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  for (let i = 0; i < 200; i++) await call("/health/ready", {}, target);
  expect(reads).toBe(1);
});
