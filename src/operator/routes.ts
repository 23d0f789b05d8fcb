import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import type { CompanyService } from "../companies/service.ts";
import { knownQuery, refuseBody, refuseUrl } from "../http/validation.ts";
import type { OperatorVariables } from "../oauth/operator.ts";
import { type CompanyOptions, changeCompanySchema, companyIdSchema, shownCompany } from "./schema.ts";

/** What whoever runs the service does with companies, below `/operator`. Wants `operatorBearer` before it. */
export function operatorRoutes(companies: CompanyService, options: CompanyOptions) {
  const id = zValidator("param", companyIdSchema, refuseUrl);
  const change = zValidator("json", changeCompanySchema(options), refuseBody);

  return new Hono<{ Variables: OperatorVariables }>()
    .get("/companies/:id", knownQuery(), id, async (c) => {
      return c.json(shownCompany(await companies.get(c.req.valid("param").id)));
    })
    .patch("/companies/:id", knownQuery(), id, change, async (c) => {
      const company = await companies.change(c.req.valid("param").id, c.var.operator, c.req.valid("json"));
      return c.json(shownCompany(company));
    });
}
