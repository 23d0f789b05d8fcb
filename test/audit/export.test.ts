import { expect, test } from "vitest";
import { FORMATS, logFile } from "../../src/audit/export.ts";
import type { LoggedEvent } from "../../src/audit/log.ts";
import { logged } from "../support/expect.ts";

const event = (changes: Partial<LoggedEvent> = {}): LoggedEvent => ({
  id: "f3b6a1de-9c0c-4d3e-8f57-0f7f0a6c1d11",
  action: "rename",
  keyId: "6001d30f-4ca8-4278-ba11-8964895e31cf",
  label: "Careers page",
  actor: { issuer: "https://login.example.com", subject: "ada" },
  at: "2026-11-23T09:08:13.107Z",
  detail: { label: "Careers page", previousLabel: "Jobs" },
  ...changes,
});
const NO_MORE = { next: null, nextPart: null };
const never = () => Promise.reject(new Error("asked for more"));
const fileOf = (format: "csv" | "json", events: LoggedEvent[]) =>
  new Response(logFile(FORMATS[format], { events, ...NO_MORE }, never))
    .arrayBuffer()
    .then((bytes) => new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(bytes));

test("as CSV an event is a line, which Excel reads as UTF-8", async () => {
  expect(await fileOf("csv", [event()])).toBe(
    [
      "\uFEFFat,action,key,label,issuer,subject,detail,id",
      '2026-11-23T09:08:13.107Z,rename,6001d30f-4ca8-4278-ba11-8964895e31cf,Careers page,https://login.example.com,ada,"{""label"":""Careers page"",""previousLabel"":""Jobs""}",f3b6a1de-9c0c-4d3e-8f57-0f7f0a6c1d11',
      "",
    ].join("\r\n"),
  );
});

test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("https://evil.example")'])(
  "no cell is a formula, such as %j",
  async (text) => {
    const file = await fileOf("csv", [event({ label: text, actor: { issuer: text, subject: text } })]);
    const cells = file
      .split("\r\n")
      .slice(1)
      .join("\r\n")
      .split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/);
    for (const cell of cells.slice(3, 6)) expect(cell).toMatch(/^"?'/);
  },
);

test("quotes, commas and line ends stay in their cell", async () => {
  expect(await fileOf("csv", [event({ label: 'a "b", c\nd' })])).toContain(',"a ""b"", c\nd",');
});

test("without events a file has no entries", async () => {
  expect(await fileOf("csv", [])).toBe("\uFEFFat,action,key,label,issuer,subject,detail,id\r\n");
  expect(JSON.parse(await fileOf("json", []))).toEqual([]);
});

test("as JSON it is the events, of all pages of the part in their order", async () => {
  const [one, two] = [
    event(),
    event({ id: "a0000000-0000-4000-8000-000000000000", keyId: null, label: null }),
  ];
  const first = { events: [one], next: one.id, nextPart: "end" };
  const asked: string[] = [];
  const file = logFile(FORMATS.json, first, async (cursor) => {
    asked.push(cursor);
    return cursor === one.id
      ? { events: [], next: "empty", nextPart: "end" }
      : { events: [two], next: "end", nextPart: "end" };
  });
  expect(await new Response(file).json()).toEqual([one, two]);
  expect(asked).toEqual([one.id, "empty"]);
});

test("a page that cannot be read breaks the file off, and is logged", async () => {
  const lines = logged();
  const file = logFile(FORMATS.json, { events: [event()], next: "more", nextPart: null }, never);
  await expect(new Response(file).text()).rejects.toThrow("asked for more");
  expect(lines.join()).toContain("export_failed");
});
