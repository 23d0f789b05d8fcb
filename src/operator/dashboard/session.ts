import type { Context, MiddlewareHandler } from "hono";
import { requireScope, type VisitorVariables } from "../../dashboard/guard.ts";
import {
  OPERATOR_READ_SCOPE,
  OPERATOR_WRITE_SCOPE,
  type OperatorVariables,
  operatorOf,
} from "../../oauth/operator.ts";

export type OperatorSession = VisitorVariables & OperatorVariables;
export type OperatorContext = Context<{ Variables: OperatorSession }>;

export const reads = requireScope(OPERATOR_READ_SCOPE);
export const writes = requireScope(OPERATOR_WRITE_SCOPE);

/** Hono middleware: sets `c.var.operator`, who acts. Wants `requireSession` before it. */
export const requireOperator: MiddlewareHandler<{ Variables: OperatorSession }> =
  async function requireOperator(c, next) {
    c.set("operator", operatorOf(c.var.token));
    c.set("visitorOf", "operator");
    return next();
  };
