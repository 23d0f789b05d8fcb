import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { examples, history, live } from "./run.ts";
import type { Code } from "./world.ts";

/** Ways to break the code, each of which the model must notice: file, what stands there, what is put there. */
const MUTANTS: Record<string, [file: string, from: string, to: string]> = {
  "an old read puts its record back": [
    "feed.ts",
    "snapshot.record !== null && last.seq >= known",
    "snapshot.record !== null",
  ],
  "the first new change is passed over": ["feed.ts", "change.seq > known)", "change.seq > known + 1)"],
  "changes are not applied": ["feed.ts", "this.#records.delete(change.digest)", ""],
  "the cursor stays where it is": [
    "feed.ts",
    "this.#cursor = Math.max(known, last.seq)",
    "this.#cursor = known",
  ],
  "the cursor runs ahead": [
    "feed.ts",
    "this.#cursor = Math.max(known, last.seq)",
    "this.#cursor = Math.max(known, last.seq) + 1",
  ],
  "a read counts as of its end": [
    "feed.ts",
    "Math.max(this.#syncedAt, question.askedAt)",
    "Math.max(this.#syncedAt, question.askedAt + 1000)",
  ],
  "starting afresh keeps the records": ["feed.ts", "this.#records.clear();", ""],
  "being too far behind goes unnoticed": ["feed.ts", "|| snapshot.changes.length === READ_LIMIT", ""],
  "a trimmed feed goes unnoticed": [
    "feed.ts",
    "if (this.#cursor !== null && first.seq > this.#cursor) this.#startAfresh();",
    "",
  ],
  "an isolate begins with an older state than it has seen": [
    "feed.ts",
    "this.#cursor === null && last.seq < this.#newest",
    "false",
  ],
  "the bound is not kept": ["feed.ts", "age >= boundMs && !failing", "age >= boundMs * 1.2 && !failing"],
  "one failure excuses for ever": [
    "feed.ts",
    "elapsed(this.#failedAt, now) < 2 * retryMs",
    "Number.isFinite(this.#failedAt)",
  ],
  "one failure excuses for a whole bound": [
    "feed.ts",
    "elapsed(this.#failedAt, now) < 2 * retryMs",
    "elapsed(this.#failedAt, now) < boundMs",
  ],
  "a late answer is thrown away": [
    "verifier.ts",
    "return { record: snapshot.record, known:",
    "if (now() - askedAt >= 1000) throw new Error('late');\n      return { record: snapshot.record, known:",
  ],
  "an outage has no end": ["feed.ts", "elapsed(this.#syncedAt, now) >= this.#limits.outageMs", "false"],
  "every request asks in the background": [
    "feed.ts",
    "elapsed(this.#askedAt, now) >= retryMs ?",
    "elapsed(this.#askedAt, now) >= 0 ?",
  ],
  "staleness is not told": ["verifier.ts", "feed.syncedAt, feed.isStale(now)", "feed.syncedAt, false"],
  "a failed read looks like an unknown key": [
    "verifier.ts",
    "options, at) ?? UNAVAILABLE",
    "options, at) ?? UNKNOWN",
  ],
  "the primary is not asked about a new key": [
    "verifier.ts",
    "const found = strong ? null : await this.#read(digest);\n      const { record, askedAt } = found?.record ? found : await this.#readPrimary(digest);",
    "const { record, askedAt } = await this.#read(digest);",
  ],
  "the primary is not asked where it is asked for": [
    "verifier.ts",
    'options.consistency === "strong"',
    "false",
  ],
  "a read waits for another request's read": [
    "verifier.ts",
    "store.read(question.cursor, digest)",
    "(feed.shared ??= store.read(question.cursor, digest).finally(() => (feed.shared = undefined)))",
  ],
  "the cache grows past its capacity": [
    "cache.ts",
    "this.#young.size < this.#half",
    "this.#young.size <= this.#half",
  ],
  "a revocation does not count": ["decide.ts", "record.revokedAt !== null", "false"],
};

/** `RUNS=1000000 npm run test:model` goes on for an hour or so. */
const RUNS = Number(process.env.RUNS ?? 5_000);

const STORES: NonNullable<Code["store"]>[] = ["no bookmark", "two statements"];

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mutants-"));
});
afterAll(() => rm(directory, { recursive: true }));
/** No spy: it would keep every line of a run of hours. */
beforeEach(() => {
  const { error } = console;
  console.error = () => {};
  return () => {
    console.error = error;
  };
});

async function load(mutant?: [file: string, from: string, to: string]): Promise<Code> {
  const copy = await mkdtemp(join(directory, "m-"));
  for (const part of ["lib", "keys", "verify"])
    await cp(`src/${part}`, join(copy, part), { recursive: true });
  await writeFile(join(copy, "package.json"), '{ "type": "module" }');
  if (mutant) {
    const [file, from, to] = mutant;
    const path = join(copy, "verify", file);
    const source = await readFile(path, "utf8");
    expect(source.split(from), `${file} holds the text once`).toHaveLength(2);
    await writeFile(
      path,
      source.replace(from, () => to),
    );
  }
  const load = (file: string) => import(/* @vite-ignore */ pathToFileURL(join(copy, "verify", file)).href);
  return { ...(await load("feed.ts")), ...(await load("verifier.ts")) };
}

async function survives(code: Code): Promise<boolean> {
  const outcome = await fc.check(
    fc.asyncProperty(history, async (events) => (await live(code, events)).fault === undefined),
    { numRuns: 20_000, endOnFailure: true, examples: examples.map((events) => [events]) },
  );
  return !outcome.failed;
}

test("the code as it is keeps its promises", { timeout: 24 * 3_600_000 }, async () => {
  const code = await load();
  await fc.assert(
    fc.asyncProperty(history, async (events) => {
      const { fault } = await live(code, events);
      if (fault) throw fault;
    }),
    { numRuns: RUNS, examples: examples.map((events) => [events]) },
  );
});

test.each(Object.entries(MUTANTS))("the model notices that %s", { timeout: 120_000 }, async (_, mutant) => {
  expect(await survives(await load(mutant))).toBe(false);
});

test.each(STORES)("the model notices a store with %s", { timeout: 120_000 }, async (store) => {
  expect(await survives({ ...(await load()), store })).toBe(false);
});
