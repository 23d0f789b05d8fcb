import { describe, expect, test } from "vitest";
import { byResource } from "../../src/dashboard/pages/scopes.tsx";
import type { ApiKey } from "../../src/keys/schema.ts";
import { manage } from "../support/api.ts";
import { setCompany } from "../support/companies.ts";
import { type Jar, pageOf, signedIn, visit, withDashboard } from "../support/dashboard.ts";

const FORM = { label: "Careers page", scopes: "jobs:read", expiry: "never" };
const locationOf = (answer: Response) => answer.headers.get("Location") ?? "none";
const made = async () => (await manage("/settings/api-keys")).json<ApiKey[]>();

async function inBerlin(): Promise<Jar> {
  const jar = await signedIn();
  jar.cookies.set("latchkey-zone", "Europe%2FBerlin");
  return jar;
}

describe("the form that creates a key", () => {
  test("groups scopes by resource, in the order of the catalogue", async () => {
    const page = await pageOf(await visit("/dashboard/keys/new", { jar: await signedIn() }));
    expect([...page.matchAll(/data-resource="([^"]+)"/g)].map(([, resource]) => resource)).toEqual([
      "jobs",
      "applications",
      "candidates",
      "webhooks",
    ]);
    expect(page).toMatch(/name="scopes" value="jobs:read" data-action="read"/);
  });

  test("offers a filter of scopes once there are many, and to choose all of a kind where it has that kind", async () => {
    const of = async (SCOPES: Record<string, string>) =>
      pageOf(
        await visit("/dashboard/keys/new", { jar: await signedIn(), target: withDashboard({ SCOPES }) }),
      );
    const few = await of({ "jobs:read": "Read", admin: "Everything" });
    expect(few).not.toContain('data-filter="scopes"');
    expect([...few.matchAll(/data-choose="(\w+)"/g)].map(([, kind]) => kind)).toEqual([
      "read",
      "all",
      "none",
    ]);
    const many = await of(
      Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`thing${i}:write`, `Write ${i}`])),
    );
    expect(many).toContain('data-filter="scopes"');
  });

  test("says of each choice on which day of the visitor the key would end, and at which instant", async () => {
    const page = await pageOf(await visit("/dashboard/keys/new", { jar: await inBerlin() }));
    const ends = [...page.matchAll(/value="(\d+)" data-day="([\d-]+)" data-end="([^"]+)"/g)];
    expect(ends.map(([, days]) => days)).toEqual(["30", "90", "365"]);
    for (const [, , day, end = ""] of ends) {
      const berlin = new Intl.DateTimeFormat("sv-SE", {
        timeZone: "Europe/Berlin",
        dateStyle: "short",
        timeStyle: "medium",
      });
      expect(berlin.format(new Date(end))).toBe(`${day} 23:59:59`);
    }
    expect(page).toMatch(/id="ends"[^>]*>It ends on [^<]+ at 23:59:59 CES?T\.</);
  });

  test("makes the key end with the visitor's day, whichever way that was chosen", async () => {
    const jar = await inBerlin();
    const page = await pageOf(await visit("/dashboard/keys/new", { jar }));
    const [, day = "", end] = /value="30" data-day="([\d-]+)" data-end="([^"]+)"/.exec(page) ?? [];
    for (const fields of [{ expiry: "30" }, { expiry: "30", date: day }, { expiry: "date", date: day }])
      await visit("/dashboard/keys", { jar, form: { ...FORM, ...fields } });
    expect((await made()).map(({ expiresAt }) => expiresAt)).toEqual([end, end, end]);
  });

  test("takes addresses and metadata", async () => {
    const form = {
      ...FORM,
      allowedIps: "192.0.2.7, 2001:DB8::/32\n",
      metadata: "team=careers\nurl=https://a.example/?b=c",
    };
    expect(locationOf(await visit("/dashboard/keys", { jar: await signedIn(), form }))).toMatch(/created$/);
    expect(await made()).toMatchObject([
      {
        allowedIps: ["192.0.2.7", "2001:db8::/32"],
        metadata: { team: "careers", url: "https://a.example/?b=c" },
      },
    ]);
  });

  test("without addresses and metadata makes a key that is good from anywhere", async () => {
    await visit("/dashboard/keys", {
      jar: await signedIn(),
      form: { ...FORM, allowedIps: " ", metadata: "" },
    });
    expect(await made()).toMatchObject([{ allowedIps: null, metadata: {} }]);
  });

  test("with faults in addresses or metadata says so there, opens them, and keeps all that was typed", async () => {
    const form = {
      ...FORM,
      expiry: "date",
      date: "2020-01-01",
      allowedIps: "nowhere </textarea>",
      metadata: "team",
    };
    const page = await pageOf(await visit("/dashboard/keys", { jar: await signedIn(), form }), 422);
    for (const field of ["allowedIps", "metadata", "expiresAt"])
      expect(page).toContain(`id="${field}-fault"`);
    expect(page.match(/<details class="more" open/g)).toHaveLength(2);
    expect(page).toContain(">nowhere &lt;/textarea&gt;</textarea>");
    expect(page).toContain(">team</textarea>");
    expect(page).toContain('value="2020-01-01"');
    expect(page).toMatch(/value="date" checked/);
    expect(await made()).toEqual([]);
  });

  test("names the addresses that the company's keys may be used from, and holds to them", async () => {
    await setCompany({ allowedIps: ["192.0.2.0/24"] });
    const jar = await signedIn();
    expect(await pageOf(await visit("/dashboard/keys/new", { jar }))).toContain("192.0.2.0/24");
    await pageOf(await visit("/dashboard/keys", { jar, form: { ...FORM, allowedIps: "198.51.100.1" } }), 422);
  });

  test("where keys must end offers no other day, and the last one is good", async () => {
    const target = withDashboard({ MAX_KEY_LIFETIME_DAYS: 60 });
    const jar = await inBerlin();
    const page = await pageOf(await visit("/dashboard/keys/new", { jar, target }));
    const [, last = ""] = /name="date"[^>]* max="([\d-]+)"/.exec(page) ?? [];
    expect(page).toContain(`value="60" data-day="${last}"`);
    const form = { ...FORM, expiry: "date", date: last };
    expect(locationOf(await visit("/dashboard/keys", { jar, form, target }))).toMatch(/created$/);
  });

  test("is in German for who reads German", async () => {
    const headers = { "Accept-Language": "de" };
    const page = await pageOf(await visit("/dashboard/keys/new", { jar: await signedIn(), headers }));
    expect(page).toContain("<h1>Schlüssel erstellen</h1>");
    expect(page).toContain("Er endet am ");
  });
});

test("the page of a new key lets nobody leave it unasked, and calls with the key can be copied", async () => {
  const jar = await signedIn();
  const created = locationOf(await visit("/dashboard/keys", { jar, form: FORM }));
  const page = await pageOf(await visit(created, { jar, headers: { "Accept-Language": "de" } }));
  expect(page).toMatch(
    /<a class="button" href="\/dashboard\/keys\/[^"]+" data-stored="[^"]*">Ich habe ihn gespeichert<\/a>/,
  );
  expect(page.match(/data-copied="Kopiert"/g)).toHaveLength(4);
  expect(await pageOf(await visit(created, { jar }))).not.toContain('<a class="button"');
});

test("a scope that names no resource is one by itself", () => {
  const scope = (name: string) => ({ scope: name, description: name });
  const grouped = byResource(
    ["admin", "jobs:read", "crm.contacts:write", "jobs:write", "https://a.example/b"].map(scope),
  );
  expect([...grouped.keys()]).toEqual(["admin", "jobs", "crm.contacts", "https://a.example"]);
});
