import { useWords } from "../words/words.ts";

export interface StartProps {
  /** Whether whoever looks may make keys. */
  mayCreate: boolean;
  /** Of the service. */
  origin: string;
}

/** What a key is for, and how to begin. */
export function Start({ mayCreate, origin }: StartProps) {
  const { nothing, nothingWhy, steps, askForOne, copy } = useWords().text.list;
  const call = `curl ${origin}/public/v1/key -H "X-API-Key: $API_KEY"`;
  return (
    <section class="start">
      <h2>{nothing}</h2>
      <p>{nothingWhy}</p>
      <ol>
        <li>
          <h3>{steps.create}</h3>
          <p>{mayCreate ? steps.createHow : askForOne}</p>
        </li>
        <li>
          <h3>{steps.call}</h3>
          <p>{steps.callHow}</p>
          <div class="secret">
            <code id="first-call">{call}</code>
            <button type="button" class="plain" data-copy="first-call">
              {copy}
            </button>
          </div>
        </li>
        <li>
          <h3>{steps.keep}</h3>
          <p>{steps.keepHow}</p>
        </li>
      </ol>
    </section>
  );
}
