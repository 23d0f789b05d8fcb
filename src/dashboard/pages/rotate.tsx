import type { ErrorDetail } from "../../http/errors.ts";
import { expiryFault, renewedExpiry } from "../../keys/expiry.ts";
import type { ApiKey } from "../../keys/schema.ts";
import { DAY_MS } from "../../lib/time.ts";
import { offeredDays } from "../form.ts";
import { useWords } from "../words/words.ts";
import { Fault, faulty, RequestField } from "./create.tsx";

/** How long a key that is rotated may go on. */
const OVERLAPS_SECONDS = [0, 3_600, 86_400, 604_800] as const;
const USUAL_SECONDS = 86_400;

export interface RotateProps {
  of: ApiKey;
  /** Of the key's page. */
  path: string;
  faults: readonly ErrorDetail[];
  /** 0: none. */
  maxLifetimeDays: number;
  now: number;
}

/** Makes a successor, which must keep the rules of today: what breaks them is said here, and when each of the two ends. */
export function Rotate({ of: key, path, faults, maxLifetimeDays, now }: RotateProps) {
  const { text, moment } = useWords();
  const { rotation } = text;
  const end = key.expiresAt === null ? null : Date.parse(key.expiresAt);
  const overlaps = OVERLAPS_SECONDS.filter((seconds) => end === null || now + seconds * 1000 < end);
  return (
    <article id="rotate">
      <h2>{rotation.title}</h2>
      <ol class="steps">
        {rotation.steps.map((step) => (
          <li>{step}</li>
        ))}
      </ol>
      <form method="post" action={`${path}/rotate`}>
        <RequestField />
        <div class="row">
          <label>
            {rotation.oldEnds}
            <select name="overlapSeconds">
              {overlaps.map((seconds) => (
                <option value={seconds} selected={seconds === USUAL_SECONDS}>
                  {rotation.overlaps[seconds](moment(new Date(now + seconds * 1000)))}
                </option>
              ))}
            </select>
          </label>
          <label>
            {rotation.newEnds}
            <select name="days" {...faulty(faults, "expiresAt")}>
              <Lifetimes of={key} maxLifetimeDays={maxLifetimeDays} now={now} />
            </select>
          </label>
          <button type="submit">{rotation.rotate}</button>
        </div>
        <Fault faults={faults} field="expiresAt" />
        <Fault faults={faults} field="scopes" />
      </form>
    </article>
  );
}

/** Those that the company may have, each with the day it leads to. */
function Lifetimes({ of: key, maxLifetimeDays, now }: Pick<RotateProps, "of" | "maxLifetimeDays" | "now">) {
  const { text, day } = useWords();
  const { rotation } = text;
  const [createdAt, expiresAt] = [Date.parse(key.createdAt), key.expiresAt && Date.parse(key.expiresAt)];
  const renewed = renewedExpiry({ createdAt, expiresAt: expiresAt || null }, now);
  return (
    <>
      {expiryFault(renewed, maxLifetimeDays, now) === null && (
        <option value="">
          {renewed === null ? rotation.never : rotation.asLong(day(new Date(renewed)))}
        </option>
      )}
      {offeredDays(maxLifetimeDays).map((days) => (
        <option value={days}>{rotation.inDays(days, day(new Date(now + days * DAY_MS)))}</option>
      ))}
    </>
  );
}
