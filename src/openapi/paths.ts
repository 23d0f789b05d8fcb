import type { ContactSettings } from "../discovery/settings.ts";
import type { KeyRules } from "../keys/schema.ts";
import type { RuleSettings } from "../keys/settings.ts";
import { REPORTS_PATH } from "../leaks/schema.ts";
import type { LeakSettings } from "../leaks/settings.ts";
import { resources } from "../oauth/metadata.ts";
import type { OAuthSettings } from "../oauth/settings.ts";
import type { OperatorSettings } from "../operator/settings.ts";
import { type Json, ref } from "./json.ts";
import { managedPaths } from "./managed.ts";
import { json, listOf, operation, text } from "./operation.ts";
import { operatorPaths } from "./operator.ts";
import { ALWAYS, type Failure, OF_BODY } from "./responses.ts";
import { verificationPaths } from "./verification.ts";

/** What the document depends on. */
export type DocumentSettings = RuleSettings &
  OAuthSettings &
  LeakSettings &
  ContactSettings &
  OperatorSettings & { rateTiers: readonly string[] };

/** Every route, with every status of it. */
export function paths(config: DocumentSettings, rules: KeyRules): Json {
  return {
    ...managedPaths(config, rules),
    ...verificationPaths,
    ...(config.OPERATOR_AUDIENCE !== "" && operatorPaths(rules)),
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
