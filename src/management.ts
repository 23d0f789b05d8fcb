import { Hono, type MiddlewareHandler } from "hono";
import { auditRoutes } from "./audit/routes.ts";
import { rateTiers } from "./companies/tiers.ts";
import { dashboard } from "./dashboard/app.ts";
import type { SessionVariables } from "./dashboard/guard.ts";
import { pepperSeal } from "./dashboard/seal.ts";
import { placementSettings } from "./db/settings.ts";
import { contactRoutes, metadataRoutes } from "./discovery/routes.ts";
import { contactSettings } from "./discovery/settings.ts";
import { keyEvents } from "./events/service.ts";
import { healthRoutes } from "./health/routes.ts";
import { jsonBody, MAX_BODY_BYTES, wholeBody } from "./http/body.ts";
import { allowOrigins } from "./http/cors.ts";
import { type App, failureApp, unlessBroken } from "./http/failure.ts";
import { answerHeaders } from "./http/headers.ts";
import { callerOf, type RateLimits, rateLimit } from "./http/limit.ts";
import { originSettings } from "./http/settings.ts";
import { staticFile } from "./http/static.ts";
import type { Isolate } from "./isolate.ts";
import { otherGenerations } from "./keys/dead.ts";
import { keyRoutes } from "./keys/routes.ts";
import { catalogueOf } from "./keys/rules.ts";
import { retentionSettings, ruleSettings } from "./keys/settings.ts";
import { reporterKeys } from "./leaks/keys.ts";
import { leakRoutes, type ReporterVariables } from "./leaks/routes.ts";
import { REPORTS_PATH } from "./leaks/schema.ts";
import { leakSettings } from "./leaks/settings.ts";
import { once, readSettings, type Settings } from "./lib/settings.ts";
import { type BearerVariables, bearer } from "./oauth/bearer.ts";
import { issuerKeys } from "./oauth/jwks.ts";
import { login } from "./oauth/login.ts";
import { WELL_KNOWN } from "./oauth/metadata.ts";
import {
  OPERATOR_READ_SCOPE,
  OPERATOR_WRITE_SCOPE,
  type OperatorVariables,
  operatorBearer,
} from "./oauth/operator.ts";
import { clientSettings, oauthSettings } from "./oauth/settings.ts";
import { tokenVerifier } from "./oauth/token.ts";
import { docsRoutes, documentRoutes } from "./openapi/routes.ts";
import { OperatedKeys } from "./operator/keys.ts";
import { companyRoutes, keyRoutes as operatedKeyRoutes, stateRoutes } from "./operator/routes.ts";
import { operatorSettings } from "./operator/settings.ts";
import { usageRoutes } from "./usage/routes.ts";

/** Everything but verification. Where a setting is wrong, what needs it answers `INTERNAL_ERROR`. */
export function createManagement(env: Env, isolate: Settings<Isolate>): App {
  const parts = managementParts(env, isolate);
  const { settings, events } = parts;
  return failureApp()
    .use(answerHeaders)
    .use(tellChanges(events.tell))
    .get("/static/*", staticFile)
    .route(
      "/health",
      healthRoutes({
        probe: () => probe(isolate()),
        settings: [isolate, events.settings, events.notices, ...Object.values(settings)],
        areKeysHeld: () => parts.tokenKeys().areHeld(),
        now: Date.now,
      }),
    )
    .route("/docs", docsRoutes())
    .route(
      "/openapi.json",
      unlessBroken(() =>
        documentRoutes({
          ...settings.rules(),
          ...settings.oauth(),
          ...settings.leaks(),
          ...settings.contact(),
          ...settings.operator(),
          rateTiers: parts.rateTiers,
          OAUTH_AUDIENCE: settings.oauth().OAUTH_AUDIENCE,
        }),
      ),
    )
    .route(
      WELL_KNOWN,
      unlessBroken(() => metadataRoutes(settings.oauth())),
    )
    .route(
      "/.well-known/security.txt",
      unlessBroken(() => contactRoutes(settings.contact(), Date.now)),
    )
    .route(
      "/settings",
      unlessBroken(() => settingsApp(parts)),
    )
    .route(
      "/dashboard",
      unlessBroken(() => dashboardApp(parts)),
    )
    .route(
      "/operator",
      unlessBroken(() => operatorApp(parts)),
    )
    .route(
      REPORTS_PATH,
      unlessBroken(() => leakApp(parts)),
    );
}

type Parts = ReturnType<typeof managementParts>;

/** What the apps below share. Each part is read or built when it is first needed. */
function managementParts(env: Env, isolate: Settings<Isolate>) {
  const settings = {
    rules: readSettings(ruleSettings, env),
    retention: readSettings(retentionSettings, env),
    oauth: readSettings(oauthSettings, env),
    client: readSettings(clientSettings, env),
    leaks: readSettings(leakSettings, env),
    contact: readSettings(contactSettings, env),
    placement: readSettings(placementSettings, env),
    origins: readSettings(originSettings, env),
    operator: readSettings(operatorSettings, env),
  };
  const tokenKeys = once(() => issuerKeys({ ...settings.oauth(), ...isolate() }));
  const verifyToken = once(() => tokenVerifier({ ...settings.oauth(), keys: tokenKeys().select }));
  const limits: RateLimits = env;
  const tiers = [...rateTiers(env).keys()];
  const events = keyEvents(env, Date.now);
  return { settings, isolate, tokenKeys, verifyToken, limits, rateTiers: tiers, events };
}

function settingsApp({ settings, isolate, verifyToken, limits }: Parts) {
  // Where these are wrong, nothing of it is open.
  settings.rules();
  settings.placement();
  const { databases, keys, now, format, peppers } = isolate();
  return new Hono<{ Variables: BearerVariables }>()
    .use(allowOrigins(settings.origins().MANAGEMENT_ORIGINS))
    .use(bearer({ ...settings.oauth(), verifyToken: verifyToken() }))
    .use(rateLimit<{ Variables: BearerVariables }>(limits.MANAGEMENT_LIMIT, callerOf))
    .use(wholeBody(MAX_BODY_BYTES), jsonBody)
    .route("/", keyRoutes(keys, { now, form: format.form }, peppers))
    .route("/", auditRoutes(databases))
    .route("/", usageRoutes(databases, now));
}

function dashboardApp({ settings, isolate, verifyToken, limits }: Parts) {
  const { OAUTH_CLIENT_SECRET: clientSecret = "", ...client } = settings.client();
  if (client.OAUTH_CLIENT_ID === "") return new Hono<{ Variables: SessionVariables }>();
  const { peppers, now, format, background } = isolate();
  return dashboard({
    ...isolate(),
    form: format.form,
    catalogue: catalogueOf(settings.rules()),
    seal: pepperSeal(peppers, now),
    login: login({ ...settings.oauth(), ...client, clientSecret, now, background }),
    verifyToken: verifyToken(),
    wait: (milliseconds) => scheduler.wait(milliseconds),
    scopes: settings.oauth(),
    limiter: limits.MANAGEMENT_LIMIT,
    signInLimiter: limits.FAILURES_LIMIT,
  });
}

function operatorApp({ settings, isolate, tokenKeys, limits, rateTiers }: Parts) {
  const { OPERATOR_AUDIENCE: audience, OPERATOR_ISSUER: issuer } = settings.operator();
  if (audience === "") return new Hono<{ Variables: OperatorVariables }>();
  const oauth = settings.oauth();
  const { companies, verifier, ...parts } = isolate();
  const onChange = (digests: readonly string[]) => verifier.forget(digests);
  const keys = new OperatedKeys({ ...parts, onChange });
  const own = { ...oauth, OAUTH_ISSUER: issuer, OAUTH_JWKS_URL: "", OAUTH_METADATA_URL: "" };
  const verifyToken = tokenVerifier({
    ...oauth,
    OAUTH_ISSUER: issuer || oauth.OAUTH_ISSUER,
    OAUTH_AUDIENCE: [audience],
    OAUTH_REQUIRED_CLAIMS: [],
    OAUTH_READ_SCOPE: OPERATOR_READ_SCOPE,
    OAUTH_WRITE_SCOPE: OPERATOR_WRITE_SCOPE,
    keys: (issuer === "" ? tokenKeys() : issuerKeys({ ...own, ...isolate() })).select,
  });
  return new Hono<{ Variables: OperatorVariables }>()
    .use(operatorBearer(audience, verifyToken))
    .use(
      rateLimit<{ Variables: OperatorVariables }>(limits.MANAGEMENT_LIMIT, ({ operator }) => [
        operator.issuer,
        operator.subject,
      ]),
    )
    .use(wholeBody(MAX_BODY_BYTES), jsonBody)
    .route(
      "/",
      companyRoutes({ ...parts, companies, keys }, { catalogue: settings.rules().SCOPES, rateTiers }),
    )
    .route("/", operatedKeyRoutes(keys, parts.format.form))
    .route(
      "/",
      stateRoutes({
        ...parts,
        generations: parts.format.generations,
        issuers: { companies: oauth.OAUTH_ISSUER, operator: issuer || oauth.OAUTH_ISSUER },
        areKeysHeld: () => tokenKeys().areHeld(),
      }),
    );
}

function leakApp({ settings, isolate }: Parts) {
  const { LEAK_REPORT_KEYS_URL: url } = settings.leaks();
  if (url === "") return new Hono<{ Variables: ReporterVariables }>();
  const { databases, format, verifier, now, background } = isolate();
  const onChange = (digests: readonly string[]) => verifier.forget(digests);
  return leakRoutes(
    { databases, format, now, onChange },
    { url, keys: reporterKeys({ url, now, background }) },
  );
}

/** Hono middleware: behind the answer to what may have changed something, `tell`s of it. The cron would, a minute later. */
function tellChanges(tell: () => Promise<void>): MiddlewareHandler {
  return async function tellChanges(c, next) {
    await next();
    const mayHaveChanged = c.res.status < 400 && c.req.method !== "GET" && c.req.method !== "HEAD";
    if (mayHaveChanged) c.executionCtx.waitUntil(tell());
  };
}

/** @throws Error where a database does not answer, or has live keys whose pepper is not in the settings. */
async function probe({ databases, peppers }: Pick<Isolate, "databases" | "peppers">): Promise<void> {
  const found = await Promise.all(
    databases.all.map(({ d1 }) => otherGenerations(d1, peppers.keys(), Date.now())),
  );
  const missing = [...new Set(found.flat())];
  if (missing.length > 0) throw new Error(`KEY_PEPPERS lacks generations of live keys: ${missing.join(" ")}`);
}
