import { Keys, type ListedKey } from "../../../dashboard/pages/keys.tsx";
import { useWords } from "../../../dashboard/words/words.ts";
import { KEYS } from "../site.ts";

export interface FindKeyProps {
  /** What was searched for; left out: nothing. */
  prefix?: string;
  keys?: readonly ListedKey[];
  /** Path of the page that follows, if one does. */
  next?: string | null;
  now?: number;
}

export function FindKeyPage({ prefix, keys = [], next = null, now = 0 }: FindKeyProps) {
  const words = useWords().text.findKey;
  return (
    <>
      <h1>{words.title}</h1>
      <search>
        <form method="post" action={`${KEYS}/search`} class="row">
          <label>
            {words.search}
            <input
              type="search"
              name="q"
              value={prefix}
              maxlength={300}
              required
              autofocus={prefix === undefined}
              autocomplete="off"
              spellcheck={false}
            />
          </label>
          <button type="submit">{words.find}</button>
        </form>
      </search>
      {prefix !== undefined &&
        (keys.length === 0 ? (
          <p>{next === null ? words.none : words.noneYet}</p>
        ) : (
          <Keys path={KEYS} keys={keys} now={now} />
        ))}
      {next !== null && (
        <p>
          <a rel="next" href={next}>
            {words.more}
          </a>
        </p>
      )}
    </>
  );
}

/** Somebody searched by a whole key. It is not said again. */
export function NoSuchKeyPage() {
  const words = useWords().text.findKey;
  return (
    <>
      <h1>{words.noSuch}</h1>
      <p class="notice">{words.noSuchWhy}</p>
      <a href={KEYS}>{words.title}</a>
    </>
  );
}
