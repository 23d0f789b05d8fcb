import { listEventsSchema } from "../audit/schema.ts";
import type { ContactSettings } from "../discovery/settings.ts";
import { type KeyRules, keyIdSchema, listKeysSchema } from "../keys/schema.ts";
import type { RuleSettings } from "../keys/settings.ts";
import { REPORTS_PATH } from "../leaks/schema.ts";
import type { LeakSettings } from "../leaks/settings.ts";
import { resources } from "../oauth/metadata.ts";
import type { OAuthSettings } from "../oauth/settings.ts";
import { type Json, ref } from "./json.ts";
import { created, empty, idempotencyKey, json, listOf, operation, text } from "./operation.ts";
import type { Failure } from "./responses.ts";
import { verificationPaths } from "./verification.ts";

/** What the document depends on. */
export type DocumentSettings = RuleSettings & OAuthSettings & LeakSettings & ContactSettings;

const ALWAYS = ["MethodNotAllowed", "InternalError"] as const;
const MANAGED = ["TokenRefused", "Forbidden", "RateLimited", "Unavailable", ...ALWAYS] as const;
const OF_BODY = ["PayloadTooLarge", "UnsupportedMediaType"] as const;

/** Every route, with every status of it. */
export function paths(config: DocumentSettings, rules: KeyRules): Json {
  const managed = (scope: string, ...failures: Failure[]) => ({
    tags: ["API keys"] as ["API keys"],
    security: [{ oauth: scope === "" ? [] : [scope] }],
    failures: [...failures, ...MANAGED],
  });
  const read = (...failures: Failure[]) => managed(config.OAUTH_READ_SCOPE, ...failures);
  const write = (...failures: Failure[]) => managed(config.OAUTH_WRITE_SCOPE, ...failures, ...OF_BODY);
  const revocation = write("BadRequest", "NotFound");
  // Never refused by a limit.
  revocation.failures = revocation.failures.filter((failure) => failure !== "RateLimited");

  return {
    "/settings/api-keys": {
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
    },
    "/settings/api-keys/{id}": {
      get: operation({
        ...read("BadRequest", "NotFound"),
        operationId: "getApiKey",
        summary: "Get a key",
        description: "One key. Those of other companies do not exist.",
        path: keyIdSchema,
        success: json(200, "The key.", ref("schemas", "ApiKey")),
      }),
      patch: operation({
        ...write("BadRequest", "NotFound", "Conflict", "ValidationError"),
        operationId: "updateApiKey",
        summary: "Rename a key",
        description: "An empty object changes nothing. A revoked key cannot be renamed.",
        path: keyIdSchema,
        body: { schema: "UpdateKey", required: false },
        success: json(200, "The key.", ref("schemas", "ApiKey")),
      }),
      delete: operation({
        ...revocation,
        operationId: "revokeApiKey",
        summary: "Revoke a key",
        description: "For good, and everywhere within seconds. Once more changes nothing.",
        path: keyIdSchema,
        success: empty("The key is revoked."),
      }),
    },
    "/settings/api-keys/{id}/rotate": {
      post: operation({
        ...write("BadRequest", "NotFound", "Conflict", "ValidationError"),
        operationId: "rotateApiKey",
        summary: "Rotate a key",
        description:
          "A new key of the same label and scopes, which lives as long as the old one was made to live. It must be one that could be created today. The old one ends after the overlap. A key that is revoked, expired or rotated already cannot be rotated.",
        path: keyIdSchema,
        extra: [idempotencyKey],
        body: { schema: "RotateKey", required: false },
        success: created,
      }),
    },
    "/settings/api-keys/{id}/usage": {
      get: operation({
        ...read("BadRequest", "NotFound"),
        operationId: "getApiKeyUsage",
        summary: "Count the uses of a key",
        description: "The last 30 days, oldest first.",
        path: keyIdSchema,
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
    ...verificationPaths,
    ...(config.LEAK_REPORT_KEYS_URL !== "" && {
      [REPORTS_PATH]: {
        post: operation({
          tags: ["Leak reports"],
          operationId: "reportLeaks",
          summary: "Report leaked keys",
          description: "GitHub's secret-scanning partner protocol. Genuine keys are revoked.",
          security: [{ reporterKey: [], reporterSignature: [] }],
          body: { schema: "LeakReport", required: true },
          success: json(200, "What each match was, in their order.", listOf("LeakFeedback")),
          failures: [
            "SignatureRefused",
            "BadRequest",
            ...OF_BODY,
            "ValidationError",
            "Unavailable",
            ...ALWAYS,
          ],
        }),
      },
    }),
    ...metadataPaths(config),
    ...(config.SECURITY_CONTACT !== "" && {
      "/.well-known/security.txt": {
        get: operation({
          ...discovery(...ALWAYS),
          operationId: "getSecurityTxt",
          summary: "Find who hears of faults",
          description: "RFC 9116.",
          success: text("text/plain", "The contact."),
        }),
      },
    }),
    "/health": {
      get: operation({
        ...discovery("MethodNotAllowed"),
        operationId: "getHealth",
        summary: "Ask whether it is alive",
        description: "Also where the database is down.",
        success: json(200, "It is.", ref("schemas", "Health")),
      }),
    },
    "/health/ready": {
      get: operation({
        ...discovery("MethodNotAllowed", "Unavailable"),
        operationId: "getReadiness",
        summary: "Ask whether it is ready",
        description:
          "The database answers and the settings are good. Keys of the issuer are fetched with the first access token.",
        success: json(200, "It is.", ref("schemas", "Readiness")),
      }),
    },
    "/openapi.json": {
      get: operation({
        ...discovery(...ALWAYS),
        operationId: "getOpenApi",
        summary: "Get this document",
        description: "OpenAPI 3.1.",
        success: json(200, "The document.", {
          type: "object",
          required: ["openapi"],
          properties: { openapi: { type: "string" } },
        }),
      }),
    },
    "/docs": {
      get: operation({
        ...discovery("MethodNotAllowed"),
        operationId: "getDocs",
        summary: "Read this document",
        description: "A page for people.",
        success: text("text/html", "The page."),
      }),
    },
  };
}

function discovery(...failures: Failure[]) {
  return { tags: ["Discovery"] as ["Discovery"], security: [], failures };
}

/** Where clients look for the metadata of each audience that is a URL. */
function metadataPaths(config: DocumentSettings): Json {
  const paths = new Set(resources(config).map(({ path }) => path));
  const entries = [...paths].map((path, index) => [
    path,
    {
      get: operation({
        ...discovery("NotFound", ...ALWAYS),
        operationId: `getResourceMetadata${index || ""}`,
        summary: "Find the authorization server",
        description: "OAuth2 protected resource metadata (RFC 9728).",
        success: json(200, "The metadata.", ref("schemas", "ResourceMetadata")),
      }),
    },
  ]);
  return Object.fromEntries(entries);
}
