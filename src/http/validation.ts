import type { MiddlewareHandler } from "hono";
import type * as z from "zod";
import { ApiError, type ErrorDetail, masked } from "./errors.ts";

type Outcome = { success: true } | { success: false; error: z.core.$ZodError };

/**
 * Refuses a body that breaks a rule, naming every broken field once.
 *
 * @throws ApiError `VALIDATION_ERROR`.
 */
export function refuseBody<T extends Outcome>(outcome: T): asserts outcome is Extract<T, { success: true }> {
  if (!outcome.success) throw new ApiError("VALIDATION_ERROR", { details: brokenFields(outcome.error) });
}

/** Every broken field once, with the first of its faults. */
export function brokenFields(error: z.core.$ZodError): ErrorDetail[] {
  const details = new Map<string, ErrorDetail>();
  for (const issue of error.issues) {
    const unknown = issue.code === "unrecognized_keys";
    const fields = unknown ? issue.keys.map(masked) : [String(issue.path[0] ?? "body")];
    const message = unknown ? "unknown field" : issue.message;
    for (const field of fields) {
      if (!details.has(field)) details.set(field, { field, message });
    }
  }
  return [...details.values()];
}

/**
 * Refuses a path or a query of a wrong form.
 *
 * @throws ApiError `BAD_REQUEST`, which names the first wrong parameter.
 */
export function refuseUrl(outcome: Outcome): void {
  if (outcome.success) return;
  const [issue] = outcome.error.issues;
  if (issue?.code === "unrecognized_keys") throw unknownParameter(issue.keys[0] ?? "");
  throw new ApiError("BAD_REQUEST", { message: `${String(issue?.path[0])}: ${issue?.message}` });
}

/**
 * Hono middleware: refuses a query with another name than those of `schema`, so that no filter that somebody mistyped
 * is passed over. Hono's own reading of a query loses names such as `__proto__`.
 *
 * @param schema - Without it there may be no query.
 */
export function knownQuery(schema?: z.ZodObject): MiddlewareHandler {
  const names = new Set(Object.keys(schema?.shape ?? {}));
  return async function knownQuery(c, next) {
    for (const name of new URL(c.req.url).searchParams.keys()) {
      if (!names.has(name)) throw unknownParameter(name);
    }
    return next();
  };
}

function unknownParameter(name: string): ApiError {
  return new ApiError("BAD_REQUEST", { message: `Unknown query parameter: ${masked(name)}` });
}
