/**
 * What verification takes and costs at sizes that no test reaches: reads of D1, latency of first uses, dollars, and how
 * fast a revocation arrives.
 *
 *     npm run simulate -- [--write]
 *
 * The same figures at every run, in some 16 minutes. Fails where a key is accepted beyond the bound.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Figures } from "./simulate/everywhere.ts";
import { page } from "./simulate/page.ts";
import { type Apart, apartOf, type Result, resultOf, SIZES, variationsOf } from "./simulate/results.ts";
import { USUAL } from "./simulate/world.ts";

const PAGE = join(import.meta.dirname, "SIMULATION.md");

const say = (text: string) => process.stderr.write(`${text}\n`);
const { values: options } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const [small, usual, large] = SIZES;
if (!small || !usual || !large) throw new RangeError("There are four sizes");

function expectBound({ delays }: Figures, seconds: number): void {
  const worstMs = delays.quantile(1);
  if (worstMs > seconds * 1000) throw new Error(`A key was accepted ${worstMs} ms after its revocation`);
}

say("sizes");
const results: Result[] = [];
for (const size of SIZES) results.push(await resultOf(size));
say("replicas alone");
const apart: Apart[] = [];
for (const size of [small, usual, large]) apart.push({ size, figures: await apartOf(size) });
say("variations");
const variations = await variationsOf(usual);
for (const { latchkey } of results) expectBound(latchkey, USUAL.boundSeconds);
for (const { figures } of apart) expectBound(figures, USUAL.boundSeconds);
for (const { figures, boundSeconds } of variations) expectBound(figures, boundSeconds);

const text = page({ results, apart, variations });
if (options.write) await writeFile(PAGE, text);
process.stdout.write(text);
