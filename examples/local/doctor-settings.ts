import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { unstable_readConfig as readConfig } from "wrangler";
import { databaseSettings, placementSettings } from "../../src/db/settings.ts";
import { contactSettings } from "../../src/discovery/settings.ts";
import { eventSettings, noticeSettings } from "../../src/events/settings.ts";
import { originSettings } from "../../src/http/settings.ts";
import { foreignSettings, formatSettings, retentionSettings, ruleSettings } from "../../src/keys/settings.ts";
import { leakSettings } from "../../src/leaks/settings.ts";
import { readSettings } from "../../src/lib/settings.ts";
import { clientSettings, oauthSettings } from "../../src/oauth/settings.ts";
import { operatorClientSettings, operatorSettings } from "../../src/operator/settings.ts";
import { verifySettings } from "../../src/verify/settings.ts";
import { type Finding, fault, isLoopback, note } from "./finding.ts";
import { ROOT } from "./local.ts";

const SCHEMAS = [
  formatSettings,
  foreignSettings,
  ruleSettings,
  retentionSettings,
  verifySettings,
  databaseSettings,
  placementSettings,
  oauthSettings,
  clientSettings,
  leakSettings,
  contactSettings,
  originSettings,
  operatorSettings,
  operatorClientSettings,
  eventSettings,
  noticeSettings,
];

/** In place of the secrets of a deployment, which nobody can read. */
const SECRETS = {
  KEY_PEPPERS: JSON.stringify({ a: "x".repeat(32) }),
  OAUTH_CLIENT_SECRET: "x",
  OPERATOR_CLIENT_SECRET: "x",
  WEBHOOK_SECRETS: `whsec_${Buffer.alloc(24).toString("base64")}`,
};
const PLACEHOLDER_ID = /^[0-]+$/;
/** Each minute for most of it, each hour for the uses of the day. */
const CRONS = 2;
const LIMITS = {
  MANAGEMENT_LIMIT: "one caller of the management API can use up what others need",
  FAILURES_LIMIT: "nobody who guesses keys is slowed down",
};

interface Place {
  config: string;
  env: string | undefined;
  isLocal: boolean;
}

/** What is wrong with `wrangler.toml`, by the rules of Latchkey itself. */
export async function examineSettings(place: Place): Promise<{ findings: Finding[]; hasOwnPlaces: boolean }> {
  const file = resolve(ROOT, place.config);
  if (!existsSync(file))
    return {
      findings: [note(`${place.config} is not here, so the settings were not read.`)],
      hasOwnPlaces: true,
    };
  const config: Config = readConfig(
    { config: file, ...(place.env && { env: place.env }) },
    { hideWarnings: true },
  );
  const { vars, d1_databases: databases, ratelimits, queues, triggers } = config;
  const findings = [
    ...(await faultsOf(place, file, config)),
    ...(place.isLocal ? [] : deployedFaults(vars, databases)),
    ...(queues.consumers ?? [])
      .filter(({ dead_letter_queue: dead }) => dead === undefined)
      .map(({ queue }) => fault(`The queue ${queue} has no dead_letter_queue: messages that fail are lost.`)),
    ...(triggers.crons !== undefined && triggers.crons.length >= CRONS
      ? []
      : [
          fault(
            "A cron is missing: events are not told and old rows never dropped, or uses are not added up.",
            "Set both crons of the tracked wrangler.toml.",
          ),
        ]),
    ...limitFindings(ratelimits),
  ];
  if (findings.every(({ is }) => is !== "fault")) findings.unshift({ is: "good", says: "They are right." });
  const own = [vars.OAUTH_JWKS_URL, vars.OAUTH_METADATA_URL];
  return { findings, hasOwnPlaces: own.some((value) => value !== undefined && value !== "") };
}

/** What is looked at of `wrangler.toml`, as wrangler reads it. */
interface Config {
  vars: Record<string, unknown>;
  d1_databases: { binding: string; database_name?: string; database_id?: string }[];
  queues: {
    producers?: { binding: string }[] | undefined;
    consumers?: { queue: string; dead_letter_queue?: string | undefined }[] | undefined;
  };
  ratelimits: { name: string; namespace_id: string }[];
  triggers: { crons?: string[] | undefined };
}

/** What Latchkey would say of the settings, each sentence once. */
async function faultsOf({ env, isLocal }: Place, file: string, config: Config): Promise<Finding[]> {
  const bindings = [
    ...config.d1_databases.map(({ binding }) => binding),
    ...(config.queues.producers ?? []).map(({ binding }) => binding),
  ];
  const secrets = isLocal ? await localSecrets(dirname(file), env) : SECRETS;
  const all = { ...Object.fromEntries(bindings.map((name) => [name, {}])), ...config.vars, ...secrets };
  const said = SCHEMAS.flatMap((schema) => {
    try {
      readSettings<unknown>(schema, all)();
      return [];
    } catch (wrong) {
      return String(wrong instanceof Error ? wrong.message : wrong)
        .replace("Wrong settings: ", "")
        .split("; ");
    }
  });
  return [...new Set(said)].map((text) =>
    fault(`${text.replace(":", "")}.`, "docs/settings.md tells what it may be."),
  );
}

async function localSecrets(
  dir: string,
  env: string | undefined,
): Promise<Record<string, string | undefined>> {
  const names = env === undefined ? [".dev.vars"] : [`.dev.vars.${env}`, ".dev.vars"];
  const file = names.map((name) => join(dir, name)).find(existsSync);
  return file === undefined ? {} : parseEnv(await readFile(file, "utf8"));
}

function deployedFaults(vars: Config["vars"], databases: Config["d1_databases"]): Finding[] {
  const findings = databases
    .filter(({ database_id: id }) => id === undefined || PLACEHOLDER_ID.test(id))
    .map(({ binding, database_name: name }) =>
      fault(
        `The database of ${binding} has no database_id yet.`,
        `Run \`npx wrangler d1 create ${name ?? "latchkey"}\` and put the id that it prints there.`,
      ),
    );
  if (isLoopback(String(vars.OAUTH_ISSUER)))
    findings.push(
      fault(
        "OAUTH_ISSUER is still the local issuer of `npm start`.",
        "Set it to your own issuer: docs/issuers/README.md.",
      ),
    );
  return findings;
}

function limitFindings(ratelimits: Config["ratelimits"]): Finding[] {
  const names = ratelimits.map(({ name }) => name);
  const ids = ratelimits.map(({ namespace_id: id }) => id);
  const missing = Object.entries(LIMITS).filter(([name]) => !names.includes(name));
  return [
    ...missing.map(([name, means]) => note(`There is no ${name}: ${means}.`)),
    ...ratelimits
      .filter(({ namespace_id: id }, i) => ids.indexOf(id) < i)
      .map(({ name, namespace_id: id }) =>
        fault(
          `${name} has the namespace_id ${id} of another limit: the two count together.`,
          "Give each limit a number of its own.",
        ),
      ),
  ];
}
