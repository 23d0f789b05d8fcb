export interface RevealProps {
  id: string;
  /** `null`: it was shown before, or too long ago. */
  rawKey: string | null;
  /** Where this deployment is. */
  origin: string;
}

export function RevealPage({ id, rawKey, origin }: RevealProps) {
  const path = `/dashboard/keys/${id}`;
  if (rawKey === null) {
    return (
      <>
        <h1>The key cannot be shown again</h1>
        <p class="notice warn">
          A key is shown once. If nobody has kept it, open it and rotate it: that makes a new one in its
          place.
        </p>
        <a href={path}>Open the key</a>
      </>
    );
  }
  return (
    <>
      <link rel="stylesheet" href={`${path}/created.css`} />
      <h1>Copy your new key now</h1>
      <p class="notice warn">
        It is shown this once. Put it where your program keeps its secrets, not into code, chats or tickets.
      </p>
      <div class="secret">
        <code id="raw-key" data-secret>
          {rawKey}
        </code>
        <button type="button" data-copy="raw-key">
          Copy key
        </button>
      </div>
      <h2>Try it</h2>
      <div class="secret">
        <code id="curl" data-secret>
          {`curl ${origin}/public/v1/key -H "X-API-Key: ${rawKey}"`}
        </code>
        <button type="button" class="plain" data-copy="curl">
          Copy command
        </button>
      </div>
      <a class="button" href={path}>
        I have kept it
      </a>
    </>
  );
}
