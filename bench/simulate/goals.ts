import { table, whole } from "../figures.ts";
import { carried, type Figures, loadOf, READS_PER_SECOND } from "./everywhere.ts";
import { about, percent, rate } from "./numbers.ts";
import type { Result } from "./results.ts";
import { usageOf } from "./usage.ts";

const GOALS = { oneDatabase: 100_000, sixteen: 1_000_000, rows: 0.03, looks: 1.2 };

const verdict = (isReached: boolean) => (isReached ? "yes" : "**no**");

function atLeast(title: string, value: number, goal: number): string[] {
  return [title, about(value), `≥ ${whole(goal)}`, verdict(value >= goal)];
}

function atMost(title: string, value: number, goal: number, digits: number): string[] {
  return [title, value.toFixed(digits), `≤ ${goal}`, verdict(value <= goal)];
}

/** How many requests a second the primary by itself carries. */
function byPrimary(figures: Figures, homeShare: number): number {
  return (figures.requests * READS_PER_SECOND) / loadOf(figures, homeShare).primary;
}

export function goalsTable([, usual, large, largest]: readonly Result[]): string {
  if (!usual || !large || !largest) throw new RangeError("There are four sizes");
  const { latchkey } = usual;
  const rows = usageOf(usual.size, latchkey);
  const written = rows.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0) / latchkey.requests;
  const perCentre = latchkey.looks / usual.size.dataCentres;
  return table(
    ["figure", "simulated", "goal", "reached"],
    [
      atLeast(
        "verifications/s that the primary of one database carries, 6 replicas, one of them in its region",
        byPrimary(large.latchkey, 0),
        GOALS.oneDatabase,
      ),
      atLeast(
        "that one database carries, with its busiest replica",
        carried(large.latchkey, 0),
        GOALS.oneDatabase,
      ),
      atLeast(
        "the same, if D1 asks the primary for all records of its region",
        carried(large.latchkey, 1),
        GOALS.oneDatabase,
      ),
      atLeast("that 16 databases carry", carried(largest.latchkey, 0), GOALS.sixteen),
      atMost("rows written for each verification, at 10,000 a second", written, GOALS.rows, 3),
      atMost("reads of the feed a second, 8 isolates of a data centre", perCentre, GOALS.looks, 2),
    ],
  );
}

/** What ends first, and why. */
export function reasonsText([, , large, largest]: readonly Result[]): string {
  if (!large || !largest) throw new RangeError("There are four sizes");
  return `${reasonText("One database", large)}\n\n${reasonText(`${largest.size.databases} databases`, largest)}`;
}

function reasonText(title: string, { size, latchkey }: Result): string {
  const { within, looks, first, past, again } = latchkey;
  const { primary, replica } = loadOf(latchkey, 0);
  const missed = 1 - within.isolate;
  const shared = (within.dataCentre - within.isolate) / missed;
  const ends = primary > replica ? "the primary" : "the replica of the busiest region";
  return `**${title}**: at ${whole(size.requestsPerSecond)} verifications a second, ${percent(missed)} % of the answers are not in the isolate, and the data centre has ${percent(shared)} % of
these. Of the rest, ${rate(replica)} a second are read of the busiest replica. The primary is read ${rate(primary)} times: ${rate(looks)} looks at the feed, ${(looks / size.dataCentres).toFixed(1)} of
each data centre, ${rate(first)} by isolates that know nothing, ${rate(past)} by those that look back, and ${rate(again)} for records that are too old at the replica. An instance
answers ${whole(READS_PER_SECOND)} a second, so what ends first is ${ends}.`;
}
