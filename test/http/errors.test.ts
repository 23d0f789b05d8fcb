import { describe, expect, test } from "vitest";
import { ApiError, ERRORS, type ErrorCode, errorResponse, masked, shownPath } from "../../src/http/errors.ts";
import { describeFault } from "../../src/lib/fault.ts";

const URL_ = "https://latchkey.example/settings/x?secret=1#y";

describe.each(Object.keys(ERRORS) as ErrorCode[])("%s", (code) => {
  test("has the status of the contract, the envelope and no-store", async () => {
    const answer = errorResponse(new ApiError(code), URL_);
    expect(answer.status).toBe(ERRORS[code].status);
    expect(answer.headers.get("Content-Type")).toBe("application/json; charset=utf-8");
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(answer.headers.has("Retry-After")).toBe(code === "UNAVAILABLE" || code === "RATE_LIMITED");
    expect(await answer.json()).toEqual({
      status: ERRORS[code].status,
      error: code,
      message: ERRORS[code].message,
      timestamp: expect.stringMatching(/Z$/),
      path: "/settings/x",
    });
  });
});

test("the log's reason stays out of the answer; details and headers are in it", async () => {
  const details = [{ field: "label", message: "must not be blank" }];
  const error = new ApiError("VALIDATION_ERROR", { reason: "why", details, headers: { Allow: "GET" } });
  const answer = errorResponse(error, URL_);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ details });
  expect(text).not.toContain("why");
  expect(answer.headers.get("Allow")).toBe("GET");
});

test.each([
  ["/settings/api-keys", "/settings/api-keys"],
  [
    "/settings/api-keys/6f1ff3f4-0000-4000-8000-000000000000",
    "/settings/api-keys/6f1ff3f4-0000-4000-8000-000000000000",
  ],
  [`/x/lk_live_${"a".repeat(50)}/y`, "/x/***/y"],
  [`/${"a".repeat(39)}`, `/${"a".repeat(39)}`],
  [`/${"a".repeat(40)}`, "/***"],
])("the path %s is shown as %s", (path, shown) => {
  expect(shownPath(`https://latchkey.example${path}?q=1`)).toBe(shown);
});

test("masked leaves short text alone and hides each long run", () => {
  expect(masked(`label ${"a".repeat(40)} ${"b".repeat(60)}`)).toBe("label *** ***");
});

test("a fault is described by its innermost cause", () => {
  const fault = new Error("outer, with parameters", {
    cause: new Error("middle", { cause: new Error("inner") }),
  });
  expect(describeFault(fault)).toMatch(/^Error: inner/);
  expect(describeFault(fault)).not.toContain("parameters");
});

test.each([
  ["text", "text"],
  [undefined, "undefined"],
  [{ secret: 1 }, "[object Object]"],
])("what is no Error is described too: %j", (fault, text) => {
  expect(describeFault(fault)).toBe(text);
});

test("an Error without a stack is described by its message", () => {
  const fault = new Error("bare");
  delete fault.stack;
  expect(describeFault(fault)).toBe("bare");
});
