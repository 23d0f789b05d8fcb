import type { Scope } from "../../keys/schema.ts";
import { useWords } from "../words/words.ts";

/** From so many on they can be filtered. */
const MANY_SCOPES = 8;

/** `jobs:read` is `read` of the resource `jobs`. What has no such form is a resource by itself. */
const PARTS = /^(.+)[:./](\w[\w-]*)$/;

/** Scopes by resource, in their order. */
export function byResource(catalogue: readonly Scope[]): Map<string, Scope[]> {
  return Map.groupBy(catalogue, ({ scope }) => PARTS.exec(scope)?.[1] ?? scope);
}

export function actionOf(scope: string): string {
  return PARTS.exec(scope)?.[2] ?? "";
}

interface ScopesProps {
  catalogue: readonly Scope[];
  chosen: readonly string[];
  /** Attributes of what is wrong. */
  faulty: Record<string, string>;
}

/** Which scopes a key has: script adds a filter, and buttons that choose several. */
export function Scopes({ catalogue, chosen, faulty }: ScopesProps) {
  const { text } = useWords();
  const { create: words } = text;
  const actions = new Set(catalogue.map(({ scope }) => actionOf(scope)));
  return (
    <fieldset class="scopes" {...faulty}>
      <legend>{words.scopes}</legend>
      <p class="hint">{words.scopesHint}</p>
      <div class="tools with-script">
        {catalogue.length > MANY_SCOPES && (
          <input
            type="search"
            data-filter="scopes"
            placeholder={words.filterScopes}
            aria-label={words.filterScopes}
          />
        )}
        {actions.has("read") && <Choose scopes="read">{words.allRead}</Choose>}
        {actions.has("write") && <Choose scopes="write">{words.allWrite}</Choose>}
        <Choose scopes="all">{words.all}</Choose>
        <Choose scopes="none">{words.none}</Choose>
      </div>
      {[...byResource(catalogue)].map(([resource, scopes]) => (
        <fieldset data-resource={resource}>
          <legend>{resource}</legend>
          {scopes.map(({ scope, description }) => (
            <label>
              <input
                type="checkbox"
                name="scopes"
                value={scope}
                data-action={actionOf(scope)}
                checked={chosen.includes(scope)}
              />
              {description} <code>{scope}</code>
            </label>
          ))}
        </fieldset>
      ))}
    </fieldset>
  );
}

function Choose({ scopes, children }: { scopes: string; children?: string }) {
  return (
    <button type="button" class="plain" data-choose={scopes}>
      {children}
    </button>
  );
}
