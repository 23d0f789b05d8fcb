import { describe, expect, test } from "vitest";
import page from "../../docs/management-api.md?raw";
import operatorPage from "../../docs/operator-api.md?raw";
import { ERRORS } from "../../src/http/errors.ts";
import { call } from "../support/api.ts";
import { rowsOf } from "./markdown.ts";

interface Operation {
  parameters: { name: string; in: string }[];
}

const isOperated = (operation: string) => operation.includes(" /operator/");

/** All operations but those of a path that only repeat its GET, for proxies that ask by the caller's method. */
async function operations(): Promise<Map<string, Operation>> {
  const { paths } = await (await call("/openapi.json")).json<{
    paths: Record<string, Record<string, Operation>>;
  }>();
  const all = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
    ),
  );
  return new Map(
    all.filter(([name]) => !/^(POST|PUT|PATCH|DELETE|OPTIONS) \/public\/v1\/verify$/.test(name)),
  );
}

describe.each([
  {
    name: "docs/management-api.md",
    page,
    others: rowsOf(page, "path", "what"),
    isOf: (operation: string) => !isOperated(operation),
  },
  { name: "docs/operator-api.md", page: operatorPage, others: [], isOf: isOperated },
])("$name", ({ page, others, isOf }) => {
  test("lists every operation of the OpenAPI document, and no other", async () => {
    const listed = [...rowsOf(page, "call", "does"), ...others].map(([name]) => name);
    expect(listed.sort()).toEqual([...(await operations()).keys()].filter(isOf).sort());
  });

  test("names the query of each call; paging is described for all of them", async () => {
    const documented = await operations();
    for (const [name = "", does = ""] of rowsOf(page, "call", "does")) {
      const named = [...does.matchAll(/`\?(\w+)=/g)].map(([, parameter]) => parameter);
      const query = documented.get(name)?.parameters.filter((parameter) => parameter.in === "query") ?? [];
      const onAll = ["limit", "cursor", "scope"];
      expect(named.filter((parameter) => parameter !== "limit").sort(), name).toEqual(
        query
          .map((parameter) => parameter.name)
          .filter((parameter) => !onAll.includes(parameter))
          .sort(),
      );
    }
  });
});

describe("docs/management-api.md", () => {
  test("lists every error with its status", () => {
    const listed = rowsOf(page, "status", "error").map(([status, error]) => [error, Number(status)]);
    expect(Object.fromEntries(listed)).toEqual(
      Object.fromEntries(Object.entries(ERRORS).map(([code, { status }]) => [code, status])),
    );
  });
});
