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

const COLUMN: Record<(typeof COLUMNS)[number], number> = Object.fromEntries(
  COLUMNS.map((name, position) => [name, position]),
) as Record<(typeof COLUMNS)[number], number>;

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
  #companies = new Map<string, number[]>();
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
    add(counts, COLUMN[refusal === null ? "VALID" : refusal.error], 1);
    if (age !== null) {
      add(counts, COLUMN.held, 1);
      measure(counts, COLUMN.age_ms, age);
    }
    this.#touch(now);
  }

  /** @param milliseconds - Until the database answered; `null`: it did not. */
  read(milliseconds: number | null, now: number): void {
    if (milliseconds === null) {
      add(this.#rest, COLUMN.reads_failed, 1);
    } else {
      add(this.#rest, COLUMN.reads, 1);
      measure(this.#rest, COLUMN.read_ms, milliseconds);
    }
    this.#touch(now);
  }

  #touch(now: number): void {
    if (this.#isEmpty) this.#since = now;
    this.#isEmpty = false;
    this.#watch.touch(now);
  }

  #countsOf(company: string): number[] {
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
      for (const [company, doubles] of [...most, ["", rest] as const]) {
        const index = company.slice(0, MAX_INDEX_LENGTH);
        this.#dataset.writeDataPoint({ indexes: [index], blobs: [company.slice(0, 1_000)], doubles });
      }
    } catch (fault) {
      console.error(JSON.stringify({ event: "metrics_lost", fault: describeFault(fault) }));
    }
  }
}

const zeros = () => new Array<number>(COLUMNS.length).fill(0);

function add(counts: number[], column: number, amount: number): void {
  counts[column] = (counts[column] ?? 0) + amount;
}

/** Adds to the sum at `column`, and keeps the maximum beside it. */
function measure(counts: number[], column: number, milliseconds: number): void {
  const amount = Math.max(milliseconds, 0); // a clock may be set back
  add(counts, column, amount);
  counts[column + 1] = Math.max(counts[column + 1] ?? 0, amount);
}

function merge(sum: number[], counts: readonly number[]): void {
  counts.forEach((amount, column) => {
    const isMaximum = column === COLUMN.age_max_ms || column === COLUMN.read_max_ms;
    sum[column] = isMaximum ? Math.max(sum[column] ?? 0, amount) : (sum[column] ?? 0) + amount;
  });
}

function verdictsOf(counts: readonly number[]): number {
  return counts.slice(0, COLUMN.held).reduce((sum, count) => sum + count, 0);
}
