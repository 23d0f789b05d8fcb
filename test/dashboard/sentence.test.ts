import { type FC, jsx } from "hono/jsx";
import { describe, expect, test } from "vitest";
import type { ShownEvent } from "../../src/audit/schema.ts";
import { detailsOf, Sentence } from "../../src/dashboard/pages/sentence.tsx";
import { InWords, LANGUAGES, type Language, messagesIn, wordsIn } from "../../src/dashboard/words/words.ts";
import { auditEvents } from "../../src/db/tables.ts";

const ID = "6001d30f-4ca8-4278-ba11-8964895e31cf";
const OTHER = "70000000-0000-4000-8000-000000000000";
const ADA = { issuer: "https://login.example.com", subject: "ada" };

type Told = Pick<ShownEvent, "action"> & Partial<ShownEvent>;

const ofKey: Told[] = [
  { action: "create" },
  { action: "create", detail: { reason: "imported" } },
  { action: "create", detail: { replaces: OTHER } },
  { action: "rename", detail: { label: "Careers page" } },
  { action: "rename", detail: { label: "Careers page", previousLabel: "Jobs" } },
  { action: "update", detail: { allowedIps: "192.0.2.7" } },
  { action: "update", detail: { metadata: '{"team":"careers"}' } },
  { action: "update", detail: { allowedIps: "anywhere", metadata: "{}" } },
  { action: "rotate", detail: { replacedBy: OTHER } },
  { action: "suspend" },
  { action: "resume" },
  { action: "revoke" },
  { action: "revoke", actor: null },
  { action: "revoke", detail: { reason: "leaked", url: "https://git.example/leak" } },
  { action: "revoke", detail: { reason: "imported elsewhere" } },
  { action: "expiring", actor: null, detail: { days: "1" } },
  { action: "expiring", actor: null, detail: { days: "7" } },
  { action: "expired", actor: null },
  { action: "dismiss" },
];
const ofCompany: Told[] = [
  { action: "suspend_company", detail: { reason: "unpaid" } },
  { action: "resume_company" },
  { action: "update_company", detail: { maxLiveKeys: "5", allowedIps: "anywhere", rateTier: "none" } },
];

const eventOf = (told: Told, isOfKey: boolean) => ({
  id: ID,
  keyId: isOfKey ? ID : null,
  label: isOfKey ? "Careers page" : null,
  actor: ADA,
  at: "2026-11-23T09:08:13.107Z",
  detail: null,
  ...told,
});

async function sentence(
  language: Language,
  event: ReturnType<typeof eventOf>,
  { isOfOneKey = false, self }: { isOfOneKey?: boolean; self?: { subject: string; name: string } } = {},
): Promise<string> {
  const props = { event, keys: "/dashboard/keys", isOfOneKey, self };
  const page = jsx(InWords as FC, { value: wordsIn(language, "UTC") }, jsx(Sentence as FC, props));
  return String(await page);
}

test("every kind of event is told here", () => {
  const told = new Set([...ofKey, ...ofCompany].map(({ action }) => action));
  expect([...told].sort()).toEqual([...auditEvents.action.enumValues].sort());
});

describe.each(LANGUAGES)("in %s", (language) => {
  test("each event of a key is a sentence of its own, with a link to the key by its label", async () => {
    const sentences = await Promise.all(ofKey.map((told) => sentence(language, eventOf(told, true))));
    expect(new Set(sentences).size).toBe(ofKey.length);
    for (const text of sentences) {
      expect(text).toContain(`<a href="/dashboard/keys/${ID}" dir="auto">Careers page</a>`);
      expect(text).not.toMatch(/undefined|NaN|null|\[object/);
    }
  });

  test("each event of the company is a sentence of its own", async () => {
    const sentences = await Promise.all(ofCompany.map((told) => sentence(language, eventOf(told, false))));
    expect(new Set(sentences).size).toBe(ofCompany.length);
    for (const text of sentences) expect(text).toMatch(/^<b>ada<\/b> .+/);
  });

  test("each kind of event can be chosen by a name of its own", () => {
    const names = Object.values(messagesIn(language).events.actions);
    expect(new Set(names).size).toBe(auditEvents.action.enumValues.length);
  });

  test("on the page of one key no event names it by its label, but what it was and became", async () => {
    for (const told of ofKey) {
      const text = await sentence(language, eventOf(told, true), { isOfOneKey: true });
      expect(text).not.toContain(`/dashboard/keys/${ID}`);
      expect(text.includes("Careers page")).toBe(told.action === "rename");
    }
  });
});

test("who looks is called by name, whoever runs the service is the operator, and who holds the key is said to", async () => {
  const revoked = (actor: ShownEvent["actor"]) => eventOf({ action: "revoke", actor }, true);
  const self = { subject: "ada", name: "ada@acme.example" };
  expect(await sentence("en", revoked(ADA), { self })).toContain("<b>ada@acme.example</b> revoked");
  expect(await sentence("en", revoked({ issuer: "latchkey", subject: "operator" }))).toContain(
    "<b>The operator</b>",
  );
  expect(await sentence("de", revoked(null))).toContain("<b>Der Inhaber des Schlüssels</b> hat");
});

test("a rename tells both labels", async () => {
  const event = eventOf({ action: "rename", detail: { label: "B", previousLabel: "A" } }, true);
  expect(await sentence("en", event, { isOfOneKey: true })).toBe(
    '<b>ada</b> renamed the key from <b dir="auto">A</b> to <b dir="auto">B</b>',
  );
  expect(await sentence("de", event, { isOfOneKey: true })).toBe(
    '<b>ada</b> hat den Schlüssel von <b dir="auto">A</b> in <b dir="auto">B</b> umbenannt',
  );
});

test("a key that is no longer kept is named by the beginning of its id, without a link", async () => {
  const text = await sentence("en", { ...eventOf({ action: "revoke" }, true), label: null });
  expect(text).toBe("<b>ada</b> revoked key 6001d30f… (deleted)");
});

test("a key that was renamed and is no longer kept is named by what it became, without a link", async () => {
  const event = eventOf({ action: "rename", detail: { label: "Careers page" } }, true);
  const text = await sentence("en", { ...event, label: null });
  expect(text).toContain("Careers page");
  expect(text).not.toContain("href");
});

test("a successor and its predecessor lead to each other", async () => {
  for (const told of [
    { action: "rotate", detail: { replacedBy: OTHER } },
    { action: "create", detail: { replaces: OTHER } },
  ] as const)
    expect(await sentence("en", eventOf(told, true))).toContain(`<a href="/dashboard/keys/${OTHER}" `);
});

test("what a sentence leaves out stands below it", () => {
  const words = messagesIn("de").events;
  const details = (told: Told) => detailsOf(words, eventOf(told, true));
  expect(
    details({ action: "update", detail: { allowedIps: "anywhere", metadata: '{"team":"careers"}' } }),
  ).toEqual([
    ["Adressen", "überall"],
    ["team", "careers"],
  ]);
  expect(
    details({ action: "update_company", detail: { maxLiveKeys: "default", constructor: "__proto__" } }),
  ).toEqual([
    ["Höchstzahl gültiger Schlüssel", "wie im Dienst eingestellt"],
    ["constructor", "__proto__"],
  ]);
  expect(details({ action: "suspend_company", detail: { reason: "unbezahlt" } })).toEqual([
    ["Grund", "unbezahlt"],
  ]);
});

test("addresses stand below a sentence as they were given", () => {
  const event = eventOf({ action: "update", detail: { allowedIps: "192.0.2.7 2001:db8::/32" } }, true);
  expect(detailsOf(messagesIn("en").events, event)).toEqual([
    [messagesIn("en").events.addresses, "192.0.2.7 2001:db8::/32"],
  ]);
});
