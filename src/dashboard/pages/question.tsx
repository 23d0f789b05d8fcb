import type { Child } from "hono/jsx";
import type { ApiKey } from "../../keys/schema.ts";
import { RequestField } from "./create.tsx";
import { Time } from "./time.tsx";

interface QuestionProps {
  of: ApiKey;
  now: number;
}

interface RevokeProps extends QuestionProps {
  /** Of the key's page. */
  path: string;
}

/** What is asked before a key ends at once: which key it is, and whether something still uses it. */
function LastUse({ of: key, now }: QuestionProps) {
  return (
    <>
      <code>{key.keyPrefix}…</code>{" "}
      {key.lastUsedAt === null ? (
        "was never used"
      ) : (
        <>
          was last used <Time at={key.lastUsedAt} now={now} />
        </>
      )}
      . Whatever uses it will be refused within seconds. This cannot be undone.
    </>
  );
}

/** @param cancel - What leads back. */
function Revoke({ path, of: key, now, cancel }: RevokeProps & { cancel: Child }) {
  return (
    <form method="post" action={`${path}/revoke`}>
      <p>
        <LastUse of={key} now={now} />
      </p>
      <div class="row">
        {cancel}
        <button type="submit" class="danger">
          Revoke key
        </button>
      </div>
    </form>
  );
}

export function RevokePage({ path, of: key, now }: RevokeProps) {
  return (
    <article>
      <h1>Revoke “{key.label}”?</h1>
      <Revoke path={path} of={key} now={now} cancel={<a href={path}>Keep it</a>} />
    </article>
  );
}

/** The part of a key's page that leads there; with script the question is a dialog. */
export function RevokeAct({ path, of: key, now }: RevokeProps) {
  return (
    <>
      <article>
        <h3>Revoke</h3>
        <p>Ends the key within seconds, everywhere and for good.</p>
        <a class="button danger" href={`${path}/revoke`} data-dialog="revoke">
          Revoke…
        </a>
      </article>
      <dialog id="revoke" aria-labelledby="revoke-title">
        <article>
          <h2 id="revoke-title">Revoke “{key.label}”?</h2>
          <Revoke
            path={path}
            of={key}
            now={now}
            cancel={
              <button type="button" class="plain" data-close>
                Keep it
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
  const path = `/dashboard/keys/${key.id}`;
  return (
    <article>
      <h1>Rotate “{key.label}” at once?</h1>
      <form method="post" action={`${path}/rotate`}>
        <RequestField />
        <input type="hidden" name="overlapSeconds" value="0" />
        <input type="hidden" name="days" value={days} />
        <input type="hidden" name="sure" value="yes" />
        <p>
          This key ends now, before its successor is anywhere. <LastUse of={key} now={now} />
        </p>
        <div class="row">
          <a href={path}>Choose a time to change over</a>
          <button type="submit" class="danger">
            Rotate at once
          </button>
        </div>
      </form>
    </article>
  );
}
