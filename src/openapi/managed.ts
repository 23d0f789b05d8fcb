import { listEventsSchema } from "../audit/schema.ts";
import { listKeysSchema } from "../keys/listing.ts";
import { type KeyRules, keyIdSchema } from "../keys/schema.ts";
import type { OAuthSettings } from "../oauth/settings.ts";
import { usageQuerySchema } from "../usage/schema.ts";
import { type Json, ref } from "./json.ts";
import { created, empty, idempotencyKey, json, listOf, operation } from "./operation.ts";
import { ALWAYS, type Failure, OF_BODY } from "./responses.ts";

const MANAGED = ["TokenRefused", "Forbidden", "RateLimited", "Unavailable", ...ALWAYS] as const;

type ManagementScopes = Pick<OAuthSettings, "OAUTH_READ_SCOPE" | "OAUTH_WRITE_SCOPE">;

const theKey = json(200, "The key.", ref("schemas", "ApiKey"));

/** What a company does with its keys, by an access token. */
export function managedPaths(config: ManagementScopes, rules: KeyRules): Json {
  const needs = requirements(config);
  return {
    "/settings/api-keys": allKeys(needs, rules),
    "/settings/api-keys/{id}": oneKey(needs),
    ...actsOnAKey(needs),
    ...otherReads(needs),
  };
}

/** What operations have in common that need the same scope. */
function requirements(config: ManagementScopes) {
  const managed = (scope: string, ...failures: Failure[]) => ({
    tags: ["API keys"] as ["API keys"],
    security: [{ oauth: scope === "" ? [] : [scope] }],
    failures: [...failures, ...MANAGED],
  });
  return {
    read: (...failures: Failure[]) => managed(config.OAUTH_READ_SCOPE, ...failures),
    write: (...failures: Failure[]) => managed(config.OAUTH_WRITE_SCOPE, ...failures, ...OF_BODY),
  };
}

type Requirements = ReturnType<typeof requirements>;

function allKeys({ read, write }: Requirements, rules: KeyRules): Json {
  return {
    get: operation({
      ...read("BadRequest"),
      operationId: "listApiKeys",
      summary: "List keys",
      description:
        "The company's keys, newest first: 1,000 of them where `limit` does not say otherwise, which is all that nearly every company has.",
      query: listKeysSchema(rules),
      success: json(200, "Keys.", listOf("ApiKey"), { Link: "Link" }),
    }),
    post: operation({
      ...write("BadRequest", "Conflict", "ValidationError"),
      operationId: "createApiKey",
      summary: "Create a key",
      description:
        "The answer is the only one that ever holds the key itself, but for that to the same request with the same `Idempotency-Key`.",
      extra: [idempotencyKey],
      body: { schema: "CreateKey", required: true },
      success: created,
    }),
  };
}

function oneKey({ read, write }: Requirements): Json {
  const revocation = write("BadRequest", "NotFound");
  // Never refused by a limit.
  revocation.failures = revocation.failures.filter((failure) => failure !== "RateLimited");
  return {
    get: operation({
      ...read("BadRequest", "NotFound"),
      operationId: "getApiKey",
      summary: "Get a key",
      description: "One key. Those of other companies do not exist.",
      path: keyIdSchema,
      success: theKey,
    }),
    patch: operation({
      ...write("BadRequest", "NotFound", "Conflict", "ValidationError"),
      operationId: "updateApiKey",
      summary: "Change a key",
      description:
        "What is left out stays; addresses and metadata are replaced as a whole. An empty object changes nothing. A revoked key cannot be changed.",
      path: keyIdSchema,
      body: { schema: "UpdateKey", required: false },
      success: theKey,
    }),
    delete: operation({
      ...revocation,
      operationId: "revokeApiKey",
      summary: "Revoke a key",
      description: "For good, and everywhere within seconds. Once more changes nothing.",
      path: keyIdSchema,
      success: empty("The key is revoked."),
    }),
  };
}

function actsOnAKey({ write }: Requirements): Json {
  return {
    "/settings/api-keys/{id}/rotate": {
      post: operation({
        ...write("BadRequest", "NotFound", "Conflict", "ValidationError"),
        operationId: "rotateApiKey",
        summary: "Rotate a key",
        description:
          "A new key of the same label, scopes, addresses and metadata, which lives as long as the old one was made to live. It must be one that could be created today. The old one ends after the overlap. A key that is revoked, suspended, expired or rotated already cannot be rotated.",
        path: keyIdSchema,
        extra: [idempotencyKey],
        body: { schema: "RotateKey", required: false },
        success: created,
      }),
    },
    "/settings/api-keys/{id}/suspend": {
      post: operation({
        ...write("BadRequest", "NotFound", "Conflict"),
        operationId: "suspendApiKey",
        summary: "Suspend a key",
        description:
          "It is refused everywhere within seconds, until it is resumed. Once more changes nothing. A revoked key cannot be suspended.",
        path: keyIdSchema,
        success: theKey,
      }),
    },
    "/settings/api-keys/{id}/resume": {
      post: operation({
        ...write("BadRequest", "NotFound", "Conflict"),
        operationId: "resumeApiKey",
        summary: "Resume a key",
        description:
          "Turns a suspension back. A key that is not suspended stays as it is. A revoked key stays revoked.",
        path: keyIdSchema,
        success: theKey,
      }),
    },
  };
}

function otherReads({ read }: Requirements): Json {
  return {
    "/settings/api-keys/{id}/usage": {
      get: operation({
        ...read("BadRequest", "NotFound"),
        operationId: "getApiKeyUsage",
        summary: "Count the uses of a key",
        description: "The last 30 days, or those that are asked for, oldest first.",
        path: keyIdSchema,
        query: usageQuerySchema,
        success: json(200, "Days.", listOf("DayUsage")),
      }),
    },
    "/settings/scopes": {
      get: operation({
        ...read("BadRequest"),
        operationId: "listScopes",
        summary: "List scopes",
        description: "The catalogue that a key's scopes are taken from.",
        success: json(200, "Scopes.", listOf("Scope")),
      }),
    },
    "/settings/events": {
      get: operation({
        ...read("BadRequest"),
        operationId: "listAuditEvents",
        summary: "Read the audit log",
        description: "What happened to the company's keys, newest first.",
        query: listEventsSchema,
        success: json(200, "Events.", listOf("Event"), { Link: "Link" }),
      }),
    },
  };
}
