import type { ApiKey, Scope } from "../../keys/schema.ts";
import type { KeyState, Origin } from "../state.ts";
import { useWords } from "../words/words.ts";
import { Time } from "./time.tsx";

/** What the end of a key is called once it has come. */
const ENDS = { expired: "expired", replaced: "ended" } as const;

export interface FactsProps {
  /** Path of the pages of keys. */
  keys: string;
  apiKey: ApiKey;
  state: KeyState;
  origin: Origin;
  catalogue: readonly Scope[];
  now: number;
}

/** What there is to know of a key. */
export function Facts({ keys, apiKey: key, state, origin, catalogue, now }: FactsProps) {
  const { facts } = useWords().text;
  const created = <Time at={key.createdAt} now={now} />;
  const end = state === "expired" || state === "replaced" ? ENDS[state] : "expires";
  return (
    <dl class="facts">
      <dt>{facts.key}</dt>
      <dd>
        <code>{key.keyPrefix}…</code>
      </dd>
      <dt>{facts.id}</dt>
      <dd>
        <code>{key.id}</code>
      </dd>
      <dt>{facts.scopes}</dt>
      <dd>
        {key.scopes.map((scope) => (
          <div>
            {catalogue.find((known) => known.scope === scope)?.description} <code>{scope}</code>
          </div>
        ))}
      </dd>
      <dt>{facts.created}</dt>
      <dd>{origin.createdBy === null ? created : facts.createdBy(created, origin.createdBy)}</dd>
      {key.suspendedAt !== null && (
        <>
          <dt>{facts.suspended}</dt>
          <dd>
            <Time at={key.suspendedAt} now={now} />
          </dd>
        </>
      )}
      {key.revokedAt !== null && (
        <>
          <dt>{facts.revoked}</dt>
          <dd>
            <Time at={key.revokedAt} now={now} />
          </dd>
        </>
      )}
      <dt>{facts[end]}</dt>
      <dd>
        {key.expiresAt === null ? (
          facts.never
        ) : (
          <>
            <Time at={key.expiresAt} now={now} as="day" /> (<Time at={key.expiresAt} now={now} />)
          </>
        )}
      </dd>
      <dt>{facts.lastUsed}</dt>
      <dd>{key.lastUsedAt === null ? facts.never : <Time at={key.lastUsedAt} now={now} />}</dd>
      {key.replaces !== null && (
        <>
          <dt>{facts.replaces}</dt>
          <dd>
            <a href={`${keys}/${key.replaces}`}>{facts.predecessor}</a>
          </dd>
        </>
      )}
      {key.allowedIps !== null && (
        <>
          <dt>{facts.allowedIps}</dt>
          <dd>
            {key.allowedIps.map((entry) => (
              <div>
                <code>{entry}</code>
              </div>
            ))}
          </dd>
        </>
      )}
      {Object.keys(key.metadata).length > 0 && (
        <>
          <dt>{facts.metadata}</dt>
          <dd>
            {Object.entries(key.metadata).map(([name, text]) => (
              <div>
                <bdi>{name}</bdi>: <bdi>{text}</bdi>
              </div>
            ))}
          </dd>
        </>
      )}
    </dl>
  );
}
