import { Hono } from "hono";
import { except } from "hono/combine";
import { jsonBody, MAX_BODY_BYTES, wholeBody } from "../http/body.ts";
import { rateLimit } from "../http/limit.ts";
import { type OperatorVariables, operatorBearer, operatorName } from "../oauth/operator.ts";
import type { TokenVerifier } from "../oauth/token.ts";
import { HOME } from "./dashboard/site.ts";
import type { HomeParts } from "./import-home.ts";
import { IMPORT_PATH, MAX_IMPORT_BYTES } from "./import-schema.ts";
import { type CompanyParts, companyRoutes, keyRoutes, stateRoutes } from "./routes.ts";
import type { CompanyOptions } from "./schema.ts";
import type { StatusParts } from "./status.ts";

export interface OperatorOptions extends CompanyParts {
  imports: HomeParts;
  options: CompanyOptions;
  status: StatusParts;
  /** An `operatorVerifier`. */
  verifyToken: TokenVerifier;
  /** Of calls of one operator. */
  limiter: RateLimit | undefined;
}

/** The API of whoever runs the service, below `/operator`. */
export function operatorApi(parts: OperatorOptions) {
  const isPage = `${HOME}/*`;
  return (
    new Hono<{ Variables: OperatorVariables }>()
      // Pages have a sign-in of their own.
      .use(except(isPage, operatorBearer(parts.verifyToken)))
      .use(except(isPage, rateLimit<{ Variables: OperatorVariables }>(parts.limiter, operatorName)))
      .use(except([isPage, `/operator${IMPORT_PATH}`], wholeBody(MAX_BODY_BYTES)))
      .use(IMPORT_PATH, wholeBody(MAX_IMPORT_BYTES))
      .use(except(isPage, jsonBody))
      .route("/", companyRoutes(parts, parts.options))
      .route("/", keyRoutes(parts.keys, parts.imports))
      .route("/", stateRoutes(parts.status))
  );
}
