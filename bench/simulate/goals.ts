import { table, whole } from "../figures.ts";
import { carried, type Figures, loadOf, READS_PER_SECOND } from "./everywhere.ts";
import type { Result, Variation } from "./results.ts";
import { usageOf } from "./usage.ts";

const GOALS = { oneDatabase: 100_000, sixteen: 1_000_000, rows: 0.03, looks: 1.2 };

/** In two figures. */
const about = (value: number) => whole(Number(value.toPrecision(2)));
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

/**
 * @param shared - The third size, with records that are shared by a data centre.
 * @param plans - What is not built, of the fourth.
 */
export function goalsTable(
  [, usual, large, largest]: readonly Result[],
  shared: Figures,
  plans: readonly Variation[],
): string {
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
        "the same, if D1 asks the primary for all records of its region",
        byPrimary(large.latchkey, 1),
        GOALS.oneDatabase,
      ),
      atLeast(
        "that one database carries, with its busiest replica",
        carried(large.latchkey, 0),
        GOALS.oneDatabase,
      ),
      atLeast("the same with B, which is not built", carried(shared, 0), GOALS.oneDatabase),
      atLeast("that 16 databases carry", carried(largest.latchkey, 0), GOALS.sixteen),
      ...plans.map(({ title, figures }) =>
        atLeast(`the same ${title}, not built`, carried(figures, 0), GOALS.sixteen),
      ),
      atMost("rows written for each verification, at 10,000 a second", written, GOALS.rows, 3),
      atMost("reads of the feed a second, 8 isolates of a data centre", perCentre, GOALS.looks, 2),
    ],
  );
}

/** Why goals are missed, and what would reach them. */
export function reasonsText([, , large, largest]: readonly Result[], plans: readonly Variation[]): string {
  if (!large || !largest) throw new RangeError("There are four sizes");
  const misses = (figures: Figures) => `${((1 - figures.within.isolate) * 100).toFixed(0)} %`;
  const { primary, replica } = loadOf(large.latchkey, 0);
  const last = plans.at(-1)?.figures ?? largest.latchkey;
  const best = carried(last, 0);
  const ofMany = loadOf(largest.latchkey, 0);
  return `**One database**: with isolates of this kind, ${misses(large.latchkey)} of the verifications at ${whole(large.size.requestsPerSecond)} a second are the first use of a key in
an isolate, and read a record. The replica of the busiest region would have to answer ${whole(replica)} of these a second, and answers ${whole(READS_PER_SECOND)}. The primary,
with ${whole(primary)} reads, is not what ends first, unless D1 asks it for the records of its own region. What reaches the goal is B,
records that are [shared by a data centre](#what-would-carry-more), or several databases, or isolates that are fewer and busier.

**16 databases**: the replicas again, with ${whole(ofMany.replica)} reads a second in the busiest region. The primary, with ${whole(ofMany.primary)}, comes next: crowded
data centres ask for the feed ${(largest.latchkey.looks / largest.size.dataCentres).toFixed(1)} times a second. [B](#what-would-carry-more) brings it to ${about(best)}: what is left at the primary is
the feed, which C makes cheaper, and the records of keys that were just revoked. More databases help the replicas, and not the primaries.`;
}
