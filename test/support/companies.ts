import { env } from "cloudflare:workers";
import { type CompanyChange, companyService } from "../../src/companies/service.ts";
import { only } from "./database.ts";

/** Whoever runs the service. */
export const OPERATOR = { issuer: "https://operator.example", subject: "olga", isOperator: true };

/** What whoever runs the service sets for a company. */
export function setCompany(change: CompanyChange, id = "acme") {
  return companyService({ databases: only(env.DB), now: Date.now }).change(id, OPERATOR, change);
}
