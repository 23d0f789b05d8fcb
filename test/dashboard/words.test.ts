import { expect, test } from "vitest";
import { createKey } from "../support/api.ts";
import { Jar, pageOf, signedIn, visit } from "../support/dashboard.ts";

const SIGN_IN = "/dashboard/sign-in";

async function signInPage(headers: Record<string, string>): Promise<string> {
  return pageOf(await visit(SIGN_IN, { headers }));
}

test.each([
  ["de", "de"],
  ["de-AT,en;q=0.5", "de"],
  ["fr,de;q=0.8,en;q=0.7", "de"],
  ["en-US,en;q=0.9,de;q=0.8", "en"],
  ["fr", "en"],
  ["", "en"],
  [",;q=,de;q=0", "en"],
])("a browser that asks for “%s” gets %s", async (asked, language) => {
  const page = await signInPage({ "Accept-Language": asked });
  expect(page).toContain(`<html lang="${language}">`);
  expect(page).toContain(language === "de" ? ">Anmelden</a>" : ">Sign in</a>");
});

test("a page says what it depends on", async () => {
  expect((await visit(SIGN_IN)).headers.get("Vary")).toBe("Accept, Accept-Language, Cookie");
});

test("the language that somebody chose counts, whatever their browser asks for", async () => {
  const jar = new Jar();
  const to = `${SIGN_IN}?to=%2Fdashboard%2Fevents`;
  expect(await pageOf(await visit(to, { jar }))).toContain(`name="to" value="${to}"`);
  const answer = await visit("/dashboard/language", { jar, form: { language: "de", to } });
  expect(answer.status).toBe(303);
  expect(answer.headers.get("Location")).toBe(to);
  const page = await pageOf(await visit(to, { jar, headers: { "Accept-Language": "en" } }));
  expect(page).toContain('<html lang="de">');
});

test("a choice leads to a page of this site, and an unknown language is none", async () => {
  const jar = new Jar();
  const form = { language: "tlh", to: "https://elsewhere.example/dashboard" };
  const answer = await visit("/dashboard/language", { jar, form });
  expect(answer.headers.get("Location")).toBe("/dashboard");
  expect(jar.cookies.size).toBe(0);
});

test("a page that is shown once, or came of a form, offers no language: it would be lost", async () => {
  const jar = await signedIn();
  const form = { label: "", scopes: [] };
  const refused = await visit("/dashboard/keys", { jar, form });
  expect(await pageOf(refused, 422)).not.toContain("/dashboard/language");
  const id = crypto.randomUUID();
  expect(await pageOf(await visit(`/dashboard/keys/${id}/created`, { jar }))).not.toContain(
    "/dashboard/language",
  );
});

test("times are in the zone of the browser, with the exact instant at hand", async () => {
  const { id } = await createKey({ expiresAt: "2999-07-01T22:30:00Z" });
  const jar = await signedIn();
  jar.cookies.set("latchkey-zone", "Europe%2FBerlin");
  const page = await pageOf(await visit(`/dashboard/keys/${id}`, { jar }));
  expect(page).toContain("Times are in Europe/Berlin");
  expect(page).toContain(
    '<time datetime="2999-07-01T22:30:00.000Z" title="2 July 2999 at 00:30:00 CEST">2 Jul 2999</time>',
  );
  const german = await pageOf(
    await visit(`/dashboard/keys/${id}`, { jar, headers: { "Accept-Language": "de" } }),
  );
  expect(german).toContain(
    '<time datetime="2999-07-01T22:30:00.000Z" title="2. Juli 2999 um 00:30:00 MESZ">02.07.2999</time>',
  );
});

test.each(["", "Mars%2FOlympus", "%", "a".repeat(5_000), "+01:00", "<script>", "__proto__"])(
  "a browser without a zone, or with one that nobody knows, has UTC, which is said: “%s”",
  async (zone) => {
    const page = await signInPage({ Cookie: `latchkey-zone=${zone}` });
    expect(page).toContain("Times are in UTC");
  },
);

test("what is wrong with a form is said of its field, in the language of the page", async () => {
  const jar = await signedIn();
  const headers = { "Accept-Language": "de" };
  const form = { label: "a".repeat(101), expiry: "never" };
  const page = await pageOf(await visit("/dashboard/keys", { jar, form, headers }), 422);
  expect(page).toContain("Bezeichnung: höchstens 100 Zeichen; bitte kürzen Sie den Text");
  expect(page).toContain("Berechtigungen: Bitte wählen Sie mindestens einen Eintrag");
});

test("an error is said in the language of the page, and what is known of none by its kind", async () => {
  const jar = await signedIn();
  const headers = { "Accept-Language": "de" };
  const missing = await visit(`/dashboard/keys/${crypto.randomUUID()}`, { jar, headers });
  expect(await pageOf(missing, 404)).toContain("<h1>Diesen API-Schlüssel gibt es nicht</h1>");
  const malformed = await visit("/dashboard/keys/x", { jar, headers });
  expect(await pageOf(malformed, 400)).toContain("<h1>Die Adresse oder das Formular stimmt nicht</h1>");
});

test("what was done is said on the next page, once", async () => {
  const { id } = await createKey();
  const jar = await signedIn();
  const path = `/dashboard/keys/${id}`;
  await visit(`${path}/revoke`, { jar, form: {} });
  const said = '<p class="notice" role="status">Key revoked.</p>';
  expect(await pageOf(await visit(path, { jar }))).toContain(said);
  expect(await pageOf(await visit(path, { jar }))).not.toContain(said);
});

test.each(["revoked", "revoked.x", "toString.1", "hasOwnProperty.1", "revoked.1234567", "<b>.1"])(
  "a page says nothing that was not done here: “%s”",
  async (cookie) => {
    expect(await signInPage({ Cookie: `latchkey-done=${cookie}` })).not.toContain('class="notice"');
  },
);
