import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { blocksOf, rowsOf } from "./markdown.ts";
import { config } from "./wrangler.ts";

const page = await readFile("docs/events.md", "utf8");
const example = await readFile("examples/key-events/src/index.ts", "utf8");
const wrangler = await readFile("wrangler.toml", "utf8");

test("the table lists every type of event, and no other", async () => {
  const contract = await readFile("src/events/contract.ts", "utf8");
  const types = [...contract.matchAll(/^ {2}\| "([\w.]+)"/gm)].map(([, type]) => type);
  const named = rowsOf(page, "type", "when").flatMap(
    ([cell = ""]) => cell.match(/(?:api_key|company)\.\w+/g) ?? [],
  );
  expect(types.length).toBeGreaterThan(0);
  expect(named.sort()).toEqual(types.sort());
});

test("the sample is what the example does", () => {
  const [sample = ""] = blocksOf(page, "ts");
  expect(sample).not.toBe("");
  expect(example).toContain(sample.trim());
});

test("the binding is the one that wrangler.toml shows, to an entrypoint that the example exports", async () => {
  const binding = blocksOf(page, "toml").at(-1)?.trim() ?? "";
  expect(wrangler).toContain(binding.replace(/^/gm, "# "));
  const [, entrypoint] = /entrypoint = "(\w+)"/.exec(binding) ?? [];
  expect(example).toContain(`export class ${entrypoint} `);
  const [, service] = /service = "([\w-]+)"/.exec(binding) ?? [];
  expect(await readFile("examples/key-events/wrangler.toml", "utf8")).toContain(`name = "${service}"`);
});

test("the dead-letter queue of events and the Worker have the names that the commands use", () => {
  const dead = config.queues.consumers?.find(({ queue }) => queue === "latchkey-events")?.dead_letter_queue;
  const commands = blocksOf(page, "sh").join("\n");
  const named = [...commands.matchAll(/queues consumer worker \w+ (\S+) (\S+)/g)];
  expect(named.map(([, queue, worker]) => [queue, worker])).toEqual(Array(2).fill([dead, config.name]));
});

test("an event is tried for a day, in batches that fit a delivery, one after the other", () => {
  const consumer = config.queues.consumers?.find(({ queue }) => queue === "latchkey-events");
  expect(consumer).toMatchObject({ max_retries: 13, max_batch_size: 20, max_concurrency: 1 });
});
