import { readBetterAuth } from "./import-better-auth.ts";
import { type Entry, readCsv } from "./import-csv.ts";
import { main, readOptions } from "./local.ts";

const USAGE =
  'Usage: OPERATOR_TOKEN=… npm run import -- --url https://keys.example.com --csv keys.csv, or in its place --better-auth auth.sqlite with --scopes "jobs:read" and --companies companies.csv where they are needed';
/** Of one call. */
const MAX_KEYS = 500;
/** While Latchkey limits the caller, or its database is not to be reached. */
const ATTEMPTS = 5;
const PAUSE_MS = 5_000;

/** What is used of the answer. */
interface Answer {
  keys: { index: number; status: "created" | "exists" | "refused"; message: string | null }[];
}

const say = (text: string) => process.stdout.write(`${text}\n`);

await main(async () => {
  const { url, csv, scopes, companies, ...others } = readOptions(
    {
      url: { type: "string" },
      csv: { type: "string" },
      "better-auth": { type: "string" },
      scopes: { type: "string", default: "" },
      companies: { type: "string" },
    },
    USAGE,
  );
  const betterAuth = others["better-auth"];
  const token = process.env.OPERATOR_TOKEN;
  if (url === undefined || !URL.canParse(url)) throw new Error(`--url is missing, or is none. ${USAGE}`);
  if (token === undefined) throw new Error(`OPERATOR_TOKEN is missing. ${USAGE}`);
  if ((csv === undefined) === (betterAuth === undefined)) throw new Error(USAGE);
  const entries =
    csv === undefined
      ? await readBetterAuth(betterAuth ?? "", { scopes: scopes.split(" ").filter(Boolean), companies })
      : await readCsv(csv);

  const counts = { created: 0, exists: 0, refused: 0 };
  for (let i = 0; i < entries.length; i += MAX_KEYS) {
    const piece = entries.slice(i, i + MAX_KEYS);
    for (const { index, status, message } of await importPiece(new URL(url), token, piece)) {
      counts[status] += 1;
      const { companyId, label, keyPrefix } = piece[index] ?? {};
      if (status === "refused") say(`✗ ${i + index + 1}: ${companyId}, ${label}, ${keyPrefix}: ${message}`);
    }
  }
  say(`${counts.created} imported, ${counts.exists} were there before, ${counts.refused} refused.`);
  if (counts.refused > 0) process.exitCode = 1;
});

/** To repeat a call changes nothing, so whatever fails is done again. */
async function importPiece({ origin }: URL, token: string, keys: readonly Entry[]): Promise<Answer["keys"]> {
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(`${origin}/operator/keys/import`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ keys }),
    }).catch(() => null);
    if (answer?.ok) return ((await answer.json()) as Answer).keys;
    const mayPass = answer === null || answer.status === 429 || answer.status >= 500;
    if (!mayPass || attempt === ATTEMPTS) throw new Error(`${origin} says ${await said(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
  }
}

async function said(answer: Response | null): Promise<string> {
  return answer === null ? "nothing" : `${answer.status}: ${await answer.text()}`;
}
