import * as z from "zod";

/** A JSON schema, or another object of the document. */
export type Json = Record<string, unknown>;

export function ref(kind: "schemas" | "headers" | "responses", name: string): { $ref: string } {
  return { $ref: `#/components/${kind}/${name}` };
}

const options = {
  /** zod leaves out examples where a schema transforms, and adds patterns to formats that say nothing new. */
  override({
    zodSchema,
    jsonSchema,
  }: {
    zodSchema: z.core.$ZodType;
    jsonSchema: z.core.JSONSchema.BaseSchema;
  }) {
    Object.assign(jsonSchema, z.globalRegistry.get(zodSchema));
    if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  },
};

/** Named schemas as JSON schemas that refer to each other. `io`: as sent, or as answered. */
export function jsonSchemas(named: Record<string, z.ZodType>, io: "input" | "output"): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { ...options, io, uri: (id) => ref("schemas", id).$ref });
  return Object.fromEntries(Object.entries(schemas).map(([id, { $schema, $id, ...schema }]) => [id, schema]));
}

/** The members of `schema` as parameters. */
export function parameters(schema: z.ZodObject, place: "path" | "query"): Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { ...options, io: "input" });
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property as Json;
    return { name, in: place, required: required.includes(name), description, schema: rest };
  });
}
