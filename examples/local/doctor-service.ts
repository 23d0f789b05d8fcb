import { type Answer, ask, LOG } from "./ask.ts";
import { PAGES, signIn } from "./doctor-sign-in.ts";
import { type Finding, fault, good, isLoopback, note } from "./finding.ts";

/** Of access tokens, as Latchkey checks them. */
const CLOCK_TOLERANCE_MS = 30_000;
/** Of what is done each minute, or each hour. */
const OVERDUE_MS = 6 * 60 * 60_000;
const CRON = "See that both crons run, and what the log says: usage_merge_failed, retention_failed.";

/**
 * Looks at a deployment from outside, as anybody could, and with an operator's token at what only the operator sees.
 *
 * @param origin - Of the deployment: `https://keys.example.com`.
 * @param hasOwnPlaces - Whether the issuer's metadata or keys need not be where the issuer has them by the standards.
 */
export async function* examineService(
  origin: string,
  hasOwnPlaces: boolean,
  operatorToken: string | undefined,
): AsyncGenerator<Finding> {
  const health = await ask(`${origin}/health`);
  if (health === undefined)
    return yield fault("Nothing answers.", "Is it deployed, is the name in the DNS, is the URL right?");
  if (health.status !== 200 || health.json.status !== "ok")
    return yield fault(
      `What answers is not Latchkey: /health is ${health.status}.`,
      "See that this host's route or custom domain is that of the Worker: docs/operate/domain.md.",
    );
  if (origin.startsWith("http:") && !isLoopback(origin))
    yield fault("It is asked over http: keys and tokens could be read on the way.", "Use https.");
  yield good("It answers.");
  yield* readiness(origin);
  yield* clock(origin);
  const issuer = await issuerOf(origin);
  if (issuer !== undefined) yield* issuerFindings(issuer, hasOwnPlaces);
  yield* metadata(origin, issuer);
  for (const pages of PAGES) yield* signIn(origin, pages);
  yield* operator(origin, operatorToken);
}

/** What answers 500 where it should ask for a credential, and the settings that it needs. */
const AREAS = {
  "/public/v1/key":
    "Verification is closed: KEY_PEPPERS, KEY_PREFIX, KEY_GENERATION, REVOCATION_SECONDS or OUTAGE_SECONDS is wrong, or DB or USAGE is not bound.",
  "/settings/api-keys":
    "The management API is closed: a setting OAUTH_…, SCOPES, MAX_LIVE_KEYS, MAX_KEY_LIFETIME_DAYS or MANAGEMENT_ORIGINS is wrong.",
  "/dashboard":
    "The dashboard is closed: OAUTH_CLIENT_ID is set, and the secret OAUTH_CLIENT_SECRET is missing or another setting of it wrong.",
  "/operator/status": "The operator's API is closed: OPERATOR_AUDIENCE or OPERATOR_ISSUER is wrong.",
};

async function* readiness(origin: string): AsyncGenerator<Finding> {
  const ready = await ask(`${origin}/health/ready`);
  if (ready?.status === 200)
    return yield good(
      "It is ready: all settings are right, and the database answers and lacks no pepper of a live key.",
    );
  let closed = 0;
  for (const [path, says] of Object.entries(AREAS)) {
    if ((await ask(origin + path))?.status !== 500) continue;
    closed += 1;
    yield fault(says, LOG);
  }
  if (closed > 0) return;
  yield fault(
    "It is not ready: the database does not answer, lacks migrations, or has live keys whose pepper KEY_PEPPERS lacks; or a setting of events is wrong.",
    `${LOG} Migrations: \`npx wrangler d1 migrations apply DB --remote\`. Peppers: docs/operate/peppers.md.`,
  );
}

async function* clock(origin: string): AsyncGenerator<Finding> {
  const askedAt = Date.now();
  const refused = await ask(`${origin}/public/v1/key`);
  const there = Date.parse(String(refused?.json.timestamp));
  if (Number.isNaN(there)) return;
  const apart = Math.round((there - (askedAt + Date.now()) / 2) / 1000);
  if (Math.abs(apart) * 1000 <= CLOCK_TOLERANCE_MS) return yield good("Its clock is right.");
  yield fault(
    `Its clock and the one here are ${Math.abs(apart)} seconds apart (it is ${apart > 0 ? "ahead" : "behind"}): tokens and keys are taken for expired, or not yet valid.`,
    "Correct the clock that is wrong: on Cloudflare that is the one here.",
  );
}

async function issuerOf(origin: string): Promise<string | undefined> {
  const document = await ask(`${origin}/openapi.json`);
  const [, issuer] =
    /"openIdConnectUrl":"([^"]+)\/\.well-known\/openid-configuration"/.exec(document?.text ?? "") ?? [];
  return issuer;
}

async function* issuerFindings(issuer: string, hasOwnPlaces: boolean): AsyncGenerator<Finding> {
  if (issuer.includes("{"))
    return yield note(`The issuer ${issuer} has a place for the tenant: not looked at.`);
  const { origin, pathname } = new URL(issuer);
  const path = pathname === "/" ? "" : pathname;
  const found =
    usable(await ask(`${issuer}/.well-known/openid-configuration`)) ??
    usable(await ask(`${origin}/.well-known/oauth-authorization-server${path}`));
  if (found === undefined) {
    const says = `The issuer ${issuer} has no metadata at its well-known places.`;
    if (hasOwnPlaces) return yield note(`${says} OAUTH_JWKS_URL or OAUTH_METADATA_URL says where they are.`);
    return yield fault(
      `${says} Nobody can manage keys.`,
      "Correct OAUTH_ISSUER: it is the exact iss of the tokens. Or set OAUTH_JWKS_URL.",
    );
  }
  const named = String(found.issuer);
  if (named.replace(/\/$/, "") !== issuer)
    yield fault(
      `The issuer calls itself ${named}, and OAUTH_ISSUER is ${issuer}.`,
      "Set OAUTH_ISSUER to what it calls itself.",
    );
  const keys = URL.canParse(String(found.jwks_uri)) ? await ask(String(found.jwks_uri)) : undefined;
  if (!Array.isArray(keys?.json.keys) || keys.json.keys.length === 0)
    return yield fault(
      `The issuer's signing keys are not at ${found.jwks_uri}.`,
      "See that the issuer works, or set OAUTH_JWKS_URL.",
    );
  yield good(`The issuer ${issuer} answers, and has signing keys.`);
}

function usable(answer: Answer | undefined): Record<string, unknown> | undefined {
  return answer?.status === 200 && typeof answer.json.issuer === "string" ? answer.json : undefined;
}

async function* metadata(origin: string, issuer: string | undefined): AsyncGenerator<Finding> {
  const { status, json } = (await ask(`${origin}/.well-known/oauth-protected-resource`)) ?? {};
  if (status !== 200)
    return yield note(
      `Clients cannot find the issuer by ${origin}: it is no audience of this service.`,
      `Add ${origin} to OAUTH_AUDIENCE if they should, and to the issuer: docs/management-api.md.`,
    );
  const [server] = Array.isArray(json?.authorization_servers) ? json.authorization_servers : [];
  if (issuer !== undefined && String(server).replace(/\/$/, "") !== issuer)
    return yield fault(
      `Clients are sent to the issuer ${server}, and tokens are expected of ${issuer}.`,
      LOG,
    );
  yield good("Clients find the issuer (RFC 9728).");
}

/** What is used of the answer of `GET /operator/status`. */
interface Status {
  databases: { id: string; waitingUsesSince: string | null; retentionAt: string | null }[];
  generations: { generation: string; liveKeys: number; isKnown: boolean; isNewest: boolean }[];
}

/** What cannot be seen from outside. */
async function* operator(origin: string, token: string | undefined): AsyncGenerator<Finding> {
  if (token === undefined)
    return yield note(
      "Peppers and how many keys they serve: set OPERATOR_TOKEN to an operator's access token to see them.",
    );
  const answer = await ask(`${origin}/operator/status`, { Authorization: `Bearer ${token}` });
  if (answer?.status !== 200)
    return yield fault(
      `The operator's token is refused: /operator/status is ${answer?.status ?? "not answered"}.`,
      "It must be for OPERATOR_AUDIENCE alone, with the scope operator:read: docs/operator-api.md.",
    );
  const { generations, databases }: Status = JSON.parse(answer.text);
  for (const { generation, liveKeys, isKnown, isNewest } of generations) {
    if (!isKnown)
      yield fault(
        `KEY_PEPPERS lacks the pepper ${generation}: its live keys, ${liveKeys} of them, are refused.`,
        "Put it back, or revoke them: docs/operate/peppers.md.",
      );
    else if (isNewest)
      yield good(`New keys are made with the pepper ${generation}. Its live keys: ${liveKeys}.`);
    else yield note(`The pepper ${generation} still serves live keys: ${liveKeys}.`);
  }
  for (const { id, waitingUsesSince, retentionAt } of databases) {
    if (isOld(waitingUsesSince))
      yield fault(`Uses wait since ${waitingUsesSince} to be counted, in database ${id}.`, CRON);
    if (isOld(retentionAt))
      yield fault(`What is old was last dropped at ${retentionAt}, in database ${id}.`, CRON);
  }
}

function isOld(time: string | null): boolean {
  return time !== null && Date.now() - Date.parse(time) > OVERDUE_MS;
}
