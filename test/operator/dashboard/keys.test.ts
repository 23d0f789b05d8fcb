import { describe, expect, test } from "vitest";
import { createKey, manage, operate } from "../../support/api.ts";
import { setCompany } from "../../support/companies.ts";
import {
  operatorSignedIn,
  pageOf,
  type VisitOptions,
  visit,
  withDashboard,
} from "../../support/dashboard.ts";
import { threeDatabases } from "../../support/database.ts";
import { logged } from "../../support/expect.ts";
import { insertByHand } from "../../support/keys.ts";

const HOME = "/operator/dashboard";
const KEYS = `${HOME}/keys`;
const NOBODY = "6f1ff3f4-0000-4000-8000-000000000000";

const look = async (path: string, options: VisitOptions = {}) =>
  pageOf(await visit(path, { jar: await operatorSignedIn(), ...options }));
const send = async (path: string, form: VisitOptions["form"] = {}, options: VisitOptions = {}) =>
  visit(path, { jar: await operatorSignedIn(), form, ...options });
const stateIn = (page: string) => /<h1[^>]*>[^<]*<\/h1><span class="tag (\w+)"/.exec(page)?.[1];

describe("a key", () => {
  test("is found by what it begins with, of whichever company", async () => {
    const { keyPrefix, id } = await createKey({ label: "Careers page" });
    const other = await createKey({}, { company: "globex" });
    const answer = await send(`${KEYS}/search`, { q: ` ${keyPrefix} ` });
    expect(answer.headers.get("Location")).toBe(`${KEYS}?prefix=${keyPrefix}`);
    const page = await look(answer.headers.get("Location") ?? "");
    expect(page).toContain(`<a href="${KEYS}/${id}" dir="auto">Careers page</a>`);
    expect(page).toContain(`of <a href="${HOME}/companies/acme">acme</a>`);
    const all = await look(`${KEYS}?prefix=lk_live_`);
    expect(all).toContain(id);
    expect(all).toContain(other.id);
    expect(await look(`${KEYS}?prefix=lk_test_`)).toContain("No key begins like this");
  });

  test("is found page by page", async () => {
    for (let i = 0; i < 26; i++) await createKey();
    const ids = (page: string) =>
      [...page.matchAll(/dashboard\/keys\/([0-9a-f-]{36})"/g)].map(([, id]) => id);
    const first = await look(`${KEYS}?prefix=lk_`);
    const next = /rel="next" href="([^"]*)"/.exec(first)?.[1]?.replaceAll("&amp;", "&") ?? "none";
    const second = await look(next);
    expect(new Set([...ids(first), ...ids(second)]).size).toBe(26);
    expect(second).not.toContain('rel="next"');
  });

  test.each([
    ["alone", (rawKey: string) => rawKey],
    ["with spaces around it", (rawKey: string) => `  ${rawKey}\t`],
    ["in a header", (rawKey: string) => `X-API-Key: ${rawKey}`],
    ["in a command", (rawKey: string) => `curl -H "Authorization: Bearer ${rawKey}" https://x`],
  ])("that is pasted whole, %s, is found also where it is dead, and said nowhere", async (_, pasted) => {
    const lines = logged();
    const { id, rawKey } = await createKey({}, { company: "globex" });
    for (const isDead of [false, true]) {
      if (isDead) await manage(`/settings/api-keys/${id}`, { method: "DELETE", company: "globex" });
      const answer = await send(`${KEYS}/search`, { q: pasted(rawKey) });
      expect(answer.headers.get("Location")).toBe(`${KEYS}/${id}`);
      expect(JSON.stringify([...answer.headers])).not.toContain(rawKey);
    }
    expect(lines.join()).not.toContain(rawKey.slice(0, 20));
  });

  test("that nobody has, or that is not whole, or is another service's, is not repeated", async () => {
    const lines = logged();
    const { rawKey } = await createKey();
    const jar = await operatorSignedIn();
    for (const pasted of [
      `${rawKey.slice(0, -1)}${rawKey.endsWith("a") ? "b" : "a"}`,
      rawKey.slice(0, 40),
      `${rawKey}x`,
      `sk_live_${"9aZ".repeat(20)}`,
    ]) {
      for (const path of [`${KEYS}/search`, ...(pasted.startsWith("lk_") ? [`${HOME}/search`] : [])]) {
        const answer = await visit(path, { jar, form: { q: pasted } });
        expect(answer.headers.get("Location")).toBeNull();
        const page = await pageOf(answer, 404);
        expect(page).toContain("No key is this one");
        expect(page).not.toContain(pasted.slice(0, 20));
      }
    }
    expect(lines.join()).not.toMatch(/9aZ9aZ/);
  });

  test("in a URL is refused and not said", async () => {
    const { rawKey } = await createKey();
    const path = `${KEYS}?prefix=${rawKey}`;
    const page = await pageOf(await visit(path, { jar: await operatorSignedIn() }), 400);
    expect(page).not.toContain(rawKey.slice(0, 20));
  });

  test.each(["cursor=x&prefix=lk", "cursor=[1]&prefix=lk", `prefix=${"x".repeat(101)}`, "company=acme"])(
    "is not searched for with ?%s: 400",
    async (query) => {
      await pageOf(await visit(`${KEYS}?${query}`, { jar: await operatorSignedIn() }), 400);
    },
  );

  test("is shown with whose it is, what happened to it, and by whom", async () => {
    const { id } = await createKey({ label: "Careers page" });
    await operate(`/operator/keys/${id}/suspend`, { method: "POST" });
    const page = await look(`${KEYS}/${id}`);
    expect(stateIn(page)).toBe("suspended");
    expect(page).toContain(`A key of <a href="${HOME}/companies/acme">acme</a>`);
    expect(page).toContain("olga");
    expect(page).toContain("ada");
    expect(page).not.toContain('"/dashboard');
  });

  test("that was made by hand is shown without who made it", async () => {
    const page = await look(`${KEYS}/${await insertByHand()}`);
    expect(page).toMatch(/<dt>Created<\/dt><dd><time [^>]*>[^<]*<\/time><\/dd>/);
  });

  test("of a suspended company is said to be refused", async () => {
    const { id } = await createKey();
    await setCompany({ suspended: true });
    expect(await look(`${KEYS}/${id}`)).toContain("The company is suspended: the key is refused");
  });

  test("that was rotated leads to its successor, and back", async () => {
    const old = await createKey();
    const answer = await manage(`/settings/api-keys/${old.id}/rotate`, {
      method: "POST",
      body: { overlapSeconds: 60 },
    });
    const { id } = await answer.json<{ id: string }>();
    const page = await look(`${KEYS}/${old.id}`);
    expect(stateIn(page)).toBe("overlap");
    expect(page).toContain(`<a href="${KEYS}/${id}">its successor</a>`);
    expect(await look(`${KEYS}/${id}`)).toContain(`<a href="${KEYS}/${old.id}">the key before it</a>`);
  });

  test("that was rotated is in overlap among the keys that a search finds, as in its company's list", async () => {
    const old = await createKey();
    await createKey({}, { company: "globex" });
    await manage(`/settings/api-keys/${old.id}/rotate`, { method: "POST", body: { overlapSeconds: 60 } });
    const row = new RegExp(`${old.id}".*?class="tag (\\w+)".*?</tr>`, "s");
    for (const path of [`${KEYS}?prefix=lk_`, `${HOME}/companies/acme`])
      expect(row.exec(await look(path))?.[1]).toBe("overlap");
  });

  test("is suspended, resumed and, after a question, revoked", async () => {
    const { id } = await createKey({ label: "Careers page" });
    const path = `${KEYS}/${id}`;
    for (const [act, state] of [
      ["suspend", "suspended"],
      ["resume", "active"],
      ["revoke", "revoked"],
    ]) {
      if (act === "revoke") expect(await look(`${path}/revoke`)).toContain(`action="${path}/revoke"`);
      expect((await send(`${path}/${act}`)).headers.get("Location")).toBe(path);
      expect(stateIn(await look(path))).toBe(state);
    }
    expect(await look(path)).not.toContain(`action="${path}/`);
    await pageOf(await send(`${path}/resume`), 409);
    const events = await (await manage(`/settings/events?key=${id}`)).json<{ actor: unknown }[]>();
    expect(events.slice(0, 3).map(({ actor }) => actor)).toEqual(
      Array.from({ length: 3 }, () => ({ issuer: "latchkey", subject: "operator" })),
    );
  });

  test("is shown to who may only read without any form", async () => {
    const { id } = await createKey();
    const page = await look(`${KEYS}/${id}`, { jar: await operatorSignedIn({ scope: "operator:read" }) });
    expect(page.match(/<form/g)).toHaveLength(2); // to sign out, and to choose a language
  });

  test("has an audit log in pages", async () => {
    const { id } = await createKey();
    for (let i = 0; i < 14; i++)
      for (const act of ["suspend", "resume"])
        await operate(`/operator/keys/${id}/${act}`, { method: "POST" });
    const page = await look(`${KEYS}/${id}`);
    const next = /rel="next" href="([^"]*)"/.exec(page)?.[1]?.replaceAll("&amp;", "&") ?? "none";
    expect(await look(next)).toContain("Created");
    await pageOf(await visit(`${KEYS}/${id}?cursor=[1,2]`, { jar: await operatorSignedIn() }), 400);
  });

  test.each(["", "/revoke"])("that is not there is 404, of an odd id 400: %s", async (rest) => {
    const jar = await operatorSignedIn();
    await pageOf(await visit(`${KEYS}/${NOBODY}${rest}`, { jar }), 404);
    await pageOf(await visit(`${KEYS}/1${rest}`, { jar }), 400);
    for (const act of ["suspend", "resume", "revoke"]) {
      await pageOf(await send(`${KEYS}/${NOBODY}/${act}`), 404);
      await pageOf(await send(`${KEYS}/__proto__/${act}`), 400);
    }
    await pageOf(await send(`${KEYS}/${NOBODY}/rename`), 404);
  });
});

test("with several databases keys and companies of all of them are shown and stopped", async () => {
  const target = withDashboard({ ...(await threeDatabases()), PLACE_NEW_COMPANIES: "02" });
  const { id, rawKey } = await createKey({}, { company: "globex", target });
  const jar = await operatorSignedIn();
  expect(await look(HOME, { jar, target })).toContain("globex");
  expect(await look(`${HOME}/companies/globex`, { jar, target })).toContain(id);
  const answer = await visit(`${KEYS}/search`, { jar, target, form: { q: rawKey } });
  expect(answer.headers.get("Location")).toBe(`${KEYS}/${id}`);
  await visit(`${KEYS}/${id}/suspend`, { jar, target, form: {} });
  expect(stateIn(await look(`${KEYS}/${id}`, { jar, target }))).toBe("suspended");
  const status = await look(`${HOME}/status`, { jar, target });
  for (const name of ["00", "01", "02"]) expect(status).toContain(`<th scope="row">${name}`);
});

describe("the status", () => {
  test("tells of databases, peppers, issuers and the version", async () => {
    await createKey();
    const page = await look(`${HOME}/status`);
    expect(page).toContain("New keys are made with it");
    expect(page).toMatch(/\d MB/);
    expect(page).toContain("Never");
  });

  test("says which pepper is missing", async () => {
    const KEY_PEPPERS = JSON.stringify({ c: "another pepper, of 32 characters or more" });
    await createKey({}, { target: withDashboard({ KEY_PEPPERS }) });
    expect(await look(`${HOME}/status`)).toContain("Missing: its keys are refused");
  });
});
