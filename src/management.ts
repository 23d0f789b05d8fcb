import { Hono, type MiddlewareHandler } from "hono";
import { auditRoutes } from "./audit/routes.ts";
import { rateTiers } from "./companies/tiers.ts";
import { dashboard } from "./dashboard/app.ts";
import { brandOf, brandSettings } from "./dashboard/brand.ts";
import { frontPage } from "./dashboard/front.tsx";
import type { SessionVariables } from "./dashboard/guard.ts";
import { pepperSeal, type SealUse } from "./dashboard/seal.ts";
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
import { foreignSettings, retentionSettings, ruleSettings } from "./keys/settings.ts";
import { reporterKeys } from "./leaks/keys.ts";
import { leakRoutes, type ReporterVariables } from "./leaks/routes.ts";
import { REPORTS_PATH } from "./leaks/schema.ts";
import { leakSettings } from "./leaks/settings.ts";
import { once, readSettings, type Settings } from "./lib/settings.ts";
import { type BearerVariables, bearer } from "./oauth/bearer.ts";
import { issuerKeys } from "./oauth/jwks.ts";
import { login } from "./oauth/login.ts";
import { WELL_KNOWN } from "./oauth/metadata.ts";
import { type OperatorVariables, operatorClient } from "./oauth/operator.ts";
import { type ClientSettings, clientSettings, type OAuthSettings, oauthSettings } from "./oauth/settings.ts";
import { tokenVerifier } from "./oauth/token.ts";
import { docsRoutes, documentRoutes } from "./openapi/routes.ts";
import { operatorApi } from "./operator/app.ts";
import { operatorDashboard } from "./operator/dashboard/app.ts";
import type { OperatorSession } from "./operator/dashboard/session.ts";
import { HOME as OPERATOR_DASHBOARD } from "./operator/dashboard/site.ts";
import { operatorParts } from "./operator/parts.ts";
import { operatorClientSettings, operatorSettings } from "./operator/settings.ts";
import { servicesOf } from "./services.ts";
import { usageRoutes } from "./usage/routes.ts";

/** Everything but verification. Where a setting is wrong, what needs it answers `INTERNAL_ERROR`. */
export function createManagement(env: Env, isolate: Settings<Isolate>): App {
  const parts = managementParts(env, isolate);
  const { settings, events } = parts;
  return failureApp()
    .use(answerHeaders)
    .use(tellChanges(events.tell))
    .get("/static/*", staticFile)
    .get(
      "/",
      frontPage(() => ({
        ...{ ...settings.oauth(), ...settings.client(), ...settings.operatorClient() },
        ...{ ...settings.operator(), ...settings.contact(), brand: brandOf(settings.brand()) },
        OAUTH_AUDIENCE: settings.oauth().OAUTH_AUDIENCE,
      })),
    )
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
      OPERATOR_DASHBOARD,
      unlessBroken(() => operatorDashboardApp(parts)),
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
function managementParts(env: Env, verification: Settings<Isolate>) {
  const isolate = once(() => ({ ...verification(), ...servicesOf(verification()) }));
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
    operatorClient: readSettings(operatorClientSettings, env),
    foreign: readSettings(foreignSettings, env),
    brand: readSettings(brandSettings, env),
  };
  const tokenKeys = once(() => issuerKeys({ ...settings.oauth(), ...isolate() }));
  const verifyToken = once(() => tokenVerifier({ ...settings.oauth(), keys: tokenKeys().select }));
  const operator = once(() =>
    operatorParts(settings.operator(), { ...isolate(), oauth: settings.oauth(), companyKeys: tokenKeys }),
  );
  const limits: RateLimits = env;
  const tiers = [...rateTiers(env).keys()];
  const events = keyEvents(env, Date.now);
  return { settings, isolate, tokenKeys, verifyToken, operator, limits, rateTiers: tiers, events };
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

function dashboardApp(parts: Parts) {
  const { settings, isolate, verifyToken } = parts;
  const client = settings.client();
  if (client.OAUTH_CLIENT_ID === "") return new Hono<{ Variables: SessionVariables }>();
  return dashboard({
    ...signedInParts(parts, { ...settings.oauth(), ...client }, "dashboard"),
    ...isolate(),
    form: isolate().format.form,
    catalogue: catalogueOf(settings.rules()),
    verifyToken: verifyToken(),
    scopes: settings.oauth(),
  });
}

/** What pages with a sign-in need, whosever they are. */
function signedInParts(
  { settings, isolate, limits }: Parts,
  oauth: OAuthSettings & ClientSettings,
  use: SealUse,
) {
  const { peppers, now, background } = isolate();
  const { OAUTH_CLIENT_SECRET: clientSecret = "", ...client } = oauth;
  return {
    brand: brandOf(settings.brand()),
    seal: pepperSeal(peppers, now, use),
    login: login({ ...client, clientSecret, now, background }),
    wait: (milliseconds: number) => scheduler.wait(milliseconds),
    limiter: limits.MANAGEMENT_LIMIT,
    signInLimiter: limits.FAILURES_LIMIT,
  };
}

function operatorDashboardApp(parts: Parts) {
  const { settings, isolate, operator, rateTiers } = parts;
  const { OPERATOR_AUDIENCE: audience } = settings.operator();
  if (audience === "") return new Hono<{ Variables: OperatorSession }>();
  const client = operatorClient(settings.client(), settings.operatorClient(), settings.oauth(), audience);
  if (client.OAUTH_CLIENT_ID === "") return new Hono<{ Variables: OperatorSession }>();
  const oauth = { ...client, ...operator().oauth };
  return operatorDashboard({
    ...signedInParts(parts, oauth, "operator dashboard"),
    ...isolate(),
    ...operator(),
    form: isolate().format.form,
    options: { catalogue: settings.rules().SCOPES, rateTiers },
  });
}

function operatorApp({ settings, isolate, operator, limits, rateTiers }: Parts) {
  if (settings.operator().OPERATOR_AUDIENCE === "") return new Hono<{ Variables: OperatorVariables }>();
  return operatorApi({
    ...isolate(),
    ...operator(),
    imports: isolate(),
    options: { catalogue: settings.rules().SCOPES, rateTiers },
    limiter: limits.MANAGEMENT_LIMIT,
  });
}

function leakApp({ settings, isolate }: Parts) {
  const { LEAK_REPORT_KEYS_URL: url } = settings.leaks();
  if (url === "") return new Hono<{ Variables: ReporterVariables }>();
  const { databases, format, locate, verifier, now, background } = isolate();
  const onChange = (digests: readonly string[]) => verifier.forget(digests);
  return leakRoutes(
    { databases, format, locate, now, onChange },
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
