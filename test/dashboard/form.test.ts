import { expect, test } from "vitest";
import { emptyForm, keyBody, offeredDays, readKeyForm } from "../../src/dashboard/form.ts";

const NOW = Date.UTC(2026, 10, 25, 12);

function bodyOf(fields: [string, string][], maxLifetimeDays = 0, zone = "UTC") {
  const data = new FormData();
  for (const [name, value] of fields) data.append(name, value);
  return keyBody(readKeyForm(data), { now: NOW, maxLifetimeDays, zone });
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
    expiresAt: "2026-12-25T23:59:59.000Z",
  });
});

test("never is no end", () => {
  expect(bodyOf([["expiry", "never"]])).toEqual({ label: "", scopes: [] });
});

test("a day means its end, where the visitor is", () => {
  const end = (zone: string) => bodyOf([["date", "2027-02-28"]], 0, zone).expiresAt;
  expect(end("Europe/Berlin")).toBe("2027-02-28T22:59:59.000Z");
  expect(end("America/Los_Angeles")).toBe("2027-03-01T07:59:59.000Z");
});

test.each(["2027-02-30", "2027-13-01", "99999-01-01", "soon", "2027-2-1"])(
  "%s is no day, for the rules of the API to refuse",
  (date) => {
    expect(bodyOf([["date", date]]).expiresAt).toBe(date);
  },
);

test("addresses are apart by spaces, commas or lines; none at all is from anywhere", () => {
  const addresses = (text: string) =>
    bodyOf([
      ["expiry", "never"],
      ["allowedIps", text],
    ]).allowedIps;
  expect(addresses(" 192.0.2.7, 2001:db8::/32\r\n\n198.51.100.0/24 ")).toEqual([
    "192.0.2.7",
    "2001:db8::/32",
    "198.51.100.0/24",
  ]);
  expect(addresses(" \n")).toBeUndefined();
});

test("metadata are a name and a text a line; a line without = has no text, for the rules of the API to refuse", () => {
  const metadata = (text: string) =>
    bodyOf([
      ["expiry", "never"],
      ["metadata", text],
    ]).metadata;
  expect(metadata("team = careers\r\n\nurl=https://a.example/?b=c\n")).toEqual({
    team: "careers",
    url: "https://a.example/?b=c",
  });
  expect(metadata("team")).toEqual({ team: null });
  expect(metadata(" ")).toBeUndefined();
});

test("a day means its end", () => {
  expect(
    bodyOf([
      ["expiry", "date"],
      ["date", "2027-02-28"],
    ]),
  ).toMatchObject({ expiresAt: "2027-02-28T23:59:59.000Z" });
});

test("a day that was typed counts, whatever number of days is chosen beside it", () => {
  for (const expiry of ["90", "never", "date", ""]) {
    const fields: [string, string][] = [
      ["expiry", expiry],
      ["date", "2027-02-28"],
    ];
    expect(bodyOf(fields)).toMatchObject({ expiresAt: "2027-02-28T23:59:59.000Z" });
  }
});

test("the last day that the rule lets a key live is a day to choose: the key ends in its course", () => {
  const end = (date: string) => bodyOf([["date", date]], 60).expiresAt;
  expect(end("2027-01-23")).toBe("2027-01-23T23:59:59.000Z");
  expect(end("2027-01-24")).toBe("2027-01-24T12:00:00.000Z");
  expect(end("2027-01-25")).toBe("2027-01-25T23:59:59.000Z");
});

test.each([
  [0, [30, 90, 365], "90"],
  [7, [7], "7"],
  [60, [30, 60], "60"],
  [90, [30, 90], "90"],
  [100, [30, 90, 100], "90"],
  [400, [30, 90, 365, 400], "90"],
])("where keys live %i days at most the form offers %j, and begins with %s", (max, days, usual) => {
  expect(offeredDays(max)).toEqual(days);
  expect(emptyForm(max).expiry).toBe(usual);
});

test.each(["", "0", "-1", "1e3", "30 ", "999999", "soon", "__proto__"])(
  "an expiry of %j is no time, for the rules of the API to refuse",
  (expiry) => {
    expect(bodyOf([["expiry", expiry]])).toMatchObject({ expiresAt: "" });
  },
);

test("a file in the place of a text is no text", () => {
  const data = new FormData();
  data.append("label", new File(["x"], "x.txt"));
  data.append("scopes", new File(["x"], "x.txt"));
  expect(readKeyForm(data)).toMatchObject({ label: "", scopes: [] });
});
