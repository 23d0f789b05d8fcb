import type { ApiKey } from "../../keys/schema.ts";
import { useWords } from "../words/words.ts";
import { Time } from "./time.tsx";

export const SEVERAL_ACTS = ["revoke", "suspend", "resume"] as const;
export type SeveralAct = (typeof SEVERAL_ACTS)[number];

export const SEVERAL = "/dashboard/several";

interface SeveralProps {
  act: SeveralAct;
  keys: readonly ApiKey[];
  now: number;
}

/** What is asked before something is done to keys: which they are, and whether something still uses them. */
export function SeveralPage({ act, keys, now }: SeveralProps) {
  const { several } = useWords().text;
  const { title, what, doIt } = several[act];
  return (
    <article>
      <h1>{title(keys.length)}</h1>
      <p>{what}</p>
      <ul class="named">
        {keys.map((key) => (
          <li>
            <b dir="auto">{key.label}</b>
            <small>
              <code>{key.keyPrefix}…</code> ·{" "}
              {key.revokedAt !== null
                ? several.isRevoked
                : key.lastUsedAt === null
                  ? several.neverUsed
                  : several.lastUsed(<Time at={key.lastUsedAt} now={now} />)}
            </small>
          </li>
        ))}
      </ul>
      <form method="post" action={SEVERAL}>
        <input type="hidden" name="act" value={act} />
        {keys.map(({ id }) => (
          <input type="hidden" name="key" value={id} />
        ))}
        <div class="row">
          <a href="/dashboard">{several.cancel}</a>
          <button type="submit" class={act === "revoke" ? "danger" : undefined}>
            {doIt(keys.length)}
          </button>
        </div>
      </form>
    </article>
  );
}

/** A key to which it was not done. */
export interface Left {
  key: ApiKey;
  why: "gone" | "revoked" | "failed";
}

/** What was done, and what was not. */
export function NotAllPage({ act, done, left }: { act: SeveralAct; done: number; left: readonly Left[] }) {
  const { notAll, stays, showAll, ...several } = useWords().text.several;
  return (
    <>
      <h1>{notAll}</h1>
      {done > 0 && <p class="notice">{several[act].done(done)}</p>}
      <div class="notice bad">
        <p>{stays(left.length)}</p>
        <ul class="named">
          {left.map(({ key, why }) => (
            <li>
              <a href={`/dashboard/keys/${key.id}`} dir="auto">
                {key.label}
              </a>
              <small>
                <code>{key.keyPrefix}…</code> · {several.why[why]}
              </small>
            </li>
          ))}
        </ul>
      </div>
      <a href="/dashboard">{showAll}</a>
    </>
  );
}
