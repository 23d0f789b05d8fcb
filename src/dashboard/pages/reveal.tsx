import { useWords } from "../words/words.ts";

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
  const { text } = useWords();
  const { reveal: words } = text;
  const path = `/dashboard/keys/${id}`;
  if (rawKey === null) {
    return (
      <>
        <h1>{words.gone}</h1>
        <p class="notice warn">{words.goneAdvice}</p>
        <a href={path}>{words.open}</a>
      </>
    );
  }
  return (
    <div class="narrow">
      <link rel="stylesheet" href={`${path}/created.css`} />
      <h1>{words.heading}</h1>
      <p class="notice warn">{words.warning}</p>
      <div class="secret">
        <code id="raw-key" data-secret>
          {rawKey}
        </code>
        <button type="button" data-copy="raw-key" data-copied={words.copied}>
          {words.copyKey}
        </button>
        <button type="button" class="plain" data-download="raw-key">
          {words.download}
        </button>
      </div>
      <section>
        <h2>{words.tryIt}</h2>
        {samples(`${origin}/public/v1/key`, rawKey).map(({ id, name, code }, i) => (
          <details open={i === 0}>
            <summary>{name}</summary>
            <div class="secret">
              <code id={id} data-secret>
                {code}
              </code>
              <button
                type="button"
                class="plain"
                data-copy={id}
                data-copied={words.copied}
                aria-label={words.copyCall(name)}
              >
                {words.copy}
              </button>
            </div>
          </details>
        ))}
      </section>
      <a class="button" href={path} data-stored>
        {words.stored}
      </a>
    </div>
  );
}
