import { expect, test } from "vitest";
import { keyBody, readKeyForm } from "../../src/dashboard/form.ts";

const NOW = Date.UTC(2026, 10, 25, 12);

function bodyOf(fields: [string, string][]) {
  const data = new FormData();
  for (const [name, value] of fields) data.append(name, value);
  return keyBody(readKeyForm(data), NOW);
}

test("a form is the body of the API's creation", () => {
  const fields: [string, string][] = [
    ["label", " Careers  page "],
    ["scopes", "jobs:read"],
    ["scopes", "jobs:write"],
    ["expiry", "30"],
    ["date", ""],
  ];
  expect(bodyOf(fields)).toEqual({
    label: " Careers  page ",
    scopes: ["jobs:read", "jobs:write"],
    expiresAt: "2026-12-25T12:00:00.000Z",
  });
});

test("never is no end", () => {
  expect(bodyOf([["expiry", "never"]])).toEqual({ label: "", scopes: [] });
});

test("a day means its end, in UTC", () => {
  expect(
    bodyOf([
      ["expiry", "date"],
      ["date", "2027-02-28"],
    ]),
  ).toMatchObject({ expiresAt: "2027-02-28T23:59:59Z" });
});

test.each(["", "0", "-1", "1e3", "30 ", "999999", "soon", "__proto__"])(
  "an expiry of %j is no time, for the rules of the API to refuse",
  (expiry) => {
    expect(bodyOf([["expiry", expiry]])).toMatchObject({ expiresAt: "T23:59:59Z" });
  },
);

test("a file in the place of a text is no text", () => {
  const data = new FormData();
  data.append("label", new File(["x"], "x.txt"));
  data.append("scopes", new File(["x"], "x.txt"));
  expect(readKeyForm(data)).toMatchObject({ label: "", scopes: [] });
});
