/** A company of 1,000 keys is suspended and resumed while its keys, and those of others, are in use. */
import { setTimeout as sleep } from "node:timers/promises";
import { READS, type ServiceKey, type startService } from "./service.ts";

/** As many as a company may have. */
const KEYS = 1_000;
/** No other key of this run is of this company. */
const COMPANY = 1_000_000;
const LANES = 8;
/** So many isolates are asked. */
const ISOLATES = 4;
/** Presented at once to an isolate. */
const ASKED = READS.atOnce / ISOLATES;
/** Asked for so long, in bounds. */
const ASKED_BOUNDS = 1.1;

type Service = Awaited<ReturnType<typeof startService>>;

export interface Turned {
  /** Milliseconds from just before the call to the last answer that it should have ended. */
  suspendedMs: number;
  resumedMs: number;
  /** Keys, at each isolate, of which the last answer is the wrong one. */
  left: number;
  /** Answers that refused a key of another company. */
  others: number;
}

/** @param others - Good keys of other companies. */
export async function turnCompany(
  service: Service,
  all: readonly number[],
  others: readonly ServiceKey[],
  boundMs: number,
): Promise<Turned> {
  const isolates = all.slice(0, ISOLATES);
  const keys: ServiceKey[] = [];
  const lane = async (i: number) => {
    for (let made = i; made < KEYS; made += LANES) keys.push(await service.createKey(0, undefined, COMPANY));
  };
  await Promise.all(Array.from({ length: LANES }, (_, i) => lane(i)));
  const turned = { suspendedMs: 0, resumedMs: 0, left: 0, others: 0 };

  /** Asks for all of them, again and again, the last time from `until` on. @returns when an isolate last answered otherwise. */
  async function askAll(isolate: number, status: number, until: number): Promise<number> {
    let otherwiseAt = 0;
    let left = 0;
    for (let isLast = false; !isLast; ) {
      isLast = performance.now() >= until;
      left = 0;
      for (let from = 0; from < KEYS; from += ASKED) {
        const asked = keys.slice(from, from + ASKED);
        const [answers, beside] = await Promise.all([
          service.present(asked, isolate),
          service.present(others.slice(0, ASKED), isolate),
        ]);
        const otherwise = answers.filter((answer) => answer.status !== status);
        otherwiseAt = Math.max(otherwiseAt, ...otherwise.map(({ at }) => at));
        left += otherwise.length;
        turned.others += beside.filter((answer) => answer.status === 401 || answer.status === 403).length;
        await sleep(READS.pauseMs);
      }
    }
    turned.left += left;
    return otherwiseAt;
  }

  async function turn(isSuspended: boolean): Promise<number> {
    const calledAt = performance.now();
    const until = calledAt + ASKED_BOUNDS * boundMs;
    const asking = isolates.map((isolate) => askAll(isolate, isSuspended ? 403 : 200, until));
    await service.suspendCompany(COMPANY, isSuspended, 0);
    return Math.max(0, Math.max(...(await Promise.all(asking))) - calledAt);
  }

  await Promise.all(isolates.map((isolate) => askAll(isolate, 200, 0)));
  turned.suspendedMs = await turn(true);
  turned.resumedMs = await turn(false);
  return turned;
}
