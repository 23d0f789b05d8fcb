import { expect, test } from "vitest";
import * as z from "zod";
import { ApiError } from "../../src/http/errors.ts";
import { refuseBody, refuseUrl } from "../../src/http/validation.ts";

const schema = z.strictObject(
  {
    label: z.string("must be a string"),
    scopes: z.array(z.string("must be names").min(2, "must be longer")),
  },
  "must be an object",
);

function refusal(act: () => void): ApiError {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("was not refused");
}

test("what holds is not refused", () => {
  refuseBody(schema.safeParse({ label: "x", scopes: [] }));
  refuseUrl(schema.safeParse({ label: "x", scopes: [] }));
});

test("a field that is broken in many places has one entry, of the first", () => {
  const { details } = refusal(() => refuseBody(schema.safeParse({ label: "x", scopes: [1, "a"] })));
  expect(details).toEqual([{ field: "scopes", message: "must be names" }]);
});

test("unknown fields have an entry each", () => {
  const { code, details } = refusal(() => refuseBody(schema.safeParse({ label: 1, scopes: [], a: 1, b: 2 })));
  expect(code).toBe("VALIDATION_ERROR");
  expect(details).toEqual([
    { field: "label", message: "must be a string" },
    { field: "a", message: "unknown field" },
    { field: "b", message: "unknown field" },
  ]);
});

test("a body that is no object is the field body", () => {
  const { details } = refusal(() => refuseBody(schema.safeParse(1)));
  expect(details).toEqual([{ field: "body", message: "must be an object" }]);
});

test("a wrong URL is a bad request that names the first wrong parameter", () => {
  const { code, message } = refusal(() => refuseUrl(schema.safeParse({ label: 1, scopes: 1 })));
  expect({ code, message }).toEqual({ code: "BAD_REQUEST", message: "label: must be a string" });
});

test("an unknown parameter is named, unless it is long enough to be a key", () => {
  const message = (name: string) =>
    refusal(() => refuseUrl(schema.safeParse({ label: "x", scopes: [], [name]: "" }))).message;
  expect(message("lim")).toBe("Unknown query parameter: lim");
  expect(message("x".repeat(58))).toBe("Unknown query parameter: ***");
});
