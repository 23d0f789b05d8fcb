import * as z from "zod";
import { ERRORS, type ErrorCode, type ErrorEnvelope } from "../http/errors.ts";
import { type Json, ref } from "./json.ts";

/** `ErrorEnvelope`, whose type belongs to the package for other Workers: that one knows no zod. */
export const errorSchema = z
  .object({
    status: z.int().min(400).max(599).meta({ description: "The HTTP status." }),
    error: z.enum(Object.keys(ERRORS) as ErrorCode[]),
    message: z.string().meta({ description: "For people; it may change." }),
    timestamp: z.iso.datetime(),
    path: z.string().meta({ description: "The request's path, without its query." }),
    details: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .exactOptional()
      .meta({ description: "With VALIDATION_ERROR alone: one entry for each broken field." }),
  })
  .meta({ description: "Every answer that is not 2xx." }) satisfies z.ZodType<ErrorEnvelope>;

export const HEADERS = {
  Location: header("Path of the new key.", { type: "string", format: "uri-reference" }),
  Link: {
    ...header("The next page (RFC 8288), if there is one.", { type: "string" }),
    required: false,
    example: '<https://keys.example.com/settings/api-keys?limit=100&cursor=…>; rel="next"',
  },
  BearerChallenge: {
    ...header("RFC 6750 §3, RFC 9728 §5.1.", { type: "string", pattern: "^Bearer realm=" }),
    example:
      'Bearer realm="latchkey", resource_metadata="https://keys.example.com/.well-known/oauth-protected-resource", error="invalid_token"',
  },
  ScopeChallenge: {
    ...header("Names the scope, where an access token lacks one (RFC 6750 §3.1).", {
      type: "string",
      pattern: "^Bearer realm=",
    }),
    required: false,
  },
  KeyChallenge: {
    ...header("API keys have no registered scheme.", { type: "string", pattern: "^ApiKey realm=" }),
    example: 'ApiKey realm="latchkey", Bearer realm="latchkey"',
  },
  SignatureChallenge: {
    ...header("A signature has no registered scheme.", {
      type: "string",
      pattern: "^GitHub-Signature realm=",
    }),
    example: 'GitHub-Signature realm="latchkey"',
  },
  RetryAfter: header("Seconds to wait.", { type: "integer", minimum: 1 }),
  Allow: { ...header("The methods of this path.", { type: "string" }), example: "GET, HEAD, POST" },
  KeyId: header("Id of the key.", { type: "string", format: "uuid" }),
  CompanyId: header("The company of the key. What is not printable ASCII, and %, is percent-encoded.", {
    type: "string",
  }),
  KeyStale: {
    ...header("`true`: the database does not answer, and the verdict is older than the bound.", {
      type: "string",
      const: "true",
    }),
    required: false,
  },
  KeyCheckedAt: header("Every revocation committed before this moment is taken into account.", {
    type: "string",
    format: "date-time",
  }),
  KeyScopes: header("The scopes of the key, parted by spaces.", { type: "string" }),
};

function header(description: string, schema: Json) {
  return { description, required: true, schema };
}

export type HeaderName = keyof typeof HEADERS;

/** Headers of an answer: their names on the wire, and here. */
export type AnswerHeaders = Record<string, HeaderName>;

const retryAfter: AnswerHeaders = { "Retry-After": "RetryAfter" };

/** Every way in which a route may fail, by a name for clients that are generated. */
export const FAILURES = {
  BadRequest: failure(["BAD_REQUEST"]),
  TokenRefused: failure(["UNAUTHORIZED", "TOKEN_EXPIRED"], { "WWW-Authenticate": "BearerChallenge" }),
  KeyRefused: failure(["UNAUTHORIZED", "TOKEN_EXPIRED", "KEY_REVOKED"], {
    "WWW-Authenticate": "KeyChallenge",
  }),
  SignatureRefused: failure(["UNAUTHORIZED"], { "WWW-Authenticate": "SignatureChallenge" }),
  Forbidden: failure(["FORBIDDEN"], { "WWW-Authenticate": "ScopeChallenge" }),
  KeyForbidden: failure(["FORBIDDEN", "KEY_SUSPENDED"]),
  NotFound: failure(["NOT_FOUND"]),
  MethodNotAllowed: failure(["METHOD_NOT_ALLOWED"], { Allow: "Allow" }),
  Conflict: failure(["CONFLICT"]),
  PayloadTooLarge: failure(["PAYLOAD_TOO_LARGE"]),
  UnsupportedMediaType: failure(["UNSUPPORTED_MEDIA_TYPE"]),
  ValidationError: failure(["VALIDATION_ERROR"]),
  RateLimited: failure(["RATE_LIMITED"], retryAfter),
  InternalError: failure(["INTERNAL_ERROR"]),
  Unavailable: failure(["UNAVAILABLE"], retryAfter),
};

export type Failure = keyof typeof FAILURES;

/** What any route may fail with, and any that reads a body. */
export const ALWAYS = ["MethodNotAllowed", "InternalError"] as const;
export const OF_BODY = ["PayloadTooLarge", "UnsupportedMediaType"] as const;

/** `codes` are of one status. */
function failure(codes: [ErrorCode, ...ErrorCode[]], headers: AnswerHeaders = {}) {
  const { status } = ERRORS[codes[0]];
  const narrowed = { properties: { status: { const: status }, error: { enum: codes } } };
  const example = (error: ErrorCode) => ({
    value: {
      status,
      error,
      message: ERRORS[error].message,
      timestamp: "2026-11-23T09:08:18.044Z",
      path: "/settings/api-keys",
      ...(error === "VALIDATION_ERROR" && { details: [{ field: "label", message: "must not be blank" }] }),
    } satisfies ErrorEnvelope,
  });
  const response = {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].message}.`).join(" "),
    headers: headerRefs(headers),
    content: {
      "application/json": {
        schema: { allOf: [ref("schemas", "Error"), narrowed] },
        examples: Object.fromEntries(codes.map((code) => [code, example(code)])),
      },
    },
  };
  return { status, response };
}

export function headerRefs(headers: AnswerHeaders): Json {
  return Object.fromEntries(
    Object.entries(headers).map(([name, component]) => [name, ref("headers", component)]),
  );
}
