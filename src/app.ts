import { type ErrorHandler, type Handler, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { csrf } from "hono/csrf";
import { HTTPException } from "hono/http-exception";
import { methodNotAllowed } from "hono/method-not-allowed";
import { auditRoutes } from "./audit/routes.ts";
import { errorPages, pageHeaders } from "./dashboard/pages.tsx";
import { dashboardRoutes } from "./dashboard/routes.tsx";
import { pepperSeal } from "./dashboard/seal.ts";
import { dashboardCookies, requireSession } from "./dashboard/session.ts";
import { signInRoutes } from "./dashboard/sign-in.tsx";
import { DatabaseError } from "./db/client.ts";
import { discoveryRoutes } from "./discovery/routes.ts";
import { healthRoutes } from "./health/routes.ts";
import { keyFormat } from "./keys/format.ts";
import { keyRoutes } from "./keys/routes.ts";
import { KeyService } from "./keys/service.ts";
import { keyStore } from "./keys/store.ts";
import { reporterKeys } from "./leaks/keys.ts";
import { leakRoutes, reporterSignature } from "./leaks/routes.ts";
import { REPORTS_PATH } from "./leaks/schema.ts";
import { type Limiters, parseConfig, YEAR_SECONDS } from "./lib/config.ts";
import { ApiError, describeFault, ERRORS, errorResponse, shownPath } from "./lib/errors.ts";
import { completeHeaders } from "./lib/headers.ts";
import { type BearerVariables, bearer } from "./oauth/bearer.ts";
import { issuerKeys } from "./oauth/jwks.ts";
import { login } from "./oauth/login.ts";
import { tokenVerifier } from "./oauth/token.ts";
import { openApiRoutes } from "./openapi/routes.ts";
import { usageRoutes } from "./usage/routes.ts";
import { verifierOf } from "./verify/isolate.ts";
import { publicRoutes } from "./verify/routes.ts";

const KIB = 1024;
const MAX_BODY_BYTES = 16 * KIB;
const MAX_LEAK_REPORT_BYTES = 1024 * KIB;

/**
 * The HTTP face. Where the settings are wrong it answers every request but `/health` with
 * `INTERNAL_ERROR` and names the fault in the log: it never opens anything.
 */
export function createApp(env: Env): Hono<{ Bindings: Env }> {
  const app = new Hono<{ Bindings: Env }>().onError(onError);
  // Verification is in front, by itself: nothing is around it, and it answers for itself.
  const front = new Hono<{ Bindings: Env }>().onError(onError);
  front.notFound((c) => app.fetch(c.req.raw, c.env, c.executionCtx));
  app.notFound((c) => errorResponse(new ApiError("NOT_FOUND", { message: "No such route" }), c.req.url));
  try {
    mount(app, front, env);
  } catch (fault) {
    app.use(answerHeaders).route("/health", healthRoutes(env));
    app.use(() => {
      throw fault;
    });
  }
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        errorResponse(
          new ApiError("METHOD_NOT_ALLOWED", { headers: { Allow: methods.join(", ") } }),
          c.req.url,
        ),
    }),
  );
  return front;
}

const onError: ErrorHandler = function onError(fault, c) {
  const error = toApiError(fault);
  report(error, fault, c.req.method, shownPath(c.req.url));
  const answer = errorResponse(error, c.req.url);
  completeHeaders(answer, c.req.url);
  return answer;
};

function mount(app: Hono<{ Bindings: Env }>, front: Hono<{ Bindings: Env }>, env: Env): void {
  const config = parseConfig(env);
  const now = () => Date.now();
  const keys = issuerKeys({ issuer: config.OAUTH_ISSUER, jwksUrl: config.OAUTH_JWKS_URL, now });
  const verifyToken = tokenVerifier({ ...config, keys });
  const format = keyFormat(config.KEY_PREFIX, config.KEY_PEPPERS, (bytes) => crypto.getRandomValues(bytes));
  const verifier = verifierOf(env);
  const ended = () => verifier.catchUp();
  const service = new KeyService({
    store: keyStore(env.DB),
    format,
    maxLiveKeys: config.MAX_LIVE_KEYS,
    now,
    ended,
  });
  const rules = { scopes: config.SCOPES, maxLifetimeDays: config.MAX_KEY_LIFETIME_DAYS, now };

  const verification = publicRoutes(verifier, service);
  front.route("/public/v1", verification);
  app.route("/public/v1", verification); // so that another method is 405
  app.use(answerHeaders);
  app.route("/health", healthRoutes(env));
  app.route("/", discoveryRoutes(config, now));
  app.route("/", openApiRoutes(config));
  app.get("/static/*", staticFile);
  app.use(
    "/settings/*",
    bearer({ ...config, verifyToken }),
    companyLimit(env),
    wholeBody(MAX_BODY_BYTES),
    jsonBody,
  );
  app.route("/settings", keyRoutes(service, rules));
  app.route("/settings", auditRoutes(env.DB));
  app.route("/settings", usageRoutes(env.DB, now));
  if (config.OAUTH_CLIENT_ID !== "") {
    const clientSecret = config.OAUTH_CLIENT_SECRET ?? "";
    const cookies = dashboardCookies(pepperSeal(config.KEY_PEPPERS, now));
    const session = { cookies, login: login({ ...config, clientSecret, now }), verifyToken, now };
    app.use("/dashboard/*", pageHeaders, errorPages, csrf(), wholeBody(MAX_BODY_BYTES));
    app.route("/dashboard", signInRoutes(session));
    app.use("/dashboard/*", requireSession(session), companyLimit(env));
    app.route("/dashboard", dashboardRoutes({ d1: env.DB, service, rules, cookies, scopes: config }));
  }
  const url = config.LEAK_REPORT_KEYS_URL;
  if (url !== "") {
    const signature = reporterSignature({ url, keys: reporterKeys({ url, now }) });
    app.post(REPORTS_PATH, wholeBody(MAX_LEAK_REPORT_BYTES), signature, jsonBody);
    app.route(REPORTS_PATH, leakRoutes({ d1: env.DB, format, now, ended }));
  }
}

const answerHeaders: MiddlewareHandler = async function answerHeaders(c, next) {
  await next();
  completeHeaders(c.res, c.req.url);
};

/** A file of `assets`. Its name changes with its content. */
const staticFile: Handler<{ Bindings: Env }> = async function staticFile(c) {
  const file = await c.env.ASSETS.fetch(c.req.raw);
  if (!file.ok && file.status !== 304) throw new ApiError("NOT_FOUND", { message: "No such file" });
  const answer = new Response(file.body, file);
  answer.headers.set("Cache-Control", `public, max-age=${YEAR_SECONDS}, immutable`);
  return answer;
};

/** Without a limiter, no limit. */
function companyLimit({
  MANAGEMENT_LIMIT: limiter,
}: Limiters): MiddlewareHandler<{ Variables: BearerVariables }> {
  return async function companyLimit(c, next) {
    const outcome = await limiter?.limit({ key: c.var.principal.companyId });
    if (outcome?.success === false) throw new ApiError("RATE_LIMITED");
    return next();
  };
}

const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** A body is whole and of bounded size. It is read, and at hand for what comes next. */
function wholeBody(maxBytes: number): MiddlewareHandler {
  const limitBody = bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new ApiError("PAYLOAD_TOO_LARGE", {
        message: `Request body is larger than ${maxBytes / KIB} KiB`,
      });
    },
  });
  return async function wholeBody(c, next) {
    try {
      await limitBody(c, async () => {
        await c.req.arrayBuffer();
      });
    } catch (fault) {
      throw fault instanceof ApiError ? fault : malformed();
    }
    return next();
  };
}

/** A body is JSON by its media type, and UTF-8 (RFC 8259 §8.1). */
const jsonBody: MiddlewareHandler = async function jsonBody(c, next) {
  if (c.req.raw.body === null || c.req.header("Content-Length") === "0") return next();
  if (!JSON_TYPE.test(c.req.header("Content-Type") ?? "")) throw new ApiError("UNSUPPORTED_MEDIA_TYPE");
  try {
    utf8.decode(await c.req.arrayBuffer());
  } catch {
    throw malformed();
  }
  return next();
};

function malformed(): ApiError {
  return new ApiError("BAD_REQUEST", { message: "Malformed JSON body" });
}

function toApiError(fault: Error): ApiError {
  if (fault instanceof ApiError) return fault;
  if (fault instanceof HTTPException && fault.status === 400) return malformed();
  if (fault instanceof HTTPException && fault.status === 403)
    return new ApiError("FORBIDDEN", { message: "The form was sent by another site", reason: "csrf" });
  return new ApiError(fault instanceof DatabaseError ? "UNAVAILABLE" : "INTERNAL_ERROR");
}

/** Refusals and faults, for the log. No query, header or body: they may hold a credential. */
function report(error: ApiError, fault: Error, method: string, path: string): void {
  if (error.reason !== undefined) {
    console.warn(
      JSON.stringify({ event: "request_refused", method, path, error: error.code, reason: error.reason }),
    );
  } else if (ERRORS[error.code].status >= 500) {
    console.error(JSON.stringify({ event: "request_failed", method, path, fault: describeFault(fault) }));
  }
}
