import type * as z from "zod";
import { type Json, parameters, ref } from "./json.ts";
import { type AnswerHeaders, FAILURES, type Failure, headerRefs } from "./responses.ts";

export interface Operation {
  tags: ["API keys" | "The presented key" | "Leak reports" | "Operator" | "Discovery"];
  operationId: string;
  summary: string;
  description: string;
  security: Json[];
  path?: z.ZodObject;
  query?: z.ZodObject;
  /** Parameters that no schema describes. */
  extra?: Json[];
  /** Name of the body's schema. */
  body?: { schema: string; required: boolean };
  success: Json;
  failures: readonly Failure[];
}

export function operation({ path, query, extra = [], body, success, failures, ...rest }: Operation): Json {
  return {
    ...rest,
    parameters: [
      ...(path ? parameters(path, "path") : []),
      ...(query ? parameters(query, "query") : []),
      ...extra,
    ],
    ...(body && {
      requestBody: {
        required: body.required,
        content: { "application/json": { schema: ref("schemas", body.schema) } },
      },
    }),
    responses: {
      ...success,
      ...Object.fromEntries(failures.map((name) => [FAILURES[name].status, ref("responses", name)])),
    },
  };
}

export function json(status: number, description: string, schema: Json, headers: AnswerHeaders = {}): Json {
  const content = { "application/json": { schema } };
  return { [status]: { description, headers: headerRefs(headers), content } };
}

export function text(type: string, description: string): Json {
  return { 200: { description, content: { [type]: { schema: { type: "string" } } } } };
}

export function empty(description: string): Json {
  return { 204: { description } };
}

export function listOf(name: string): Json {
  return { type: "array", items: ref("schemas", name) };
}

/** Of the operations that make a key. */
export const idempotencyKey: Json = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description:
    "A random text of the client's own for this request, such as a UUID. For 24 hours the same request with the same text is answered with the same key, and makes no other; with another body it is 422. draft-ietf-httpapi-idempotency-key-header.",
  schema: { type: "string", minLength: 1, maxLength: 257 },
  example: "8e03978e-40d5-43dd-bc93-6894a57f9324",
};

export const created = json(201, "The new key, with the key itself.", ref("schemas", "NewApiKey"), {
  Location: "Location",
});
