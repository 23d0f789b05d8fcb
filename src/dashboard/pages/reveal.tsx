export interface RevealProps {
  id: string;
  /** `null`: it was shown before, or too long ago. */
  rawKey: string | null;
  /** Where this deployment is. */
  origin: string;
}

/** Calls that anybody can make with a key, to see that it works. */
function samples(url: string, rawKey: string) {
  return [
    { id: "curl", name: "curl", code: `curl ${url} -H "X-API-Key: ${rawKey}"` },
    {
      id: "javascript",
      name: "JavaScript",
      code: `const answer = await fetch("${url}", {\n  headers: { "X-API-Key": "${rawKey}" },\n});\nconsole.log(await answer.json());`,
    },
    {
      id: "python",
      name: "Python",
      code: `import urllib.request\n\nrequest = urllib.request.Request("${url}", headers={"X-API-Key": "${rawKey}"})\nprint(urllib.request.urlopen(request).read().decode())`,
    },
  ];
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
    <div class="narrow">
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
        <button type="button" class="plain" data-download="raw-key">
          Download .env
        </button>
      </div>
      <section>
        <h2>Try it</h2>
        {samples(`${origin}/public/v1/key`, rawKey).map(({ id, name, code }, i) => (
          <details open={i === 0}>
            <summary>{name}</summary>
            <div class="secret">
              <code id={id} data-secret>
                {code}
              </code>
              <button type="button" class="plain" data-copy={id} aria-label={`Copy the call with ${name}`}>
                Copy
              </button>
            </div>
          </details>
        ))}
      </section>
      <a class="button" href={path}>
        I have stored it
      </a>
    </div>
  );
}
