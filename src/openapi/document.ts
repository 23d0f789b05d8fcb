import * as z from "zod";
import { eventSchema, operatedEventSchema } from "../audit/schema.ts";
import { version } from "../client/package.json";
import {
  apiKeySchema,
  createKeySchema,
  newApiKeySchema,
  rotateKeySchema,
  scopeSchema,
  updateKeySchema,
} from "../keys/schema.ts";
import { feedbackSchema, reportSchema } from "../leaks/schema.ts";
import { resourceMetadataSchema, resources } from "../oauth/metadata.ts";
import { importedKeySchema, importKeysSchema, importSchema } from "../operator/import-schema.ts";
import {
  identifyKeySchema,
  operatedKeySchema,
  revocationSchema,
  revokeAllSchema,
} from "../operator/key-schema.ts";
import { changeCompanySchema, companySchema, listedCompanySchema } from "../operator/schema.ts";
import { statusSchema } from "../operator/status.ts";
import { busiestSchema } from "../operator/usage-schema.ts";
import { dayUsageSchema } from "../usage/schema.ts";
import { verifiedKeySchema } from "../verify/schema.ts";
import { jsonSchemas } from "./json.ts";
import { type DocumentSettings, paths } from "./paths.ts";
import { errorSchema, FAILURES, HEADERS } from "./responses.ts";

const DESCRIPTION = `API keys for your API. Companies manage their keys with OAuth2 access tokens; whoever is shown a key asks
here whether it is good.

Every answer that is not 2xx has the body \`Error\`, that of an unknown path too. HEAD is answered wherever GET is.
Bodies are JSON in UTF-8, of at most 16 KiB; a leak report and an import may have 1 MiB.`;

/**
 * The OpenAPI 3.1 document, made of the schemas that validate.
 *
 * @param origin - Where this API is reached: `https://keys.example.com`.
 */
export function openApi(config: DocumentSettings, origin: string) {
  const isOperated = config.OPERATOR_AUDIENCE !== "";
  const leaks = config.LEAK_REPORT_KEYS_URL !== "";
  // To describe rules is not to apply them: nobody asks for the form of a key.
  const rules = {
    ...config,
    companyIps: null,
    now: Date.now,
    form: { begins: () => false, isForeign: () => false, isIn: () => false, masked: (text: string) => text },
  };
  const asked = {
    CreateKey: createKeySchema(rules),
    UpdateKey: updateKeySchema(rules),
    RotateKey: rotateKeySchema(rules),
    ...(leaks && { LeakReport: reportSchema }),
    ...(isOperated && {
      ChangeCompany: changeCompanySchema({ ...config, catalogue: config.SCOPES }),
      RevokeAll: revokeAllSchema,
      IdentifyKey: identifyKeySchema,
      ImportKeys: importKeysSchema(importedKeySchema({ ...rules, isForeign: () => true })),
    }),
  };
  const answered = {
    ApiKey: apiKeySchema,
    NewApiKey: newApiKeySchema,
    Scope: scopeSchema,
    Event: eventSchema,
    DayUsage: dayUsageSchema,
    VerifiedKey: verifiedKeySchema,
    ...(resources(config).length > 0 && { ResourceMetadata: resourceMetadataSchema }),
    Health: z.object({ status: z.literal("ok") }),
    Readiness: z.object({ status: z.literal("ok"), issuerKeys: z.enum(["held", "not held"]) }),
    ...(leaks && { LeakFeedback: feedbackSchema }),
    ...(isOperated && {
      Company: companySchema,
      ListedCompany: listedCompanySchema,
      OperatedKey: operatedKeySchema,
      Revocation: revocationSchema,
      Import: importSchema,
      OperatedEvent: operatedEventSchema,
      Busiest: busiestSchema,
      Status: statusSchema,
    }),
    Error: errorSchema,
  };
  const { SignatureChallenge, ...rest } = HEADERS;
  return {
    openapi: "3.1.1",
    info: {
      title: "Latchkey",
      version,
      summary: "API keys for your API.",
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: origin }],
    tags: [
      { name: "API keys", description: "Managed by a company, which is that of the access token." },
      { name: "The presented key", description: "What a key can do with itself." },
      ...(leaks ? [{ name: "Leak reports", description: "For who finds keys in public." }] : []),
      ...(isOperated ? [{ name: "Operator", description: "For whoever runs this service." }] : []),
      { name: "Discovery", description: "For machines that look around, without a credential." },
    ],
    paths: paths(config, rules),
    components: {
      securitySchemes: {
        oauth: {
          type: "openIdConnect",
          description: "An access token of the issuer, for instance by OAuth2 authorization code with PKCE.",
          openIdConnectUrl: discoveryOf(config.OAUTH_ISSUER),
        },
        ...(isOperated && {
          operator: {
            type: "openIdConnect",
            description: `An access token for the audience ${config.OPERATOR_AUDIENCE} alone.`,
            openIdConnectUrl: discoveryOf(config.OPERATOR_ISSUER || config.OAUTH_ISSUER),
          },
        }),
        apiKey: { type: "apiKey", description: "An API key.", in: "header", name: "X-API-Key" },
        bearerKey: { type: "http", description: "The same key, as a bearer token.", scheme: "bearer" },
        ...(leaks && {
          reporterKey: {
            type: "apiKey",
            description: "Which of the reporter's public keys verifies the signature.",
            in: "header",
            name: "Github-Public-Key-Identifier",
          },
          reporterSignature: {
            type: "apiKey",
            description: "ECDSA P-256 with SHA-256 over the raw body, DER in base64.",
            in: "header",
            name: "Github-Public-Key-Signature",
          },
        }),
      },
      schemas: { ...jsonSchemas(asked, "input"), ...jsonSchemas(answered, "output") },
      headers: leaks ? HEADERS : rest,
      responses: Object.fromEntries(
        Object.entries(FAILURES)
          .filter(([name]) => leaks || name !== "SignatureRefused")
          .map(([name, { response }]) => [name, response]),
      ),
    },
  };
}

function discoveryOf(issuer: string): string {
  return `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
}
