import type { Messages } from "../words/en.ts";
import { useWords } from "../words/words.ts";

/** Something that can be opened. */
export interface Place {
  name: keyof Messages["front"]["places"];
  path: string;
}

export function FrontPage({ places }: { places: readonly Place[] }) {
  const { title, what, places: words } = useWords().text.front;
  return (
    <article class="door">
      <h1>{title}</h1>
      <p>{what}</p>
      <ul class="places">
        {places.map(({ name, path }) => (
          <li>
            <a href={path}>{words[name].name}</a>
            <small>{words[name].what}</small>
          </li>
        ))}
      </ul>
    </article>
  );
}
