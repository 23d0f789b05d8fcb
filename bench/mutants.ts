/**
 * Makes small mistakes in the source, one at a time, and looks whether a test fails.
 *
 *     npm run test:mutants -- [--sample 200] [--only feed.ts] [--jobs 2] [--out mutants.jsonl]
 *
 * 200 mistakes, drawn by chance but the same for the same source, take an hour on two cores; `--sample 0` makes all of
 * them. With `--out` an interrupted run goes on where it was. Ends with code 1 where fewer than 95 % are noticed. Those
 * of `equal-mutants.json`, which change nothing that matters, do not count. Those by which a test ran out of time are
 * listed: on a busy machine it may have been the machine.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, cp, glob, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { load, sqlite } from "../test/verify/model/code.ts";
import { examples, histories, live } from "../test/verify/model/run.ts";
import EQUAL from "./equal-mutants.json" with { type: "json" };
import { type Mutant, mutantsOf, triggerMutants } from "./mutate.ts";

const MIN_NOTICED = 0.95;
/** Histories of the model for one mistake. */
const HISTORIES = 5_000;
const MAX_FLOOD = 10;
/** Tests that take longer hang, which is a way to notice. */
const TIMEOUT_MS = 300_000;
const OUT_OF_TIME = "out of time";
/** The model ends with this code where the code cannot be run in it. */
const NOT_FOR_THE_MODEL = 3;
/** In place of the code of what was killed. */
const HANGS = -1;
/** All tests but one that takes a minute by itself, up to the first that fails. A busy machine is no failure. */
const VITEST = [
  ...[
    "run",
    "--project",
    "workerd",
    "--bail",
    "1",
    "--maxWorkers",
    "1",
    "--testTimeout",
    "60000",
    "--no-color",
  ],
  ...["-t", "^(?!.*a flood of well-formed forged keys)", "--exclude", "test/verify/model/**"],
];

/** What is looked at, with the tests that are to notice. `isModelled`: the model of `test/verify/model` is asked first. */
const SCOPE = [
  {
    files:
      "src/verify/{changes,decide,feed,freshness,lookup,reads,records,shared,snapshot,store,verifier}.ts",
    tests: ["test/verify", "test/isolate.test.ts", "test/retention.test.ts"],
    isModelled: true,
  },
  { files: "src/lib/cache.ts", tests: ["test/lib/cache.test.ts", "test/verify"], isModelled: true },
  {
    files: "src/verify/{imported,limiter,log,question,refusal,routes,signed,verifiers}.ts",
    tests: ["test/verify", "test/isolate.test.ts"],
    isModelled: false,
  },
  {
    files: "src/usage/{consumer,counting,days,recent,recorder,store,sums,waiting}.ts",
    tests: ["test/usage", "test/isolate.test.ts"],
    isModelled: false,
  },
  {
    files: "src/keys/{answers,conditions,dead,queries,rotation,store}.ts",
    tests: ["test/keys", "test/audit", "test/usage"],
    isModelled: false,
  },
  {
    files: "migrations/*.sql",
    tests: [
      "test/keys/triggers.test.ts",
      "test/verify/store.test.ts",
      "test/audit",
      "test/companies",
      "test/db/databases.test.ts",
    ],
    isModelled: true,
  },
  { files: "src/isolate.ts", tests: ["test/isolate.test.ts", "test/verify", "test/keys"], isModelled: false },
];

type Task = Mutant & { id: string; tests: string[]; isModelled: boolean };

const { values: options } = parseArgs({
  options: {
    sample: { type: "string", default: "200" },
    only: { type: "string", default: "" },
    jobs: { type: "string", default: "2" },
    out: { type: "string" },
    model: { type: "boolean", default: false },
  },
});

process.exitCode = options.model ? await askModel() : await run();

async function run(): Promise<number> {
  const known = await knownOutcomes();
  const tasks = drawn(await allTasks(), known, Number(options.sample));
  const left = tasks.filter(({ id }) => !known.has(id));
  let done = tasks.length - left.length;
  const lanes = Array.from({ length: Number(options.jobs) }, async () => {
    const copy = await copyOfRepository();
    try {
      for (let task = left.shift(); task; task = left.shift()) {
        const noticedBy = await withMutant(copy, task);
        known.set(task.id, noticedBy);
        if (options.out) await appendFile(options.out, `${JSON.stringify({ noticedBy, id: task.id })}\n`);
        process.stderr.write(`${++done} of ${tasks.length}\r`);
      }
    } finally {
      await rm(copy, { recursive: true });
    }
  });
  await Promise.all(lanes);
  return report(tasks, known);
}

/** What an earlier run has written: this one goes on from there. */
async function knownOutcomes(): Promise<Map<string, string | null>> {
  const lines = options.out === undefined ? "" : await readFile(options.out, "utf8").catch(() => "");
  const outcomes: { id: string; noticedBy: string | null }[] = lines
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return new Map(outcomes.map(({ id, noticedBy }) => [id, noticedBy]));
}

function report(tasks: readonly Task[], outcomes: ReadonlyMap<string, string | null>): number {
  const survivors = tasks.filter(({ id }) => outcomes.get(id) === null);
  const outOfTime = tasks.filter(({ id }) => outcomes.get(id)?.endsWith(OUT_OF_TIME));
  const reasons = new Map(Object.entries(EQUAL));
  const equal = survivors.filter(({ id }) => reasons.has(id));
  const unnoticed = survivors.filter(({ id }) => !reasons.has(id));
  const count = tasks.length - equal.length;
  const share = 1 - unnoticed.length / count;
  const lines = [
    `${tasks.length} mistakes, ${equal.length} of which change nothing; ${count - unnoticed.length} of ${count} noticed (${(100 * share).toFixed(1)} %)`,
    ...equal.map(({ id }) => `- changes nothing: ${id}: ${reasons.get(id)}`),
    ...unnoticed.map(({ id }) => `- unnoticed: ${id}`),
    ...outOfTime.map(({ id }) => `- ${OUT_OF_TIME}: ${id}`),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return share >= MIN_NOTICED ? 0 : 1;
}

async function allTasks(): Promise<Task[]> {
  const tasks: Task[] = [];
  const migrations = await Array.fromAsync(glob("migrations/*.sql"));
  for (const { files, tests, isModelled } of SCOPE) {
    for await (const file of glob(files)) {
      if (!file.includes(options.only)) continue;
      const source = await readFile(file, "utf8");
      const mutants = file.endsWith(".sql")
        ? triggerMutants(file, source, await textOf(migrations.filter((other) => other > file)))
        : mutantsOf(file, source);
      for (const mutant of mutants) tasks.push({ ...mutant, id: idOf(mutant, source), tests, isModelled });
    }
  }
  return tasks;
}

async function textOf(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map((file) => readFile(file, "utf8")))).join("\n");
}

/** Names a mutant by its lines, which stay the same where others come before them. */
function idOf({ file, start, end, text }: Mutant, source: string): string {
  const from = source.lastIndexOf("\n", start - 1) + 1;
  const to = (source.indexOf("\n", end) + source.length + 1) % (source.length + 1);
  const brief = (line: string) => line.replace(/\s+/g, " ").trim();
  const mutated = source.slice(from, start) + text + source.slice(end, to);
  return `${file}: ${brief(source.slice(from, to))} → ${brief(mutated)}`;
}

/** By chance, but the same ones each time: those that are known, and then by the hash of their names. 0: all. */
function drawn(tasks: readonly Task[], known: ReadonlyMap<string, unknown>, count: number): Task[] {
  const placeOf = ({ id }: Task) => (known.has(id) ? "" : createHash("sha256").update(id).digest("hex"));
  const byPlace = tasks
    .map((task) => ({ task, place: placeOf(task) }))
    .toSorted((a, b) => (a.place < b.place ? -1 : 1));
  return byPlace.slice(0, count || tasks.length).map(({ task }) => task);
}

async function copyOfRepository(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "latchkey-mutants-"));
  const filter = (path: string) =>
    !["node_modules", ".git", "coverage", ".wrangler"].includes(basename(path));
  await cp(".", copy, { recursive: true, filter });
  await symlink(resolve("node_modules"), join(copy, "node_modules"));
  return copy;
}

/** @returns what has noticed it; `null`: nothing has. */
async function withMutant(
  copy: string,
  { file, start, end, text, tests, isModelled }: Task,
): Promise<string | null> {
  const path = join(copy, file);
  const source = await readFile(path, "utf8");
  await writeFile(path, source.slice(0, start) + text + source.slice(end));
  try {
    if (isModelled) {
      const { code } = await node(copy, ["bench/mutants.ts", "--model"]);
      if (code === HANGS) return `the model, ${OUT_OF_TIME}`;
      if (code !== 0 && code !== NOT_FOR_THE_MODEL) return "the model";
    }
    const { code, output } = await node(copy, ["node_modules/vitest/vitest.mjs", ...VITEST, ...tests]);
    if (code === 0) return null;
    const failed = /FAIL.*/.exec(output)?.[0];
    if (failed === undefined) return code === HANGS ? OUT_OF_TIME : "no test can run";
    return /timed out in \d+ms/.test(output) ? `${failed}, ${OUT_OF_TIME}` : failed;
  } finally {
    await writeFile(path, source);
  }
}

/** @returns the exit code, `HANGS` where it does, and what was printed. */
function node(cwd: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const env = { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" };
  const child = spawn(process.execPath, args, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (output += part));
  return new Promise((end) => {
    const timer = setTimeout(() => child.pid && process.kill(-child.pid, "SIGKILL"), TIMEOUT_MS);
    child.on("close", (code) => {
      clearTimeout(timer);
      end({ code: code ?? HANGS, output });
    });
  });
}

/** The model of what an isolate knows, over the code of this directory. @returns the exit code. */
async function askModel(): Promise<number> {
  console.error = () => {};
  const directory = await mkdtemp(join(tmpdir(), "mutant-"));
  try {
    const code = await load(directory).catch(() => null);
    if (code === null) return NOT_FOR_THE_MODEL;
    const databases: Parameters<typeof live>[1] = [await sqlite(), await sqlite(), await sqlite()];
    const floods = histories(fc.integer({ min: 1, max: MAX_FLOOD }));
    const holds = fc.asyncProperty(floods, async (history) => !(await live(code, databases, history)).fault);
    const { failed } = await fc.check(holds, {
      numRuns: HISTORIES,
      endOnFailure: true,
      examples: examples.map((history) => [history]),
    });
    return failed ? 1 : 0;
  } finally {
    await rm(directory, { recursive: true });
  }
}
