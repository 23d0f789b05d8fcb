import { Keys, type ListedKey } from "../../../dashboard/pages/keys.tsx";
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
  return (
    <>
      <h1>Find a key</h1>
      <search>
        <form method="post" action={`${KEYS}/search`} class="row">
          <label>
            What it begins with, or the whole key
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
          <button type="submit">Find</button>
        </form>
      </search>
      {prefix !== undefined &&
        (keys.length === 0 ? (
          <p>
            {next === null
              ? "No key begins like this. Large and small letters differ."
              : "None so far. Look further."}
          </p>
        ) : (
          <Keys path={KEYS} keys={keys} now={now} />
        ))}
      {next !== null && (
        <p>
          <a rel="next" href={next}>
            More keys
          </a>
        </p>
      )}
    </>
  );
}

/** Somebody searched by a whole key. It is not said again. */
export function NoSuchKeyPage() {
  return (
    <>
      <h1>No key is this one</h1>
      <p class="notice">
        It may not be whole, it was made for another service, or it is no longer kept. Search by what it
        begins with.
      </p>
      <a href={KEYS}>Find a key</a>
    </>
  );
}
