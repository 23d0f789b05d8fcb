/**
 * What verification takes and costs at sizes that no test reaches: reads of D1, latency of first uses, dollars, and how
 * fast a revocation arrives.
 *
 *     npm run simulate -- [--write]
 *
 * The same figures at every run, in four minutes. Fails where a key is accepted beyond the bound.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Figures } from "./simulate/everywhere.ts";
import { page } from "./simulate/page.ts";
import { plansOf, resultOf, SIZES, variationsOf, withSharedRecords } from "./simulate/results.ts";
import { USUAL } from "./simulate/world.ts";

const PAGE = join(import.meta.dirname, "SIMULATION.md");

const say = (text: string) => process.stderr.write(`${text}\n`);
const { values: options } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const [small, usual, large, largest] = SIZES;
if (!small || !usual || !large || !largest) throw new RangeError("There are four sizes");

function expectBound({ delays }: Figures, seconds: number): void {
  const worstMs = delays.quantile(1);
  if (worstMs > seconds * 1000) throw new Error(`A key was accepted ${worstMs} ms after its revocation`);
}

say("sizes");
const results = [
  await resultOf(small, true),
  await resultOf(usual, true),
  await resultOf(large, false),
  await resultOf(largest, false),
];
say("variations");
const variations = await variationsOf(usual);
say("shared records");
const shared = await withSharedRecords(large);
say("many databases");
const plans = await plansOf(largest);
for (const figures of [
  ...results.map(({ latchkey }) => latchkey),
  ...plans.map((one) => one.figures),
  shared,
])
  expectBound(figures, USUAL.boundSeconds);
for (const { figures, boundSeconds } of variations) expectBound(figures, boundSeconds);

const text = page({ results, variations, shared: { size: large, figures: shared }, plans });
if (options.write) await writeFile(PAGE, text);
process.stdout.write(text);
