import { expect, test, vi } from "vitest";

test("the Workers of npm start find each other in a registry of this checkout, unless one is set", async () => {
  vi.stubEnv("WRANGLER_REGISTRY_PATH", undefined);
  const { ROOT, WRANGLER_ENV } = await import("../../examples/local/local.ts");
  expect(WRANGLER_ENV.WRANGLER_REGISTRY_PATH).toBe(`${ROOT}/.wrangler/registry`);
});
