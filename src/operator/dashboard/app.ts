import { Hono } from "hono";
import { type SignedInOptions, signedIn } from "../../dashboard/app.ts";
import { dashboardCookies } from "../../dashboard/cookies.ts";
import { rateLimit } from "../../http/limit.ts";
import { operatorName, operatorOf } from "../../oauth/operator.ts";
import type { StatusParts } from "../status.ts";
import { companyPages, type OperatorPageParts } from "./companies.tsx";
import { keyPages } from "./keys.tsx";
import { type OperatorSession, requireOperator } from "./session.ts";
import { SITE } from "./site.ts";
import { statusPage } from "./status.tsx";

export type OperatorDashboardOptions = SignedInOptions & OperatorPageParts & { status: StatusParts };

/** The pages for whoever runs the service, below `/operator/dashboard`. */
export function operatorDashboard(options: OperatorDashboardOptions): Hono<{ Variables: OperatorSession }> {
  const cookies = dashboardCookies(options.seal, SITE.cookies);
  return new Hono<{ Variables: OperatorSession }>()
    .route("/", signedIn(SITE, operatorOf, { ...options, cookies }))
    .use(requireOperator)
    .use(rateLimit<{ Variables: OperatorSession }>(options.limiter, operatorName))
    .route("/", companyPages(options))
    .route("/", keyPages(options))
    .route("/", statusPage(options.status));
}
