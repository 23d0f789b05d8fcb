import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished, test } from "vitest";
import { experimental_readRawConfig } from "wrangler";
import { openApi } from "../../src/openapi/document.ts";
import { settingsOf } from "../support/settings.ts";

const run = promisify(execFile);

const RULES = `extends: ["spectral:oas"]
rules:
  # Who runs the service may not want to be named.
  info-contact: off
  # Wants scopes to be listed where an openIdConnect scheme has no place for them: they are the issuer's to list.
  oas3-operation-security-defined: off
`;

const WITHOUT = { LEAK_REPORT_KEYS_URL: "", SECURITY_CONTACT: "" };
const WITH = {
  OAUTH_AUDIENCE: ["urn:keys", "https://keys.dev", "https://keys.dev/settings"],
  LEAK_REPORT_KEYS_URL: "https://keys.example.org",
  SECURITY_CONTACT: "mailto:security@keys.dev",
};
const LINTERS: Record<"redocly" | "spectral", [string, ...string[]]> = {
  redocly: ["redocly", "lint", "--extends=recommended-strict", "openapi.json"],
  spectral: ["spectral", "lint", "--fail-severity=warn", "--ruleset=rules.yaml", "openapi.json"],
};

test.each([
  ["redocly", "every route", WITH],
  ["redocly", "what is off left out", WITHOUT],
  ["spectral", "every route", WITH],
  ["spectral", "what is off left out", WITHOUT],
] as const)("%s finds no fault in the document with %s", async (linter, _, settings) => {
  const directory = await mkdtemp(join(tmpdir(), "lint-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const { rawConfig } = experimental_readRawConfig({ config: "wrangler.toml" });
  const KEY_PEPPERS = JSON.stringify({ a: "a pepper of thirty-two characters or more" });
  const config = settingsOf({ ...rawConfig.vars, KEY_PEPPERS, DB: {}, USAGE: {}, ...settings });
  await writeFile(join(directory, "openapi.json"), JSON.stringify(openApi(config, "https://keys.dev")));
  await writeFile(join(directory, "rules.yaml"), RULES);
  const [name, ...args] = LINTERS[linter];
  // Rejects, with what the linter said, where its exit code is not 0.
  await run(join(process.cwd(), "node_modules/.bin", name), args, {
    cwd: directory,
    env: { PATH: process.env.PATH, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
  });
});
