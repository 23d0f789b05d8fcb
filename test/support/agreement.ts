import { env } from "cloudflare:workers";
import { expect } from "vitest";
import * as z from "zod";
import { jsonHead } from "../../src/http/headers.ts";
import { openApi } from "../../src/openapi/document.ts";
import { settingsOf } from "./settings.ts";

interface Described {
  headers?: Record<string, { $ref: string }>;
  content?: Record<string, { schema: object }>;
}

interface Operation {
  operationId: string;
  responses: Record<string, Described | { $ref: string }>;
}

/** The document, as far as answers are concerned. */
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: Record<"headers" | "responses" | "schemas", Record<string, object>>;
}

const document = JSON.parse(
  JSON.stringify(
    openApi(
      settingsOf({
        ...env,
        LEAK_REPORT_KEYS_URL: "https://keys.example",
      }),
      "https://latchkey.example",
    ),
  ),
) as Document;
const paths = Object.entries(document.paths).map(([template, operations]) => ({
  form: new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`),
  operations,
}));
const schemas = new Map<string, z.ZodType>();

/** `operationId status` of every answer that was held against the document so far. */
export const seen = new Set<string>();

/** Every `operationId status` of the document. */
export const documented = Object.values(document.paths).flatMap((item) =>
  Object.values(item).flatMap(({ operationId, responses }) =>
    Object.keys(responses).map((status) => `${operationId} ${status}`),
  ),
);

/** What is of HTTP, not of one operation. */
const OF_ANY_ANSWER = new Set([...jsonHead("https://latchkey.example").headers.keys(), "vary", "etag"]);

/** Fails where the document does not know of this answer: its status, a header, or the form of its body. */
export async function expectDocumented(method: string, path: string, answer: Response): Promise<void> {
  const operation = operationOf(method === "HEAD" ? "get" : method.toLowerCase(), path);
  if (operation === undefined) return;
  const name = `${operation.operationId} ${answer.status}`;
  expect(documented, `${method} ${path}`).toContain(name);
  const described = resolve(operation.responses[answer.status] ?? {});
  const headers = Object.entries(described.headers ?? {});
  for (const [header, ref] of headers) {
    const { required } = resolve<{ required?: boolean }>(ref);
    if (required) expect(answer.headers.has(header), `${name} has ${header}`).toBe(true);
  }
  const known = new Set(headers.map(([header]) => header.toLowerCase()));
  const unknown = [...answer.headers.keys()].filter(
    (header) => !known.has(header) && !OF_ANY_ANSWER.has(header) && !header.startsWith("access-control-"),
  );
  expect(unknown, `${name}: headers that the document does not know`).toEqual([]);
  const schema = described.content?.["application/json"]?.schema;
  if (schema !== undefined && method !== "HEAD") {
    const body = await answer.clone().json();
    expect(validator(name, schema).safeParse(body).error, `${name}: ${JSON.stringify(body)}`).toBeUndefined();
  }
  seen.add(name);
}

function operationOf(method: string, path: string): Operation | undefined {
  const { pathname } = new URL(path, "https://latchkey.example");
  return paths.find(({ form }) => form.test(pathname))?.operations[method];
}

function resolve<T extends object = Described>(value: T | { $ref: string }): T {
  if (!("$ref" in value)) return value;
  const [kind, name] = value.$ref.split("/").slice(2) as ["headers" | "responses", string];
  return document.components[kind][name] as T;
}

function validator(name: string, schema: object): z.ZodType {
  const known = schemas.get(name);
  if (known !== undefined) return known;
  const whole = JSON.stringify({ ...schema, $defs: document.components.schemas });
  const made = z.fromJSONSchema(JSON.parse(whole.replaceAll("#/components/schemas/", "#/$defs/")));
  schemas.set(name, made);
  return made;
}
