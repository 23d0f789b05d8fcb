import type { Child } from "hono/jsx";
import type { ApiKey } from "../../keys/schema.ts";
import { useWords } from "../words/words.ts";
import { RequestField } from "./create.tsx";
import { Time } from "./time.tsx";

interface QuestionProps {
  of: ApiKey;
  now: number;
}

interface RevokeProps extends QuestionProps {
  /** The key that a rotation put in its place. */
  successor?: ApiKey | null | undefined;
  /** Of the key's page. */
  path: string;
}

/** What is asked before a key ends at once: which key it is, and whether something still uses it. */
function LastUse({ of: key, now }: QuestionProps) {
  const { lastUsed, neverUsed, consequence } = useWords().text.question;
  const prefix = <code>{key.keyPrefix}…</code>;
  return (
    <>
      {key.lastUsedAt === null ? neverUsed(prefix) : lastUsed(prefix, <Time at={key.lastUsedAt} now={now} />)}{" "}
      {consequence}
    </>
  );
}

/** What is said of a key that has been named. */
export function UseOf({ of: { lastUsedAt }, now }: QuestionProps) {
  const { never, lastUsed } = useWords().text.notice;
  return <>{lastUsedAt === null ? never : lastUsed(<Time at={lastUsedAt} now={now} />)}</>;
}

/** @param cancel - What leads back. */
function Revoke({ path, of: key, successor = null, now, cancel }: RevokeProps & { cancel: Child }) {
  const { question, notice } = useWords().text;
  return (
    <form method="post" action={`${path}/revoke`}>
      <p>
        <LastUse of={key} now={now} />
      </p>
      {successor !== null && (
        <p>
          {notice.itsSuccessor} <UseOf of={successor} now={now} />
        </p>
      )}
      <div class="row">
        {cancel}
        <button type="submit" class="danger">
          {question.revokeKey}
        </button>
      </div>
    </form>
  );
}

export function RevokePage({ path, of: key, successor, now }: RevokeProps) {
  const { revokeLabel, keep } = useWords().text.question;
  return (
    <article>
      <h1>{revokeLabel(<bdi>{key.label}</bdi>)}</h1>
      <Revoke path={path} of={key} successor={successor} now={now} cancel={<a href={path}>{keep}</a>} />
    </article>
  );
}

/** The part of a key's page that leads there; with script the question is a dialog. */
export function RevokeAct({ path, of: key, successor, now }: RevokeProps) {
  const { question } = useWords().text;
  return (
    <>
      <article>
        <h3>{question.revoke}</h3>
        <p>{question.revokes}</p>
        <a class="button danger" href={`${path}/revoke`} data-dialog="revoke">
          {question.toRevoke}
        </a>
      </article>
      <dialog id="revoke" aria-labelledby="revoke-title">
        <article>
          <h2 id="revoke-title">{question.revokeLabel(<bdi>{key.label}</bdi>)}</h2>
          <Revoke
            path={path}
            of={key}
            successor={successor}
            now={now}
            cancel={
              <button type="button" class="plain" data-close>
                {question.keep}
              </button>
            }
          />
        </article>
      </dialog>
    </>
  );
}

/** @param days - How long the successor lives, as it was sent. */
export function RotatePage({ of: key, now, days }: QuestionProps & { days: string }) {
  const { question } = useWords().text;
  const path = `/dashboard/keys/${key.id}`;
  return (
    <article>
      <h1>{question.rotateLabel(<bdi>{key.label}</bdi>)}</h1>
      <form method="post" action={`${path}/rotate`}>
        <RequestField />
        <input type="hidden" name="overlapSeconds" value="0" />
        <input type="hidden" name="days" value={days} />
        <input type="hidden" name="sure" value="yes" />
        <p>
          {question.rotateNow} <LastUse of={key} now={now} />
        </p>
        <div class="row">
          <a href={path}>{question.rotateLater}</a>
          <button type="submit" class="danger">
            {question.rotate}
          </button>
        </div>
      </form>
    </article>
  );
}
