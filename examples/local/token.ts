import { COMPANIES, main, readOptions, readState } from "./local.ts";

const USAGE = 'Usage: npm run token -- --company acme --scope "api-keys:read api-keys:write"';

interface TokenAnswer {
  access_token?: string;
  scope?: string;
  error?: string;
  error_description?: string;
}

await main(async () => {
  const { company, scope } = readOptions(
    { company: { type: "string" }, scope: { type: "string", default: "api-keys:read api-keys:write" } },
    USAGE,
  );
  if (company === undefined) throw new Error(`--company is missing. ${USAGE}`);
  const machine = COMPANIES.get(company)?.machine;
  if (machine === undefined) throw new Error(`No company ${company}: ${[...COMPANIES.keys()].join(" or ")}`);

  const state = await readState();
  if (state === undefined) throw new Error("No issuer yet: start it with `npm start`");
  const { issuerUrl, secrets } = state;
  const response = await fetch(`${issuerUrl}/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${machine}:${secrets.clients[machine]}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope }),
  }).catch(() => {
    throw new Error(`No issuer answers at ${issuerUrl}: start it with \`npm start\``);
  });
  const answer = (await response.json()) as TokenAnswer;
  if (!response.ok) throw new Error(`The issuer refuses: ${answer.error_description ?? answer.error}`);

  const granted = new Set(answer.scope?.split(" "));
  const unknown = scope.split(" ").filter((name) => name !== "" && !granted.has(name));
  if (unknown.length > 0) throw new Error(`No scope ${unknown.join(", ")} at this issuer`);
  process.stdout.write(`${answer.access_token}\n`);
});
