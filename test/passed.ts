/**
 * Whether the suites passed, and each test that conformance.md names with them.
 *
 *     node test/passed.ts RESULTS.json...
 *
 * RESULTS are what vitest's JSON reporter wrote. The last line counts the tests of all of them.
 */
import { readFile } from "node:fs/promises";
import { type FileResult, notPassed, rows } from "./support/conformance.ts";

interface Suite {
  success: boolean;
  testResults: (FileResult & { status: string })[];
}

const suites: Suite[] = [];
for (const path of process.argv.slice(2)) suites.push(JSON.parse(await readFile(path, "utf8")));
const files = suites.flatMap(({ testResults }) => testResults);
const missing = notPassed(await rows(), files);
for (const row of missing) console.error(`The test of conformance.md did not pass: ${row}`);

const count = ({ assertionResults }: FileResult, status: string) =>
  assertionResults.filter((test) => test.status === status).length;
const passed = files.reduce((total, file) => total + count(file, "passed"), 0);
// A file that fails before its tests run is a failure, too.
const failed = files.reduce(
  (total, file) => total + Math.max(count(file, "failed"), file.status === "failed" ? 1 : 0),
  missing.length,
);
if (!suites.every(({ success }) => success) || missing.length > 0) process.exitCode = 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
