/** What SIMULATION.md says in words. */
import { whole } from "../figures.ts";
import { CPU_MS, latchkeyCosts, ROWS_READ } from "./costs.ts";
import { BUSY, carried, loadOf, READS_PER_SECOND, SAMPLED } from "./everywhere.ts";
import { about, dollars, percent, rate } from "./numbers.ts";
import { PRICES_OF } from "./prices.ts";
import type { Result } from "./results.ts";
import { FILLED_SECONDS } from "./span.ts";
import { usageOf } from "./usage.ts";
import {
  CACHE_MS,
  LAGS,
  LOADS,
  MIN_REVOCATIONS_PER_SECOND,
  REGIONS,
  REVOCATIONS_PER_KEY_AND_SECOND,
  USUAL,
} from "./world.ts";

/** What one size takes and costs, in words. */
function answerText({ size, latchkey, timeToLive, kv }: Result): string {
  const { requestsPerSecond, databases, keys, isolates, dataCentres } = size;
  const { primary, replica } = loadOf(latchkey, 0);
  const carries = carried(latchkey, 0);
  const { binding, http } = latchkeyCosts(size, latchkey);
  const worst = (delays: { quantile(q: number): number }) => (delays.quantile(1) / 1000).toFixed(1);
  const isEnough = carries >= requestsPerSecond;
  const ofIt = databases === 1 ? "one database" : `${databases} databases`;
  const enough = isEnough
    ? `${ofIt} carry it`.replace("database carry", "database carries")
    : `${ofIt} do not carry it, but ${about(carries)}`.replace("database do", "database does");
  const busiest =
    primary > replica
      ? `the primary, with ${rate(primary)} reads a second`
      : `the replica of the busiest region, with ${rate(replica)} reads a second`;
  return `**${whole(requestsPerSecond)} verifications a second** (${whole(keys)} keys, ${whole(isolates)} isolates in ${dataCentres} data
centres): ${enough}. The busiest part is ${busiest}. ${percent(latchkey.within.isolate)} % of the answers need no I/O; the others take
${whole(latchkey.waits.quantile(0.5))} ms, once in a hundred ${whole(latchkey.waits.quantile(0.99))} ms. It costs ${dollars(binding)} a month over service bindings, and ${dollars(http)} over
HTTP, where each verification is a request of its own. A revoked key is refused everywhere after ${worst(latchkey.delays)} s at the latest; with plain caching
for ${USUAL.boundSeconds} s it would be ${worst(timeToLive.delays)} s, with Workers KV ${kv.map(({ figures }) => `${worst(figures.delays)} s`).join(" or ")}.`;
}

export function answersText(results: readonly Result[]): string {
  return results.map(answerText).join("\n\n");
}

/** Whether counting keeps up. */
export function usageText(results: readonly Result[]): string {
  const rows = results.flatMap(({ size, latchkey }) => {
    const [usage] = usageOf(size, latchkey);
    if (usage === undefined || usage.steps <= usage.allowedSteps) return [];
    return [
      `- **${whole(size.requestsPerSecond)} verifications a second**: ${rate(usage.steps)} steps a minute would have to write what waits, and each database may take ${whole(usage.allowedSteps)}.`,
    ];
  });
  if (rows.length > 0)
    return `Counting uses falls behind before verification does. Nothing that is verified waits for it, but counts come late, and tables grow:

${rows.join("\n")}`;
  const steps = results.flatMap(({ size, latchkey }) => {
    const [{ steps = 0, allowedSteps = 0 } = {}] = usageOf(size, latchkey);
    return steps === 0
      ? []
      : [`${rate(steps)} of ${whole(allowedSteps)} at ${whole(size.requestsPerSecond)}`];
  });
  return `**Counting uses** keeps up: a database forgets as many reports as come, and what waits is divided by how much waits. Of the steps that
consumers may take for that in a minute, at one database, are needed: ${steps.slice(0, -1).join(", ")},
and ${steps.at(-1)} verifications a second.`;
}

export function apartText(): string {
  return `## Records of the data centre, and of replicas alone

"Shared" is what is built: an isolate looks at what the others of its data centre have read before it asks a replica. "Replicas alone" is the
same without that. A first use is of a key that the isolate does not hold. Reads are a second: of all replicas, and of the busiest database's.`;
}

/** What ends first, and what would move it. */
export function moreText([, , large, largest]: readonly Result[]): string {
  if (!large || !largest) throw new RangeError("There are four sizes");
  const { primary, replica } = loadOf(large.latchkey, 0);
  const atPrimary = loadOf(largest.latchkey, 0).primary;
  const { looks } = largest.latchkey;
  return `## What would carry more

- **One database**, at ${whole(large.size.requestsPerSecond)} a second: ${rate(replica)} reads of the busiest replica, and ${rate(primary)} of the primary. If D1 asks the primary for the records of its region
  as well, ${about(carried(large.latchkey, 1))} is what it carries. More databases divide these reads. Fewer isolates do not: they share less ([above](#what-the-figures-depend-on)).
- **${largest.size.databases} databases**: of ${rate(atPrimary)} reads of a primary ${rate(looks)} are looks at the feed. They grow with the data centres, not with the verifications, and more
  databases do not divide them; a longer bound has fewer.`;
}

export function assumptionsText(): string {
  const [median, p95, p99, longest] = LAGS.slice(1).map(([, milliseconds]) =>
    (milliseconds / 1000).toFixed(1),
  );
  const share = (of: "traffic" | "isolates") =>
    REGIONS.map((region) => `${whole(region[of] * 100)} %`).join(", ");
  const range = (of: "readMs" | "primaryMs") => {
    const all = REGIONS.map((region) => region[of]);
    return `${Math.min(...all)} to ${Math.max(...all)} ms`;
  };
  return `## What is simulated, and what is assumed

- **The product's own code** answers: \`Verifier\`, \`Lookup\`, \`Feed\`, \`sharedFeed\`, \`sharedRecords\` and \`UsageRecorder\` of \`src\`, over a
  database and a cache that are simulated, in a time that is. Only a request for a key that is held, while nothing has to be asked, is
  answered without \`Verifier\`, as it would.
- **${REGIONS.length} regions**, ${REGIONS.map(({ name }) => name).join(", ")}, with ${share("traffic")} of the requests and ${share("isolates")} of the isolates and data centres. Each has a replica;
  [D1 makes one in the region of the primary as well](https://developers.cloudflare.com/d1/best-practices/read-replication/#read-replica-locations), which is in ${REGIONS[0]?.name}. It does not say whom of the two it asks there: figures are for the replica, "or" for
  the primary.
- **Times**: there and back ${range("readMs")} to the replica, ${range("primaryMs")} to the primary, ${CACHE_MS} ms to the cache of the data centre, on average; four fifths
  of it at least, 1.7 times it once in a hundred. These are assumed. A database that has too much to do takes no longer in the simulation.
- **Replicas lag** by ${median} s in the median, ${p95} s at the 95th percentile, ${p99} s at the 99th, anew at each read. These are the figures of
  [one probe](https://news.warptechlab.com/news/206796014) with 200 writes, from Tokyo to an American primary; that it never is more than ${longest} s is assumed.
- **Isolates** start with nothing, live ${USUAL.lifeSeconds / 60} minutes, and are followed by new ones, never all at once. In each data centre a quarter
  each gets ${LOADS.join(", ")} times the mean of the requests, which come at random. How long isolates live, and how many there are, Cloudflare does
  not say; since it [sends the requests of a Worker to few of a data centre's machines](https://blog.cloudflare.com/eliminating-cold-starts-2-shard-and-conquer/), there may be fewer and busier ones, which costs less.
- **Keys** are used in proportion to 1/rank (Zipf), in every region alike. One in ${whole(1 / REVOCATIONS_PER_KEY_AND_SECOND)} is revoked a second, ${MIN_REVOCATIONS_PER_SECOND} of all at least, the more
  used ones more often, and go on being presented for two bounds.
- **A sample**: one data centre of each region stands for all; where it has more than ${SAMPLED} isolates, ${SAMPLED} stand for all of them, and share fewer
  records than all would. How often the feed is asked for is lived through with all of them, for ${BUSY.seconds} s.
- **What is shared** was filled for ${FILLED_SECONDS / 3600} hours before anything is counted. The Cache API keeps it for as long as it was told to.
- **An instance of a database** answers ${whole(READS_PER_SECOND)} reads a second: it [works on one query at a time](https://developers.cloudflare.com/d1/platform/limits/), and the documentation reckons with a
  millisecond for each. "Carries" is how much the busiest instance would carry at that, with more isolates and data centres of the same kind.
- **Prices** are the list prices of ${PRICES_OF} ([Workers](https://developers.cloudflare.com/workers/platform/pricing/), [D1](https://developers.cloudflare.com/d1/platform/pricing/), [Queues](https://developers.cloudflare.com/queues/platform/pricing/), [KV](https://developers.cloudflare.com/kv/platform/pricing/)), with what the plan of $5 includes. A
  verification takes ${CPU_MS.held} ms of CPU, ${CPU_MS.read} ms more with a read ([RESULTS.md](RESULTS.md)). Rows read, as the local D1 counts them: ${ROWS_READ.look} for a look at the feed,
  ${ROWS_READ.nearest} for a record of a replica, ${ROWS_READ.first} for one with the feed; ${whole(ROWS_READ.past)} for a look at the last 1,000 changes. Not in it: management, storage, logs, the CPU of the consumer.
- **Workers KV**: a copy in a data centre ends with its \`cacheTtl\` exactly, no tier in between has an older one, and central stores are as far away as the
  primary. All this flatters it. It counts no uses.`;
}

export function unknownText(): string {
  return `## What cannot be shown on one machine

Each of these is to be measured in an account, and then put in place of what is assumed here:

| what | how to measure it |
|---|---|
| the lag of replicas | write a row with the time to the primary each second; read it in Workers of all regions by \`withSession("first-unconstrained")\` and note how old it is, with \`meta.served_by_region\` |
| whom D1 asks in the region of the primary | the share of \`meta.served_by_primary\` among those reads |
| how many reads an instance answers | raise the rate of look-ups until the error "D1 DB is overloaded"; \`meta.timings.sql_duration_ms\` tells what each takes |
| how long isolates live, and how many there are | log an id and a start time that a module makes at the first request, with \`request.cf.colo\`, for a day |
| how far clocks of machines differ | log the age of each shared answer: one below 0 was read by a clock that is ahead. \`sharedFeed\` allows 250 ms, and does not use an answer that is further ahead |
| what the Cache API does behind a service binding, and on a custom domain | the queries of the feed in D1's metrics, a second, ÷ the data centres that \`request.cf.colo\` names: 1 where answers are shared, the number of isolates where they are not |
| how long the Cache API keeps a record that it may keep for an hour | the records that are read of replicas in D1's metrics, beside the first uses in [the metrics](../docs/observability.md) |
| first-use latency | the histogram of reads in [the metrics](../docs/observability.md), by data centre |
| what is billed | rows read and written, queue operations and CPU of one day in the dashboard, beside what this page says for that day's verifications |
| Workers KV: latency, and when a deletion is seen | delete a key, and read it each second in all regions until it is gone |

A revocation's delay over real isolates, with a cache that is shared, replicas that lag and clocks of one machine, is measured:
[REVOCATION.md](REVOCATION.md).`;
}
