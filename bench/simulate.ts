/**
 * What the change feed costs one database, and how fast a revocation arrives, at sizes that no test reaches.
 *
 *     npm run simulate -- [--write]
 *
 * The same figures at every run. Fails where a key is accepted beyond the bound.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { quantile, table, whole } from "./figures.ts";
import {
  feedCache,
  LAG_MS,
  LIFE_SECONDS,
  LOADS,
  MIN_REVOCATIONS_PER_SECOND,
  type Outcome,
  REGIONS,
  type Size,
  simulate,
  timeToLiveCache,
} from "./model.ts";

const PAGE = join(import.meta.dirname, "SIMULATION.md");

/** What one D1 database carries: https://developers.cloudflare.com/d1/platform/limits/ */
const D1_READS_PER_SECOND = 1_000;
const BOUNDS_SECONDS = [1, 2, 5, 10, 30, 60];
/** The bound by default. */
const SHOWN_BOUND_SECONDS = 5;
const SHARDS = [1, 4, 16, 64];
const SIZES: readonly Size[] = [
  { requestsPerSecond: 5, isolates: 10, keys: 100 },
  { requestsPerSecond: 1_000, isolates: 50, keys: 2_000 },
  { requestsPerSecond: 10_000, isolates: 400, keys: 20_000 },
  { requestsPerSecond: 10_000, isolates: 50_000, keys: 20_000 },
  { requestsPerSecond: 100_000, isolates: 10_000, keys: 100_000 },
  { requestsPerSecond: 100_000, isolates: 50_000, keys: 100_000 },
];

const percent = (share: number) => (share * 100).toFixed(1);
const nameOf = ({ requestsPerSecond, isolates, keys }: Size) =>
  `${whole(requestsPerSecond)} requests a second, ${whole(isolates)} isolates, ${whole(keys)} keys`;
/** How much of a thing one database carries, where `amount` of it asks it so often; in two figures. */
const carried = (amount: number, readsPerSecond: number) =>
  whole(Number(((amount * D1_READS_PER_SECOND) / readsPerSecond).toPrecision(2)));

const results = SIZES.map((size) => ({
  size,
  bounds: BOUNDS_SECONDS.map((bound) => ({
    bound,
    feed: simulate(size, bound, feedCache),
    timeToLive: simulate(size, bound, timeToLiveCache),
  })),
}));
type Result = (typeof results)[number];

for (const { bound, feed } of results.flatMap(({ bounds }) => bounds)) {
  const worstMs = quantile(feed.delaysMs, 1);
  if (worstMs > bound * 1000) throw new Error(`A key was accepted ${worstMs} ms after its revocation`);
}

function boundsTable({ size, bounds }: Result): string {
  const delays = ({ delaysMs }: Outcome) => [0.5, 0.99, 1].map((q) => whole(quantile(delaysMs, q)));
  const rows = bounds.map(({ bound, feed, timeToLive }) => [
    `${bound} s`,
    whole(feed.readsPerSecond),
    whole(feed.backgroundPerSecond),
    percent(feed.withoutIo),
    ...delays(feed),
    whole(timeToLive.readsPerSecond),
    percent(timeToLive.withoutIo),
    ...delays(timeToLive),
  ]);
  const head = ["feed: reads/s", "beside", "no I/O %", "median ms", "p99 ms", "worst ms"];
  const others = ["TTL: reads/s", "no I/O %", "median ms", "p99 ms", "worst ms"];
  return `### ${nameOf(size)}\n\n${table(["bound", ...head, ...others], rows)}`;
}

/** What one database carries of a size that grows by isolates of the same kind. */
function limitsTable(): string {
  const rows = results.flatMap(({ size, bounds }) =>
    bounds
      .filter(({ bound }) => bound === SHOWN_BOUND_SECONDS)
      .map(({ feed, timeToLive }) => [
        nameOf(size),
        whole(feed.readsPerSecond),
        carried(size.isolates, feed.readsPerSecond),
        carried(size.requestsPerSecond, feed.readsPerSecond),
        carried(size.requestsPerSecond, feed.busiestPerSecond),
        carried(size.requestsPerSecond, timeToLive.readsPerSecond),
      ]),
  );
  const head = ["size", "reads/s", "isolates", "requests/s", "with 6 replicas", "TTL: requests/s"];
  return table(head, rows);
}

function shardsTable(): string {
  const rows = SIZES.slice(-3).map((size) => [
    nameOf(size),
    ...SHARDS.flatMap((shards) => {
      const { readsPerSecond, busiestPerSecond } = simulate(size, SHOWN_BOUND_SECONDS, feedCache, shards);
      return [whole(readsPerSecond / shards), whole(busiestPerSecond / shards)];
    }),
  ]);
  const head = SHARDS.flatMap((shards) => [`${shards}: reads/s`, "busiest replica"]);
  return table(["databases", ...head], rows);
}

function page(): string {
  const floor = carried((SHOWN_BOUND_SECONDS / 2) * D1_READS_PER_SECOND, D1_READS_PER_SECOND);
  return `# One database and many isolates: simulated

Written by \`npm run simulate -- --write\`; the same figures at every run.

## What is modelled

- **The product's own state machine** (\`src/verify/feed.ts\`), driven as the verifier drives it, beside plain
  time-to-live caching with the same bound: a record is used so long after it was read, and then read again.
- **${REGIONS.length} regions**, as D1 has replicas, with ${REGIONS.map(({ traffic }) => `${whole(traffic * 100)} %`).join(", ")} of the
  requests; a read takes ${Math.min(...REGIONS.map(({ readMs }) => readMs))} to ${Math.max(...REGIONS.map(({ readMs }) => readMs))} ms there and back at the nearest replica, up to ${Math.max(...REGIONS.map(({ primaryMs }) => primaryMs))} ms at the primary, and
  replicas are ${LAG_MS} ms behind it. Changes come from the primary, records from the nearest replica.
- **Isolates** that start with nothing, live ${LIFE_SECONDS / 60} minutes and are followed by new ones. A quarter each of a region's
  isolates gets ${LOADS.join(", ")} times the mean. Requests come at random (Poisson).
- **Keys** used in proportion to 1/rank (Zipf), each in every region alike, which is to the disadvantage of the cache.
  Keys in use are revoked, ${MIN_REVOCATIONS_PER_SECOND} a second or more, and go on being presented.
- **A sample**: ${REGIONS.length * LOADS.length} isolates, one for each load in each region, live one whole life each and stand for all. Isolates
  share nothing but the database, so reads grow with their number and nothing else does.

"No I/O": the share of answers given from the cache. "Beside": those reads of the feed alone that are made beside an
answer; all others come before one. The delay is how long after its commit an isolate that held the key would still
have accepted it, 0 where it had to ask in any case; for time-to-live caching, what exceeds the bound is the lag of the
replica. Delays that were measured are in [REVOCATION.md](REVOCATION.md).

## Bounds

${results.map(boundsTable).join("\n\n")}

A short bound costs little: an isolate in use catches up with the feed by the reads that it makes anyway. What costs is
the first use of a key in an isolate, and no bound changes that. Plain time-to-live caching reads each key in use again
and again: with a bound of 60 s still more often than the feed with one of ${SHOWN_BOUND_SECONDS} s.

## From which point on one D1 no longer carries it

A database answers about ${whole(D1_READS_PER_SECOND)} reads of one millisecond in a second. With a bound of ${SHOWN_BOUND_SECONDS} s, and more isolates of the same
kind for more requests, one D1 without replicas carries:

${limitsTable()}

Two costs add up:

- **Keys read for the first time** by an isolate. Few keys in busy isolates cost little; many keys over many isolates that
  are little used or do not live long are read again and again, and then this part decides.
- **The feed**: for each isolate in constant use one read in half a bound at most. With a bound of ${SHOWN_BOUND_SECONDS} s one D1 ends
  at ${floor} such isolates even if no key had to be read; a bound twice as long carries twice as many.

## And then

1. **Read replication**, a switch of D1: each region reads records at its own replica, and the primary has to carry the feed.
   The lag of the replicas adds nothing to the bound.
2. **Several databases**, chosen by the digest's leading bits: first uses are divided among them. Reads a second at each,
   without replicas and at the busiest where there are some:

${shardsTable()}

   An isolate follows the feed of each database whose keys it sees, so the second part is not divided: the more
   databases, the less the next one helps. The store and the feed know of one database today; the change is one feed for
   each database in an isolate, chosen by the digest, as it is simulated here.
3. **A layer in each data centre** that its isolates share and that asks D1 for all of them (the Cache API, or a Durable
   Object near them) would divide both parts, at the price of a share of the bound. It is not built: the two above come
   first.
`;
}

const { values: options } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const text = page();
if (options.write) await writeFile(PAGE, text);
process.stdout.write(text);
