import { examineService } from "./doctor-service.ts";
import { examineSettings } from "./doctor-settings.ts";
import { type Finding, isLoopback } from "./finding.ts";
import { main, readOptions } from "./local.ts";

const USAGE =
  "Usage: npm run doctor -- --url https://keys.example.com (or --local), with --config wrangler.toml and --env staging where they are others";
const LOCAL_URL = "http://localhost:8787";
const MARKS = { good: "✓", note: "–", fault: "✗" };

const say = (text: string) => process.stdout.write(`${text}\n`);

await main(async () => {
  const { url, local, config, env } = readOptions(
    {
      url: { type: "string" },
      local: { type: "boolean", default: false },
      config: { type: "string", default: "wrangler.toml" },
      env: { type: "string" },
    },
    USAGE,
  );
  if ((url === undefined) !== local) throw new Error(USAGE);
  const at = url ?? LOCAL_URL;
  if (!URL.canParse(at) || !/^https?:$/.test(new URL(at).protocol))
    throw new Error(`--url is no URL. ${USAGE}`);
  const { origin } = new URL(at);

  let faults = 0;
  const report = ({ is, says, mend }: Finding) => {
    if (is === "fault") faults += 1;
    say(`${MARKS[is]} ${says}${mend === undefined ? "" : `\n  ${mend}`}`);
  };
  say(`The settings in ${config}${env === undefined ? "" : `, environment ${env}`}:`);
  const { findings, hasOwnPlaces } = await examineSettings({ config, env, isLocal: isLoopback(origin) });
  for (const finding of findings) report(finding);
  say(`\nThe service at ${origin}:`);
  for await (const finding of examineService(origin, hasOwnPlaces, process.env.OPERATOR_TOKEN))
    report(finding);

  say(faults === 0 ? "\nNo fault was found." : `\n${faults === 1 ? "One fault" : `${faults} faults`}.`);
  if (faults > 0) process.exitCode = 1;
});
