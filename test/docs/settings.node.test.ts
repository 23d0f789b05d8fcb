import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { rowsOf } from "./markdown.ts";
import { config } from "./wrangler.ts";

describe("docs/settings.md", () => {
  test("lists the variables of wrangler.toml with their defaults", async () => {
    const rows = rowsOf(await readFile("docs/settings.md", "utf8"), "variable", "default");
    const defaults = Object.entries(config.vars).map(([name, value]) => [name, asWritten(value)]);
    // A table is described, not repeated.
    const listed = rows.map(([name, value]) => [
      name,
      name === "SCOPES" ? asWritten(config.vars.SCOPES) : value,
    ]);
    expect(listed.sort()).toEqual(defaults.sort());
  });

  test("lists the secrets, and those that wrangler.toml requires as always needed", async () => {
    const rows = rowsOf(await readFile("docs/settings.md", "utf8"), "secret", "needed");
    expect(rows.filter(([, needed]) => needed === "always").map(([name]) => name)).toEqual(
      config.secrets?.required,
    );
  });
});

describe("docs/promises.md", () => {
  test("lists the limiters of wrangler.toml with their numbers", async () => {
    const rows = rowsOf(await readFile("docs/promises.md", "utf8"), "binding", "limits", "default");
    for (const { name, simple } of config.ratelimits) {
      const [, , text] = rows.find(([binding]) => binding === name) ?? [];
      expect(text).toMatch(new RegExp(`^${simple.limit} in ${simple.period} seconds`));
    }
  });

  test("says off for those limiters that wrangler.toml does not have", async () => {
    const rows = rowsOf(await readFile("docs/promises.md", "utf8"), "binding", "limits", "default");
    const on = config.ratelimits.map(({ name }) => name);
    const others = rows.filter(([binding = ""]) => !on.includes(binding));
    expect(others.map(([, , text]) => text)).toEqual([expect.stringMatching(/^off/)]);
  });
});

/** As the table has it: the words of a list; an empty text or list is "empty". */
function asWritten(value: unknown): string {
  if (value === "" || (Array.isArray(value) && value.length === 0)) return "empty";
  if (Array.isArray(value)) return value.join(" ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
