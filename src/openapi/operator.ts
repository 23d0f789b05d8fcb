import { OPERATOR_READ_SCOPE, OPERATOR_WRITE_SCOPE } from "../oauth/operator.ts";
import { companyIdSchema } from "../operator/schema.ts";
import { type Json, ref } from "./json.ts";
import { json, operation } from "./operation.ts";
import { ALWAYS, type Failure, OF_BODY } from "./responses.ts";

/** What whoever runs the service does, by an access token of an audience of its own. */
export function operatorPaths(): Json {
  const operated = (scope: string, ...failures: Failure[]) => ({
    tags: ["Operator"] as ["Operator"],
    security: [{ operator: [scope] }],
    failures: ["BadRequest", ...failures, "TokenRefused", "Forbidden", "Unavailable", ...ALWAYS] as Failure[],
    path: companyIdSchema,
    success: json(200, "The company.", ref("schemas", "Company")),
  });
  return {
    "/operator/companies/{id}": {
      get: operation({
        ...operated(OPERATOR_READ_SCOPE),
        operationId: "getCompany",
        summary: "Get a company",
        description: "What is set for it. One for which nothing was ever set is answered as well.",
      }),
      patch: operation({
        ...operated(OPERATOR_WRITE_SCOPE, "ValidationError", ...OF_BODY),
        operationId: "changeCompany",
        summary: "Suspend a company, or change its policy",
        description:
          "What is left out stays. The keys of a suspended company are refused everywhere within seconds, until it is resumed.",
        body: { schema: "ChangeCompany", required: true },
      }),
    },
  };
}
