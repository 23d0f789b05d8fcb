import { searchEventsSchema } from "../audit/schema.ts";
import type { KeyForm } from "../keys/form.ts";
import { keyIdSchema } from "../keys/schema.ts";
import { OPERATOR_READ_SCOPE, OPERATOR_WRITE_SCOPE } from "../oauth/operator.ts";
import { IMPORT_PATH } from "../operator/import-schema.ts";
import { searchKeysSchema } from "../operator/key-schema.ts";
import { companyIdSchema, listCompaniesSchema } from "../operator/schema.ts";
import { usageOfDaySchema } from "../operator/usage-schema.ts";
import { type Json, ref } from "./json.ts";
import { json, listOf, operation } from "./operation.ts";
import { ALWAYS, type Failure, OF_BODY } from "./responses.ts";

/** What whoever runs the service does, by an access token of an audience of its own. */
export function operatorPaths({ form }: { form: KeyForm }): Json {
  return { ...companyPaths(), ...keyPaths(form), ...actsOnAKey(), ...statePaths() };
}

function operated(scope: string, ...failures: Failure[]) {
  return {
    tags: ["Operator"] as ["Operator"],
    security: [{ operator: [scope] }],
    failures: [
      "BadRequest",
      ...failures,
      "TokenRefused",
      "Forbidden",
      "RateLimited",
      "Unavailable",
      ...ALWAYS,
    ] as Failure[],
  };
}

const read = (...failures: Failure[]) => operated(OPERATOR_READ_SCOPE, ...failures);
const write = (...failures: Failure[]) => operated(OPERATOR_WRITE_SCOPE, ...failures, ...OF_BODY);

/** Never refused by a limit. */
function revoking(...failures: Failure[]) {
  const revocation = write(...failures);
  revocation.failures = revocation.failures.filter((failure) => failure !== "RateLimited");
  return revocation;
}

function companyPaths(): Json {
  const theCompany = json(200, "The company.", ref("schemas", "Company"));
  return {
    "/operator/companies": {
      get: operation({
        ...read(),
        operationId: "listCompanies",
        summary: "List companies",
        description:
          "Those that ever had a key or a setting. A page may have fewer of them than `limit`, or none, and yet lead to another one.",
        query: listCompaniesSchema,
        success: json(200, "Companies.", listOf("ListedCompany"), { Link: "Link" }),
      }),
    },
    "/operator/companies/{id}": {
      get: operation({
        ...read(),
        operationId: "getCompany",
        summary: "Get a company",
        description: "What is set for it. One for which nothing was ever set is answered as well.",
        path: companyIdSchema,
        success: theCompany,
      }),
      patch: operation({
        ...write("ValidationError"),
        operationId: "changeCompany",
        summary: "Suspend a company, or change its policy",
        description:
          "What is left out stays. The keys of a suspended company are refused everywhere within seconds, until it is resumed.",
        path: companyIdSchema,
        body: { schema: "ChangeCompany", required: true },
        success: theCompany,
      }),
    },
    "/operator/companies/{id}/revoke-all": {
      post: operation({
        ...revoking("ValidationError"),
        operationId: "revokeCompany",
        summary: "Revoke all keys of a company",
        description:
          "For good, 25,000 of them a call: repeat it until none is left. `dryRun` counts and changes nothing. A company that is not suspended can make new ones meanwhile.",
        path: companyIdSchema,
        body: { schema: "RevokeAll", required: false },
        success: json(200, "What became of them.", ref("schemas", "Revocation")),
      }),
    },
  };
}

const theKey = json(200, "The key.", ref("schemas", "OperatedKey"));

function keyPaths(form: KeyForm): Json {
  return {
    "/operator/keys": {
      get: operation({
        ...read(),
        operationId: "searchKeys",
        summary: "Search the keys of all companies",
        description:
          "All that is asked for must fit. A page may have fewer keys than `limit`, or none, and yet lead to another one: each reads a bounded number of them.",
        query: searchKeysSchema({ form }),
        success: json(200, "Keys.", listOf("OperatedKey"), { Link: "Link" }),
      }),
    },
    "/operator/keys/identify": {
      post: operation({
        ...read("NotFound", "ValidationError", ...OF_BODY),
        operationId: "identifyKey",
        summary: "Ask whose key this is",
        description: "Also of a dead one. What is no key of this service is 404.",
        body: { schema: "IdentifyKey", required: true },
        success: theKey,
      }),
    },
    [`/operator${IMPORT_PATH}`]: {
      post: operation({
        ...write("ValidationError", "Conflict"),
        operationId: "importKeys",
        summary: "Import keys that were made elsewhere",
        description:
          "They go on working as they are. Each entry is looked at by itself, and the answer tells of each. To repeat a call changes nothing. 409: IMPORTED_KEY_PATTERN is empty.",
        body: { schema: "ImportKeys", required: true },
        success: json(200, "What became of each.", ref("schemas", "Import")),
      }),
    },
    "/operator/keys/{id}": {
      get: operation({
        ...read("NotFound"),
        operationId: "getKey",
        summary: "Get a key of any company",
        description: "One key.",
        path: keyIdSchema,
        success: theKey,
      }),
    },
  };
}

function actsOnAKey(): Json {
  return {
    "/operator/keys/{id}/revoke": {
      post: operation({
        ...revoking("NotFound"),
        operationId: "revokeKey",
        summary: "Revoke a key of any company",
        description: "For good, and everywhere within seconds. Once more changes nothing.",
        path: keyIdSchema,
        success: theKey,
      }),
    },
    "/operator/keys/{id}/suspend": {
      post: operation({
        ...write("NotFound", "Conflict"),
        operationId: "suspendKey",
        summary: "Suspend a key of any company",
        description: "It is refused everywhere within seconds, until you or its company resume it.",
        path: keyIdSchema,
        success: theKey,
      }),
    },
    "/operator/keys/{id}/resume": {
      post: operation({
        ...write("NotFound", "Conflict"),
        operationId: "resumeKey",
        summary: "Resume a key of any company",
        description: "Turns a suspension back, whoever suspended it.",
        path: keyIdSchema,
        success: theKey,
      }),
    },
  };
}

function statePaths(): Json {
  return {
    "/operator/events": {
      get: operation({
        ...read(),
        operationId: "searchEvents",
        summary: "Read the audit log of all companies",
        description:
          "Newest first. A page may have fewer events than `limit`, or none, and yet lead to another one.",
        query: searchEventsSchema,
        success: json(200, "Events.", listOf("OperatedEvent"), { Link: "Link" }),
      }),
    },
    "/operator/usage": {
      get: operation({
        ...read(),
        operationId: "getUsageOfDay",
        summary: "Ask who used the service most",
        description:
          "The companies and keys with most accepted and most refused uses of a day, as added up every hour.",
        query: usageOfDaySchema,
        success: json(200, "Who it was.", ref("schemas", "Busiest")),
      }),
    },
    "/operator/status": {
      get: operation({
        ...read(),
        operationId: "getStatus",
        summary: "Ask how the service is doing",
        description: "What waits, what was done last, and which secrets still have live keys.",
        success: json(200, "How it is doing.", ref("schemas", "Status")),
      }),
    },
  };
}
