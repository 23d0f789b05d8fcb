import { readFile } from "node:fs/promises";

export interface Row {
  /** Of the requirement, or of the fault. */
  number: string;
  /** Of the test that shows it, or why there is none. */
  title: string;
  /** Below `test`; none where there is no test. */
  file: string | undefined;
}

/** What vitest's JSON reporter writes of a file. */
export interface FileResult {
  name: string;
  assertionResults: { fullName: string; status: string }[];
}

/** `| 12 | rule | a test's title | file |`; a row that does not apply has its reason in place of a title. */
const ROW = /^\| ([\w ]+) \| .+ \| (.+) \| (?:\[.*\]\((.+)\)|–) \|$/;

export async function rows(): Promise<Row[]> {
  const page = await readFile("test/conformance.md", "utf8");
  return page.split("\n").flatMap((line) => {
    const [, number, title, file] = ROW.exec(line) ?? [];
    return number && title ? [{ number, title: title.replaceAll("\\|", "|"), file }] : [];
  });
}

/** The rows whose test did not run, or did not pass. */
export function notPassed(all: readonly Row[], results: readonly FileResult[]): string[] {
  const missing = all.filter(({ title, file }) => {
    if (file === undefined) return false;
    const tests = results.find(({ name }) => name.endsWith(`/test/${file}`))?.assertionResults ?? [];
    const form = new RegExp(
      title
        .split(/%[sjid#]|\$\w+/)
        .map(RegExp.escape)
        .join(".*"),
      "s",
    );
    const named = tests.filter(({ fullName, status }) => form.test(fullName) && status !== "pending");
    return named.length === 0 || named.some(({ status }) => status !== "passed");
  });
  return missing.map(({ number, title, file }) => `${number}: ${title} (${file})`);
}
