import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { unstable_readConfig as readConfig } from "wrangler";
import { main, ROOT, readOptions, WRANGLER, WRANGLER_ENV } from "./local.ts";

const USAGE = "Usage: npm run migrate -- --remote (or --local) --config wrangler.toml";

/**
 * Brings all databases of a configuration up to date, one after the other. It ends with the first that fails: a second run
 * goes on from there, and the release that is deployed works with databases of either version meanwhile.
 *
 * @param place - Whether those of the account, or of this machine.
 * @param output - Of wrangler, which asks before it applies anything where it is shown.
 */
export async function migrate(
  config: string,
  place: "--remote" | "--local",
  output: "inherit" | "pipe" = "pipe",
): Promise<void> {
  const { d1_databases: databases }: { d1_databases: { binding: string }[] } = readConfig(
    { config: join(ROOT, config) },
    { hideWarnings: true },
  );
  for (const { binding } of databases) {
    const command = ["d1", "migrations", "apply", binding, place, "--config", config];
    const child = spawn(process.execPath, [WRANGLER, ...command], {
      cwd: ROOT,
      env: WRANGLER_ENV,
      stdio: [output === "pipe" ? "ignore" : "inherit", output, output],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (said += text));
    const [code] = await once(child, "exit");
    if (code !== 0)
      throw new Error(`${said}${binding} is not up to date. Run it again: it goes on from here`);
  }
}

if (import.meta.main) {
  await main(async () => {
    const { remote, local, config } = readOptions(
      {
        remote: { type: "boolean", default: false },
        local: { type: "boolean", default: false },
        config: { type: "string", default: "wrangler.toml" },
      },
      USAGE,
    );
    if (remote === local) throw new Error(`Either --remote or --local. ${USAGE}`);
    await migrate(config, remote ? "--remote" : "--local", "inherit");
  });
}
