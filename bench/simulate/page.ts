/** SIMULATION.md: what was simulated, and what it shows. */
import { table, whole } from "../figures.ts";
import { type Costs, kvCosts, latchkeyCosts, timeToLiveCosts } from "./costs.ts";
import { carried, type Figures, loadOf } from "./everywhere.ts";
import { goalsTable, reasonsText } from "./goals.ts";
import { about, dollars, percent, rate } from "./numbers.ts";
import type { OtherFigures } from "./others.ts";
import { plansText } from "./plans.ts";
import type { Result, Variation } from "./results.ts";
import { answersText, assumptionsText, unknownText, usageText } from "./text.ts";
import { usageOf } from "./usage.ts";
import { type Size, USUAL } from "./world.ts";

export interface Simulated {
  results: readonly Result[];
  variations: readonly Variation[];
  /** With records that are shared by a data centre. */
  shared: { size: Size; figures: Figures };
  /** Of the largest size. */
  plans: readonly Variation[];
}

const nameOf = ({ requestsPerSecond, databases }: Size) =>
  `${whole(requestsPerSecond)} verifications a second and ${databases === 1 ? "one database" : `${databases} databases`}`;

function sizesTable(results: readonly Result[]): string {
  const rows = results.map(({ size }) => [
    whole(size.requestsPerSecond),
    whole(size.isolates),
    whole(size.dataCentres),
    whole(size.keys),
    `${size.databases}`,
  ]);
  return table(["verifications/s", "isolates", "data centres", "keys", "databases"], rows);
}

function busiestTable(results: readonly Result[]): string {
  const rows = results.map(({ size, latchkey }) => {
    const usage = usageOf(size, latchkey);
    const written = Math.max(...usage.map(({ rowsWritten }) => rowsWritten));
    const all = usage.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
    const { looks, first, again } = latchkey;
    return [
      whole(size.requestsPerSecond),
      rate(looks),
      rate(first),
      rate(again),
      rate(loadOf(latchkey, 0).primary),
      rate(loadOf(latchkey, 1).primary),
      rate(loadOf(latchkey, 0).replica),
      about(carried(latchkey, 0)),
      rate(written),
      (all / latchkey.requests).toFixed(3),
    ];
  });
  const head = ["feed", "isolate knows nothing", "replica too old", "primary", "with its region's records"];
  const others = ["busiest replica", "carries verifications/s", "rows written/s", "rows ÷ verification"];
  return table(["verifications/s", ...head, ...others], rows);
}

function waysTable({ size, latchkey, timeToLive, kv }: Result): string {
  const row = (
    title: string,
    { within, waits, delays }: Pick<OtherFigures, "within" | "waits" | "delays">,
    costs: Costs,
  ) => [
    title,
    percent(within.isolate),
    percent(within.dataCentre),
    percent(within.region),
    ...[0.5, 0.99].map((q) => whole(waits.quantile(q))),
    ...[0.5, 1].map((q) => (delays.quantile(q) / 1000).toFixed(1)),
    dollars(costs.binding),
    dollars(costs.http),
  ];
  const rows = [
    row(`Latchkey, bound ${USUAL.boundSeconds} s`, latchkey, latchkeyCosts(size, latchkey)),
    row(`time-to-live ${USUAL.boundSeconds} s over D1`, timeToLive, timeToLiveCosts(timeToLive)),
    ...kv.map(({ seconds, figures }) =>
      row(`Workers KV, cacheTtl ${seconds} s`, figures, kvCosts(size, figures)),
    ),
  ];
  const head = [
    "isolate %",
    "data centre %",
    "region %",
    "wait p50 ms",
    "p99 ms",
    "revoked after s",
    "worst s",
  ];
  return `### ${whole(size.requestsPerSecond)} verifications a second\n\n${table(
    ["", ...head, "$ a month", "over HTTP"],
    rows,
  )}`;
}

function costsTable(results: readonly Result[]): string {
  const rows = results.map(({ size, latchkey }) => {
    const { binding, http, usage, reads } = latchkeyCosts(size, latchkey);
    const costs = [reads, usage, binding, http].map(dollars);
    const million = (binding / ((latchkey.requests * 365.25 * 24 * 3600) / 12)) * 1e6;
    return [whole(size.requestsPerSecond), ...costs, `$${million.toFixed(4)}`];
  });
  const head = [
    "reads of D1",
    "counting uses",
    "all, by service binding",
    "all, over HTTP",
    "a million, by binding",
  ];
  return table(["verifications/s", ...head], rows);
}

function figuresRow(title: string, figures: Figures): string[] {
  const { looks, first, again, within, nearest } = figures;
  return [
    title,
    percent(within.isolate),
    rate(looks),
    rate(first),
    rate(again),
    rate(nearest[0] ?? 0),
    rate(loadOf(figures, 0).replica),
    about(carried(figures, 0)),
    about(carried(figures, 1)),
  ];
}

const FIGURES_HEAD = [
  "isolate %",
  "feed",
  "knows nothing",
  "too old",
  "records near the primary",
  "busiest replica",
  "carries",
  "or",
];

function sharedTable({ size, figures }: Simulated["shared"], results: readonly Result[]): string {
  const asBuilt = results.find((result) => result.size === size)?.latchkey ?? figures;
  const rows = [figuresRow("as built", asBuilt), figuresRow("with B", figures)];
  return `At ${nameOf(size)}:\n\n${table(["", ...FIGURES_HEAD], rows)}`;
}

function manyTable(plans: readonly Variation[], results: readonly Result[]): string {
  const largest = results.at(-1);
  if (largest === undefined) return "";
  const rows = plans.map(({ title, figures }) => figuresRow(title, figures));
  return `At ${nameOf(largest.size)}, of whose isolates few are lived through, so that they share less than all would:\n\n${table(["", ...FIGURES_HEAD], [figuresRow("as built", largest.latchkey), ...rows])}`;
}

export function page({ results, variations, shared, plans }: Simulated): string {
  const [, usual] = results;
  if (usual === undefined) throw new RangeError("There is no usual size");
  return `# What verification takes and costs: simulated

Written by \`npm run simulate -- --write\`; the same figures at every run.

${answersText(results)}

## Goals

${goalsTable(results, shared.figures, plans)}

${reasonsText(results, plans)}

## The busiest database

${sizesTable(results)}

Reads and rows of the database that has most of them, a second. The primary is asked for the **feed** (once a second by each data
centre, or a little more), by an isolate that **knows nothing**, or nothing of the last ${USUAL.boundSeconds} seconds, and where the replica's record is
**too old** to be used. All other records come from replicas.

${busiestTable(results)}

${usageText(results)}

## Beside what else people build

How far answers had to go: no further than the isolate, the data centre, the region. The wait is that of answers which did not come from
the isolate; "revoked after" is how long after its revocation a key that was held would still have been accepted, in the median and at
worst. Plain caching and Workers KV count no uses: their dollars are without.

${results.map(waysTable).join("\n\n")}

## Costs of a month

${costsTable(results)}

## What the figures depend on

At ${whole(usual.size.requestsPerSecond)} verifications a second, reads a second of the busiest database. Each line changes one thing. "Carries" is verifications a
second, "or" the same if D1 asks the primary for the records of its region.

${table(["", ...FIGURES_HEAD], [figuresRow("as above", usual.latchkey), ...variations.map(({ title, figures }) => figuresRow(title, figures))])}

${plansText()}

${sharedTable(shared, results)}

${manyTable(plans, results)}

${assumptionsText()}

${unknownText()}
`;
}
