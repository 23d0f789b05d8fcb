/** SIMULATION.md: what was simulated, and what it shows. */
import { table, whole } from "../figures.ts";
import { type Costs, kvCosts, latchkeyCosts, timeToLiveCosts } from "./costs.ts";
import { carried, type Figures, loadOf } from "./everywhere.ts";
import { goalsTable, reasonsText } from "./goals.ts";
import { about, dollars, percent, rate } from "./numbers.ts";
import type { OtherFigures } from "./others.ts";
import type { Apart, Result, Variation } from "./results.ts";
import { answersText, apartText, assumptionsText, moreText, unknownText, usageText } from "./text.ts";
import { usageOf } from "./usage.ts";
import { USUAL } from "./world.ts";

export interface Simulated {
  results: readonly Result[];
  apart: readonly Apart[];
  variations: readonly Variation[];
}

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
    const { looks, first, past, again } = latchkey;
    return [
      whole(size.requestsPerSecond),
      rate(looks),
      rate(first),
      rate(past),
      rate(again),
      rate(loadOf(latchkey, 0).primary),
      rate(loadOf(latchkey, 1).primary),
      rate(loadOf(latchkey, 0).replica),
      about(carried(latchkey, 0)),
      rate(written),
      (all / latchkey.requests).toFixed(3),
    ];
  });
  const head = [
    "feed",
    "isolate knows nothing",
    "looks back",
    "replica too old",
    "primary",
    "with its region's records",
  ];
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
  const { looks, first, past, again, within, nearest } = figures;
  return [
    title,
    percent(within.isolate),
    percent(within.dataCentre),
    rate(looks),
    rate(first),
    rate(past),
    rate(again),
    rate(nearest[0] ?? 0),
    rate(loadOf(figures, 0).replica),
    about(carried(figures, 0)),
    about(carried(figures, 1)),
  ];
}

const FIGURES_HEAD = [
  "isolate %",
  "data centre %",
  "feed",
  "knows nothing",
  "looks back",
  "too old",
  "records near the primary",
  "busiest replica",
  "carries",
  "or",
];

/** What sharing records buys, beside replicas alone. */
function apartTable(apart: readonly Apart[], results: readonly Result[]): string {
  const rows = apart.flatMap(({ size, figures }) => {
    const shared = results.find((result) => result.size === size)?.latchkey ?? figures;
    const row = (title: string, of: Figures) => [
      whole(size.requestsPerSecond),
      about(size.isolates / size.dataCentres),
      title,
      percent((of.within.dataCentre - of.within.isolate) / (1 - of.within.isolate)),
      ...[0.5, 0.99].map((q) => whole(of.firstUses.quantile(q))),
      rate(of.total.nearest),
      rate(loadOf(of, 0).replica),
      rate(loadOf(of, 0).primary),
      about(carried(of, 0)),
    ];
    return [row("shared", shared), row("replicas alone", figures)];
  });
  const head = ["verifications/s", "isolates of a data centre", "records", "the data centre has %"];
  const others = [
    "first use p50 ms",
    "p99 ms",
    "reads of replicas",
    "of the busiest",
    "of the primary",
    "carries",
  ];
  return table([...head, ...others], rows);
}

export function page({ results, apart, variations }: Simulated): string {
  const [, usual] = results;
  if (usual === undefined) throw new RangeError("There is no usual size");
  return `# What verification takes and costs: simulated

Written by \`npm run simulate -- --write\`; the same figures at every run.

${answersText(results)}

## Goals

${goalsTable(results)}

${reasonsText(results)}

## The busiest database

${sizesTable(results)}

Reads and rows of the database that has most of them, a second. The primary is asked for the **feed** (once a second by each data
centre, or a little more), by an isolate that **knows nothing**, or nothing of the last ${USUAL.boundSeconds} seconds, by one that **looks back**, once in its
life, at the changes before the first that it knows, and where the replica's record is **too old** to be used. All other records come from
the data centre or from replicas.

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

${moreText(results)}

${apartText()}

${apartTable(apart, results)}

${assumptionsText()}

${unknownText()}
`;
}
