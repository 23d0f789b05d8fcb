import type { Background } from "../lib/background.ts";
import { describeFault } from "../lib/fault.ts";
import { Watch } from "../usage/watch.ts";
import type { Refusal, VerifyErrorCode } from "./contract.ts";

/** What each number of a data point is, `double1` first. docs/observability.md repeats it. */
export const COLUMNS = [
  "VALID",
  "UNAUTHORIZED",
  "TOKEN_EXPIRED",
  "KEY_REVOKED",
  "KEY_SUSPENDED",
  "FORBIDDEN",
  "RATE_LIMITED",
  "UNAVAILABLE",
  "held",
  "age_ms",
  "age_max_ms",
  "reads",
  "read_ms",
  "read_max_ms",
  "reads_failed",
] as const satisfies readonly ("VALID" | VerifyErrorCode | Lowercase<string>)[];

/** Those of them that count verdicts. */
const VERDICTS = COLUMNS.slice(0, COLUMNS.indexOf("held"));

type Counts = Record<(typeof COLUMNS)[number], number>;

/** A Worker may write so many data points while it answers a request. */
const MAX_POINTS = 25;
/** Companies counted each by itself between two writes. */
const MAX_COMPANIES = 1_000;
/** An index has 96 bytes at most, and a character three. */
const MAX_INDEX_LENGTH = 32;

/** An optional binding: without it nothing is counted. */
export interface Metered {
  METRICS?: AnalyticsEngineDataset;
}

interface MetricsParts {
  dataset: AnalyticsEngineDataset;
  /** Milliseconds since the epoch. */
  now: () => number;
  wait: (milliseconds: number) => Promise<unknown>;
  background: Background;
}

/**
 * Adds up verdicts and reads in the isolate and writes them to Workers Analytics Engine behind the answers, a data point
 * a company, at most every minute and a half. The `MAX_POINTS - 1` companies that were used most have their own; the
 * others, and what is of no company, are in the one of the company "".
 */
export class Metrics {
  readonly #dataset: AnalyticsEngineDataset;
  readonly #watch: Watch;
  #companies = new Map<string, Counts>();
  #rest = zeros();
  #since = 0;
  #isEmpty = true;

  constructor({ dataset, ...parts }: MetricsParts) {
    this.#dataset = dataset;
    this.#watch = new Watch({ ...parts, since: () => this.#since, flush: () => this.#flush() });
  }

  /**
   * @param company - "": none.
   * @param age - How old what is known was, in milliseconds, where the verdict cost no read; `null`: it did.
   */
  verdict(company: string, refusal: Refusal | null, age: number | null, now: number): void {
    const counts = company === "" ? this.#rest : this.#countsOf(company);
    counts[refusal === null ? "VALID" : refusal.error]++;
    if (age !== null) {
      counts.held++;
      measure(counts, "age_ms", "age_max_ms", age);
    }
    this.#touch(now);
  }

  /** @param milliseconds - Until the database answered; `null`: it did not. */
  read(milliseconds: number | null, now: number): void {
    if (milliseconds === null) {
      this.#rest.reads_failed++;
    } else {
      this.#rest.reads++;
      measure(this.#rest, "read_ms", "read_max_ms", milliseconds);
    }
    this.#touch(now);
  }

  #touch(now: number): void {
    if (this.#isEmpty) this.#since = now;
    this.#isEmpty = false;
    this.#watch.touch(now);
  }

  #countsOf(company: string): Counts {
    const known = this.#companies.get(company);
    if (known !== undefined) return known;
    if (this.#companies.size >= MAX_COMPANIES) return this.#rest;
    const counts = zeros();
    this.#companies.set(company, counts);
    return counts;
  }

  #flush(): void {
    if (this.#isEmpty) return;
    const most = [...this.#companies].sort(([, a], [, b]) => verdictsOf(b) - verdictsOf(a));
    const rest = this.#rest;
    this.#companies = new Map();
    this.#rest = zeros();
    this.#isEmpty = true;
    for (const [, counts] of most.splice(MAX_POINTS - 1)) merge(rest, counts);
    try {
      for (const [company, counts] of [...most, ["", rest] as const]) {
        const doubles = COLUMNS.map((name) => counts[name]);
        const index = company.slice(0, MAX_INDEX_LENGTH);
        this.#dataset.writeDataPoint({ indexes: [index], blobs: [company.slice(0, 1_000)], doubles });
      }
    } catch (fault) {
      console.error(JSON.stringify({ event: "metrics_lost", fault: describeFault(fault) }));
    }
  }
}

const zeros = () => Object.fromEntries(COLUMNS.map((name) => [name, 0])) as Counts;

/** Adds to a sum, and keeps the maximum beside it. */
function measure(
  counts: Counts,
  sum: "age_ms" | "read_ms",
  maximum: "age_max_ms" | "read_max_ms",
  milliseconds: number,
): void {
  const amount = Math.max(milliseconds, 0); // a clock may be set back
  counts[sum] += amount;
  counts[maximum] = Math.max(counts[maximum], amount);
}

function merge(sum: Counts, counts: Counts): void {
  for (const name of COLUMNS) {
    const isMaximum = name === "age_max_ms" || name === "read_max_ms";
    sum[name] = isMaximum ? Math.max(sum[name], counts[name]) : sum[name] + counts[name];
  }
}

function verdictsOf(counts: Counts): number {
  return VERDICTS.reduce((sum, name) => sum + counts[name], 0);
}
