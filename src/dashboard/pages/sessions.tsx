import type { PersonSession } from "../session.ts";
import type { Site } from "../site.ts";
import { useWords } from "../words/words.ts";
import { Time } from "./time.tsx";

interface SessionsProps {
  site: Site;
  sessions: readonly PersonSession[];
  /** Whether the others were just ended. */
  done: boolean;
  now: number;
}

export function SessionsPage({ site, sessions, done, now }: SessionsProps) {
  const { text } = useWords();
  const { sessions: words } = text;
  return (
    <>
      <h1>{words.title}</h1>
      {done && (
        <p class="notice" role="status">
          {words.done}
        </p>
      )}
      <ol class="log">
        {sessions.map(({ browser, startedAt, isThis }) => (
          <li>
            <div>
              <b>{browser || words.unknown}</b>
              {isThis && <small>{words.here}</small>}
            </div>
            <span class="quiet">
              {words.since(<Time at={new Date(startedAt).toISOString()} now={now} />)}
            </span>
          </li>
        ))}
      </ol>
      <div class="row">
        {sessions.length > 1 && (
          <form method="post" action={`${site.home}/sessions/end-others`}>
            <button type="submit" class="danger">
              {words.endOthers}
            </button>
          </form>
        )}
        <a class="button plain" href={`${site.home}/sign-in/issuer?another=1`}>
          {words.another}
        </a>
      </div>
      <p class="hint">{words.hint}</p>
    </>
  );
}
