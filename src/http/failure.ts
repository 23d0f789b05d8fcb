import { type ErrorHandler, Hono, type MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { methodNotAllowed } from "hono/method-not-allowed";
import { DatabaseError } from "../db/client.ts";
import { describeFault } from "../lib/fault.ts";
import { ApiError, errorResponse, malformedBody, shownPath } from "./errors.ts";
import { completeHeaders } from "./headers.ts";

export type App = Hono<{ Bindings: Env }>;

/** Answers every fault in the error envelope, and logs it. */
const onError: ErrorHandler = function onError(fault, c) {
  const error = toApiError(fault);
  report(error, fault, c.req.method, shownPath(c.req.url));
  const answer = errorResponse(error, c.req.url);
  completeHeaders(answer, c.req.url);
  return answer;
};

/**
 * An app whose failures are answered in the error envelope: what its handlers throw, and what no route of
 * it takes: 405 where the path has other methods, else 404.
 */
export function failureApp(): App {
  const app: App = new Hono<{ Bindings: Env }>().onError(onError);
  const refuseMethod: MiddlewareHandler<{ Bindings: Env }> = methodNotAllowed({
    app,
    onMethodNotAllowed: (_, methods) => {
      throw new ApiError("METHOD_NOT_ALLOWED", { headers: { Allow: methods.join(", ") } });
    },
  });
  return app.notFound(async (c) => {
    await refuseMethod(c, async () => {
      c.res = new Response(null, { status: 404 });
    });
    throw new ApiError("NOT_FOUND", { message: "No such route" });
  });
}

/**
 * The app that `make` builds. Where a setting that it needs is wrong: one that refuses every request with
 * `INTERNAL_ERROR` and names the setting in the log.
 */
export function unlessBroken<E extends object>(make: () => Hono<E>): Hono<E> {
  try {
    return make();
  } catch (fault) {
    return new Hono<E>().all("*", () => {
      throw fault;
    });
  }
}

function toApiError(fault: Error): ApiError {
  if (fault instanceof ApiError) return fault;
  if (fault instanceof HTTPException && fault.status === 400) return malformedBody();
  return new ApiError(fault instanceof DatabaseError ? "UNAVAILABLE" : "INTERNAL_ERROR");
}

/** Refusals and faults, for the log. No query, header or body: they may hold a credential. */
function report(error: ApiError, fault: Error, method: string, path: string): void {
  if (error.reason !== undefined) {
    console.warn(
      JSON.stringify({ event: "request_refused", method, path, error: error.code, reason: error.reason }),
    );
  } else if (error.status >= 500) {
    console.error(JSON.stringify({ event: "request_failed", method, path, fault: describeFault(fault) }));
  }
}
