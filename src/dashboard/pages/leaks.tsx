import type { Leak } from "../../audit/leaks.ts";
import { Time } from "./time.tsx";

export interface LeaksProps {
  leaks: readonly Leak[];
  mayWrite: boolean;
  now: number;
}

/** Says which keys were found in public, until somebody dismisses it. */
export function Leaks({ leaks, mayWrite, now }: LeaksProps) {
  return (
    <>
      {leaks.map(({ keyId, label, url, at }) => (
        <div class="notice bad">
          <p>
            <a href={`/dashboard/keys/${keyId}`}>{label}</a> was found in public and revoked{" "}
            <Time at={new Date(at).toISOString()} now={now} />
            {url !== "" && (
              <>
                : <code>{url}</code>
              </>
            )}
            . Whatever used it is refused. Create another key, and look for what was done with this one.
          </p>
          {mayWrite && (
            <form method="post" action={`/dashboard/keys/${keyId}/dismiss`}>
              <button type="submit" class="plain">
                Dismiss
              </button>
            </form>
          )}
        </div>
      ))}
    </>
  );
}
