import type { OperatedEvent } from "../../../audit/schema.ts";
import { Chart } from "../../../dashboard/pages/chart.tsx";
import { Events } from "../../../dashboard/pages/events.tsx";
import { Facts } from "../../../dashboard/pages/facts.tsx";
import { Notice, Switch } from "../../../dashboard/pages/key.tsx";
import { StateTag } from "../../../dashboard/pages/keys.tsx";
import { RevokeAct } from "../../../dashboard/pages/question.tsx";
import type { KeyState, Origin } from "../../../dashboard/state.ts";
import { useWords } from "../../../dashboard/words/words.ts";
import type { Scope } from "../../../keys/schema.ts";
import type { DayUsage } from "../../../usage/schema.ts";
import type { OperatedKey } from "../../key-schema.ts";
import { KEYS } from "../site.ts";

export interface KeyPageProps {
  /** Of this page. */
  path: string;
  apiKey: OperatedKey;
  company: { id: string; path: string; isSuspended: boolean };
  state: KeyState;
  origin: Origin;
  catalogue: readonly Scope[];
  days: readonly DayUsage[];
  events: readonly OperatedEvent[];
  /** Path of the events that follow, if some do. */
  next: string | null;
  mayWrite: boolean;
  now: number;
}

export function KeyPage({ path, apiKey: key, company, state, origin, ...props }: KeyPageProps) {
  const { catalogue, days, events, next, mayWrite, now } = props;
  const words = useWords().text.operatedKey;
  const isLive = state !== "expired" && state !== "replaced";
  return (
    <>
      <div class="bar">
        <h1 dir="auto">{key.label}</h1>
        <StateTag state={state} />
      </div>
      <p>{words.of(<a href={company.path}>{company.id}</a>)}</p>
      {company.isSuspended && <p class="notice warn">{words.companySuspended}</p>}
      <Notice keys={KEYS} of={key} state={state} origin={origin} now={now} />
      <Facts keys={KEYS} apiKey={key} state={state} origin={origin} catalogue={catalogue} now={now} />
      <section>
        <h2>{words.use}</h2>
        <Chart days={days} />
      </section>
      {mayWrite && key.revokedAt === null && (
        <section>
          <h2>{words.stop}</h2>
          {isLive && <Switch isSuspended={key.suspendedAt !== null} path={path} />}
          <RevokeAct path={path} of={key} now={now} />
        </section>
      )}
      <section>
        <h2>{words.events}</h2>
        <Events events={events} next={next} keys={KEYS} self={undefined} isOfOneKey />
      </section>
    </>
  );
}
