/**
 * Presents well-formed forged keys by the hundred thousand, and a good key between them.
 *
 *     npm run prove:flood
 *
 * Takes a minute. Ends with code 1 where a forged key was accepted or reached D1.
 */
import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { quantile, table, whole } from "./figures.ts";
import { startService } from "./service.ts";

const FORGED = 100_000;
/** Forged keys presented together, between two questions about the good one. */
const BURST = 100;
const ROUNDS = FORGED / BURST;
/** So long that the feed is not asked during the run. */
const BOUND_SECONDS = 300;
const ISOLATE = 0;
/** For this process to read the log lines of a burst, which it would otherwise do while it takes the time. */
const PAUSE_MS = 20;

const service = await startService({ isolates: 1, revocationSeconds: BOUND_SECONDS });
try {
  const good = await service.createKey(ISOLATE);
  const calm = await rounds(async () => {});
  const [before] = await service.reads();
  let accepted = 0;
  const flooded = await rounds(async () => {
    const answers = await service.present(Array.from({ length: BURST }, forge), ISOLATE);
    accepted += answers.filter(({ status }) => status !== 401).length;
  });
  const [after] = await service.reads();
  const calmAgain = await rounds(async () => {});
  const figures = (name: string, times: number[]) => [
    name,
    ...[0.5, 0.99].map((q) => quantile(times, q).toFixed(2)),
  ];
  const reads = JSON.stringify(after) === JSON.stringify(before) ? 0 : after;
  process.stdout.write(
    `${table(
      ["the good key's answer, ms", "median", "p99"],
      [figures("before", calm), figures("between forged keys", flooded), figures("afterwards", calmAgain)],
    )}\n\n${whole(FORGED)} forged keys: accepted ${accepted}, reads of D1 ${JSON.stringify(reads)}\n`,
  );
  if (accepted > 0 || reads !== 0) process.exitCode = 1;

  /** Milliseconds of each answer for the good key, `between` going on before it. */
  async function rounds(between: () => Promise<void>): Promise<number[]> {
    const times: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      await between();
      await setTimeout(PAUSE_MS);
      const start = performance.now();
      const [answer] = await service.present([good], ISOLATE);
      times.push(performance.now() - start);
      if (answer?.status !== 200) throw new Error(`The good key was answered ${answer?.status}`);
    }
    return times;
  }
} finally {
  await service.close();
}

/** 50 characters of base62, so of the right form: the tag alone is wrong. */
function forge() {
  const body = randomBytes(96)
    .toString("base64")
    .replace(/[^0-9A-Za-z]/g, "")
    .slice(0, 43);
  return { id: "", rawKey: `lk_live_${body}a${body.slice(0, 6)}` };
}
