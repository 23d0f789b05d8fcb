import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { startLocalIssuer, startTestIssuer } from "./test/support/issuer.ts";

/** A file system in memory, where there is one. */
const MEMORY = "/dev/shm";

/** What is asked of every route alike. */
const OF_ROUTES = ["test/app/*.test.ts", "test/{openapi/walk,http/query,operator/access}.test.ts"];

/** Tests that run inside workerd. @param groupOrder - Projects run one after the other. */
function workerd(name: string, groupOrder: number, include: string[], exclude: string[] = []) {
  return {
    plugins: [
      cloudflareTest(async () => {
        // Of the database, which waits for a disk at each commit.
        if (existsSync(MEMORY)) process.env.TMPDIR = MEMORY;
        const issuer = await startTestIssuer();
        const localIssuer = await startLocalIssuer();
        return {
          wrangler: { configPath: "./wrangler.toml" },
          miniflare: {
            // Many tests call for one company; the limits have tests of their own.
            ratelimits: {
              MANAGEMENT_LIMIT: { namespace_id: "1", simple: { limit: 1_000_000, period: 60 } },
              FAILURES_LIMIT: { namespace_id: "2", simple: { limit: 20, period: 60 } },
            },
            // A queue that nobody consumes: what one test sends must not be worked off during another.
            queueProducers: { USAGE: "unconsumed", EVENT_QUEUE: "unconsumed" },
            d1Databases: { TEST_DB_01: "test-01", TEST_DB_02: "test-02" },
            bindings: {
              OAUTH_ISSUER: issuer.url,
              OPERATOR_AUDIENCE: "urn:latchkey:operator",
              IMPORTED_KEY_PATTERN: "old_[0-9A-Za-z]{40}",
              KEY_PEPPERS: JSON.stringify({
                a: "a retired pepper of 32 characters or more",
                b: "the newest pepper, of 32 characters or more",
              }),
              TEST_MIGRATIONS: await readD1Migrations("./migrations"),
              TEST_SIGNING_KEYS: issuer.signingKeys,
              TEST_LOCAL_ISSUER: localIssuer,
            },
          },
        };
      }),
    ],
    test: {
      name,
      include,
      exclude,
      setupFiles: ["./test/support/setup.ts"],
      isolate: false,
      maxWorkers: 3, // some wait
      // Also on a machine that has other things to do.
      testTimeout: 30_000,
      hookTimeout: 30_000,
      sequence: { groupOrder },
    },
  };
}

/** Rules are tested inside workerd; what needs real processes is tested from Node, in `test/e2e`. */
export default defineConfig({
  test: {
    silent: "passed-only",
    projects: [
      workerd(
        "workerd",
        0,
        ["test/**/*.test.ts"],
        [...OF_ROUTES, "test/{e2e,browser}/**", "test/**/*.node.test.ts"],
      ),
      workerd("routes", 1, OF_ROUTES),
      {
        test: {
          name: "node",
          include: ["test/e2e/**/*.test.ts", "test/**/*.node.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          env: { TMPDIR: tmpdir() },
          fileParallelism: false,
          sequence: { groupOrder: 2 }, // alone on the machine: real time passes in them
        },
      },
    ],
    coverage: {
      provider: "istanbul",
      include: ["src/**/*.{ts,tsx}"],
      exclude: ["src/dashboard/words/{en,de}/*.ts"], // texts: test/dashboard/words.node.test.ts holds them against each other
      thresholds: { lines: 95, branches: 95 },
      reporter: ["text", "json-summary"],
    },
  },
});
