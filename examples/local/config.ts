import { writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { experimental_readRawConfig as readRawConfig } from "wrangler";
import { main, ROOT, readOptions } from "./local.ts";

const USAGE = "Usage: npm run config -- --own latchkey.toml --out wrangler.json";

/** A file of wrangler, or a part of it. */
interface Table {
  [name: string]: unknown;
}

await main(async () => {
  const { own, out } = readOptions(
    { own: { type: "string", default: "latchkey.toml" }, out: { type: "string", default: "wrangler.json" } },
    USAGE,
  );
  // Paths in it are relative to it.
  if (dirname(resolve(ROOT, out)) !== ROOT) throw new Error(`--out must be in ${ROOT}. ${USAGE}`);
  const { env = {}, ...changes } = read(own);
  const whole = merge(read("wrangler.toml"), changes);
  const environments = Object.entries(env as Record<string, Table>).map(([name, changed], i) => {
    return [name, merge(environment(whole, name, i + 1), changed)];
  });
  await writeFile(
    resolve(ROOT, out),
    `${JSON.stringify({ ...whole, ...(environments.length > 0 && { env: Object.fromEntries(environments) }) }, null, 2)}\n`,
  );
  process.stdout.write(`${out} is wrangler.toml with what ${own} changes.\n`);
});

function read(file: string): Table {
  return { ...readRawConfig({ config: resolve(ROOT, file) }).rawConfig };
}

/** What is in `changes` wins: name by name in a table such as `vars`, and binding by binding. All else is replaced whole. */
function merge(base: Table, changes: Table): Table {
  const result = { ...base };
  for (const [name, value] of Object.entries(changes)) {
    const old = base[name];
    if (isTable(value) && isTable(old)) result[name] = { ...old, ...value };
    else if (isBindings(value) && isBindings(old)) result[name] = mergeBindings(old, value);
    else result[name] = value;
  }
  return result;
}

function mergeBindings(base: Table[], changes: Table[]): Table[] {
  const others = changes.filter((change) => !base.some((one) => nameOf(one) === nameOf(change)));
  const merged = base.map((one) => {
    const change = changes.find((change) => nameOf(one) === nameOf(change));
    return change === undefined ? one : { ...one, ...change };
  });
  return [...merged, ...others];
}

/** Wrangler takes next to nothing over into an environment. What must not be shared has a name of its own there. */
function environment(whole: Table, name: string, position: number): Table {
  const { vars, d1_databases, queues, ratelimits, ...rest } = structuredClone(whole) as {
    vars: Table;
    d1_databases: Table[];
    queues: { producers: Table[]; consumers: Table[] };
    ratelimits: Table[];
  } & Table;
  const shared = ["services", "analytics_engine_datasets", "assets", "triggers", "observability", "secrets"];
  const renamed = (table: Table, ...names: string[]) =>
    Object.fromEntries(
      Object.entries(table).map(([key, value]) => [key, names.includes(key) ? `${value}-${name}` : value]),
    );
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([key]) => shared.includes(key))),
    vars,
    d1_databases: d1_databases.map(({ database_id: _, ...database }) => renamed(database, "database_name")),
    queues: {
      producers: queues.producers.map((queue) => renamed(queue, "queue")),
      consumers: queues.consumers.map((queue) => renamed(queue, "queue", "dead_letter_queue")),
    },
    ratelimits: ratelimits.map((limit) => ({ ...limit, namespace_id: `${limit.namespace_id}${position}` })),
  };
}

function nameOf({ binding, queue, name }: Table): unknown {
  return binding ?? queue ?? name;
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isBindings(value: unknown): value is Table[] {
  return Array.isArray(value) && value.every((one) => isTable(one) && nameOf(one) !== undefined);
}
