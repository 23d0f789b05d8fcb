import type { ApiKey, Scope } from "../../keys/schema.ts";
import type { KeyState, Origin } from "../state.ts";
import { Time } from "./time.tsx";

/** What the end of a key is called once it has come. */
const END_NAMES: Partial<Record<KeyState, string>> = { expired: "Expired", replaced: "Ended" };

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
  return (
    <dl class="facts">
      <dt>Key</dt>
      <dd>
        <code>{key.keyPrefix}…</code>
      </dd>
      <dt>Id</dt>
      <dd>
        <code>{key.id}</code>
      </dd>
      <dt>Scopes</dt>
      <dd>
        {key.scopes.map((scope) => (
          <div>
            {catalogue.find((known) => known.scope === scope)?.description} <code>{scope}</code>
          </div>
        ))}
      </dd>
      <dt>Created</dt>
      <dd>
        <Time at={key.createdAt} now={now} />
        {origin.createdBy !== null && ` by ${origin.createdBy}`}
      </dd>
      {key.suspendedAt !== null && (
        <>
          <dt>Suspended</dt>
          <dd>
            <Time at={key.suspendedAt} now={now} />
          </dd>
        </>
      )}
      {key.revokedAt !== null && (
        <>
          <dt>Revoked</dt>
          <dd>
            <Time at={key.revokedAt} now={now} />
          </dd>
        </>
      )}
      <dt>{END_NAMES[state] ?? "Expires"}</dt>
      <dd>
        {key.expiresAt === null ? (
          "Never"
        ) : (
          <>
            <Time at={key.expiresAt} now={now} as="day" /> (<Time at={key.expiresAt} now={now} />)
          </>
        )}
      </dd>
      <dt>Last used</dt>
      <dd>{key.lastUsedAt === null ? "Never" : <Time at={key.lastUsedAt} now={now} />}</dd>
      {key.replaces !== null && (
        <>
          <dt>Replaces</dt>
          <dd>
            <a href={`${keys}/${key.replaces}`}>the key before it</a>
          </dd>
        </>
      )}
      {key.allowedIps !== null && (
        <>
          <dt>May be used from</dt>
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
          <dt>Metadata</dt>
          <dd>
            {Object.entries(key.metadata).map(([name, text]) => (
              <div>
                {name}: {text}
              </div>
            ))}
          </dd>
        </>
      )}
    </dl>
  );
}
