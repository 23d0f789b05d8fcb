import type { Child } from "hono/jsx";
import type { ShownEvent } from "../../audit/schema.ts";
import { isOperator } from "../../audit/store.ts";
import { isStringRecord, jsonOr } from "../../db/json.ts";
import type { Messages } from "../words/en.ts";
import { useWords } from "../words/words.ts";

/** What an event is told with. */
export interface Tellers {
  /** Path of the pages of keys. */
  keys: string;
  /** Whether the key goes without saying. */
  isOfOneKey: boolean;
  /** Who looks, by the subject of the access token and by name. */
  self: { subject: string; name: string } | undefined;
}

export interface SentenceProps extends Tellers {
  event: ShownEvent & { label?: string | null };
}

/** What happened, in words, with links to the keys. */
export function Sentence({ event, keys, isOfOneKey, self }: SentenceProps) {
  const { text } = useWords();
  const { events: words } = text;
  const { keyId, label } = event;
  const link = (name: Child, id: string | null) =>
    id === null ? (
      name
    ) : (
      <a href={`${keys}/${id}`} dir="auto">
        {name}
      </a>
    );
  // Of a key that is gone, what its address began with.
  const named = link(label ?? words.gone(keyId?.slice(0, 8) ?? ""), label === null ? null : keyId);
  const key = isOfOneKey ? words.it : { subject: named, object: named, of: named };
  return (
    <>
      {told(words, event, {
        who: <b>{whoIs(words, event, self)}</b>,
        key,
        link,
        relabelled: (name) =>
          isOfOneKey ? <b dir="auto">{name}</b> : link(name, label === null ? null : keyId),
      })}
    </>
  );
}

interface Parts {
  who: Child;
  key: { subject: Child; object: Child; of: Child };
  link: (name: Child, id: string) => Child;
  relabelled: (label: string) => Child;
}

function told(words: Messages["events"], event: ShownEvent, { who, key, link, relabelled }: Parts): Child {
  const { says } = words;
  const detail = event.detail ?? {};
  switch (event.action) {
    case "create":
      if (detail.replaces !== undefined)
        return says.succeeded(who, key.object, link(words.olderKey, detail.replaces));
      return detail.reason === "imported" ? says.imported(who, key.object) : says.created(who, key.object);
    case "rename": {
      const to = relabelled(detail.label ?? "");
      return detail.previousLabel === undefined
        ? says.renamed(who, to)
        : says.renamedFrom(who, <b dir="auto">{detail.previousLabel}</b>, to);
    }
    case "update":
      if (detail.metadata === undefined) return says.readdressed(who, key.of);
      return detail.allowedIps === undefined ? says.redescribed(who, key.of) : says.updated(who, key.of);
    case "rotate":
      return says.rotated(who, key.object, link(words.newKey, detail.replacedBy ?? ""));
    case "suspend":
      return says.suspended(who, key.object);
    case "resume":
      return says.resumed(who, key.object);
    case "revoke":
      if (detail.reason === "leaked") return says.leaked(key.subject);
      return detail.reason === "imported elsewhere"
        ? says.importedElsewhere(key.subject)
        : says.revoked(who, key.object);
    case "expiring":
      return says.expiring(key.subject, Number(detail.days));
    case "expired":
      return says.expired(key.subject);
    case "dismiss":
      return says.dismissed(who, key.of);
    case "suspend_company":
      return says.companySuspended(who);
    case "resume_company":
      return says.companyResumed(who);
    case "update_company":
      return says.companyUpdated(who);
  }
}

function whoIs(words: Messages["events"], { actor }: ShownEvent, self: Tellers["self"]): string {
  if (actor === null) return words.holder;
  if (isOperator(actor)) return words.operator;
  return actor.subject === self?.subject ? self.name : actor.subject;
}

/** What the sentence leaves out, by name. */
export function detailsOf(words: Messages["events"], { action, detail }: ShownEvent): [string, string][] {
  const { allowedIps, metadata, url, reason, ...policy } = detail ?? {};
  const from: [string, string][] =
    allowedIps === undefined ? [] : [[words.addresses, own(words.values, allowedIps) ?? allowedIps]];
  if (action === "update_company") {
    const rules = Object.entries(policy).map(([name, value]): [string, string] => [
      own(words.policy, name) ?? name,
      own(words.values, value) ?? value,
    ]);
    return [...rules, ...from];
  }
  const others: [string, string | undefined][] = [
    [words.url, url],
    [words.reason, action === "suspend_company" ? reason : undefined],
  ];
  return [
    ...from,
    ...Object.entries(jsonOr(metadata ?? "{}", isStringRecord, {})),
    ...others.filter((one): one is [string, string] => one[1] !== undefined),
  ];
}

/** Names come from the database, where they may be those of an object's prototype. */
function own(texts: Record<string, string>, name: string): string | undefined {
  return Object.hasOwn(texts, name) ? texts[name] : undefined;
}
