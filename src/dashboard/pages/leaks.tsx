import type { Leak } from "../../audit/leaks.ts";
import { useWords } from "../words/words.ts";
import { Time } from "./time.tsx";

export interface LeaksProps {
  leaks: readonly Leak[];
  mayWrite: boolean;
  now: number;
}

/** Says which keys were found in public, until somebody dismisses it. */
export function Leaks({ leaks, mayWrite, now }: LeaksProps) {
  const { found, advice, dismiss } = useWords().text.leaks;
  return (
    <>
      {leaks.map(({ keyId, label, url, at }) => (
        <div class="notice bad">
          <p>
            {found(
              <a href={`/dashboard/keys/${keyId}`} dir="auto">
                {label}
              </a>,
              <Time at={new Date(at).toISOString()} now={now} />,
            )}
            {url !== "" && (
              <>
                : <code>{url}</code>
              </>
            )}
            . {advice}
          </p>
          {mayWrite && (
            <form method="post" action={`/dashboard/keys/${keyId}/dismiss`}>
              <button type="submit" class="plain">
                {dismiss}
              </button>
            </form>
          )}
        </div>
      ))}
    </>
  );
}
