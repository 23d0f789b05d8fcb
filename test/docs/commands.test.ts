import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import dashboard from "../../docs/dashboard.md?raw";
import leakedKeys from "../../docs/leaked-keys.md?raw";
import backups from "../../docs/operate/backups.md?raw";
import { REPORTS_PATH } from "../../src/leaks/schema.ts";
import { EVERY_KEY } from "../../src/verify/changes.ts";
import { createKey } from "../support/api.ts";
import { atLocalIssuer, visit } from "../support/dashboard.ts";

/** The paths below `https://<your host>` that a page names. */
function pathsOf(page: string): string[] {
  return [...page.matchAll(/https:\/\/<your host>(\/[^`\s]*)/g)].map(([, path = ""]) => path);
}

test("the dashboard's URLs to register at an issuer are those that it has", async () => {
  const [callback = "", signedOut = ""] = pathsOf(dashboard);
  const begun = await visit("/dashboard/sign-in/issuer", { target: atLocalIssuer() });
  const asked = new URL(begun.headers.get("Location") ?? "").searchParams.get("redirect_uri");
  expect(new URL(asked ?? "").pathname).toBe(callback);
  expect((await visit(signedOut)).status).toBe(200);
});

test("the URL to give to GitHub is where reports are taken", () => {
  expect(pathsOf(leakedKeys)).toEqual([REPORTS_PATH]);
});

test("the pattern to give to GitHub finds a key", async () => {
  const [, pattern = ""] = /pattern `([^`]+)`/.exec(leakedKeys) ?? [];
  const { rawKey } = await createKey();
  expect(rawKey).toMatch(new RegExp(`^${pattern}$`));
});

test("the command after a restore adds a change of every key", async () => {
  const [, sql = ""] = /d1 execute DB --remote --command "(INSERT [^"]+)"/.exec(backups) ?? [];
  await createKey();
  await env.DB.prepare(sql).run();
  const newest = "SELECT digest FROM key_changes ORDER BY seq DESC LIMIT 1";
  expect(await env.DB.prepare(newest).first("digest")).toBe(EVERY_KEY);
});
