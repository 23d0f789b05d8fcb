import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { appWith, call, ORIGIN } from "../support/api.ts";
import { expectError } from "../support/expect.ts";

const WELL_KNOWN = "/.well-known/oauth-protected-resource";
const SECURITY_TXT = "/.well-known/security.txt";

test("the protected resource metadata agrees with what the verifier of tokens asks for", async () => {
  const answer = await call(WELL_KNOWN, {}, appWith({ OAUTH_AUDIENCE: ORIGIN }));
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toBe("application/json; charset=utf-8");
  expect(await answer.json()).toEqual({
    resource: ORIGIN,
    authorization_servers: [env.OAUTH_ISSUER],
    scopes_supported: ["api-keys:read", "api-keys:write"],
    bearer_methods_supported: ["header"],
  });
});

test("scopes that are not asked for are not in the metadata", async () => {
  const target = appWith({ OAUTH_AUDIENCE: ORIGIN, OAUTH_READ_SCOPE: "", OAUTH_WRITE_SCOPE: "manage" });
  expect(await (await call(WELL_KNOWN, {}, target)).json()).toMatchObject({ scopes_supported: ["manage"] });
});

test.each([
  [`${ORIGIN}/settings`, `${WELL_KNOWN}/settings`],
  [`${ORIGIN}/`, WELL_KNOWN],
  [ORIGIN, WELL_KNOWN],
])("the metadata of the resource %s is at %s, and a challenge points there", async (audience, path) => {
  const target = appWith({ OAUTH_AUDIENCE: ["urn:other", audience] });
  expect(await (await call(path, {}, target)).json()).toMatchObject({ resource: audience });
  const refusal = await call("/settings/api-keys", {}, target);
  expect(refusal.headers.get("WWW-Authenticate")).toContain(`resource_metadata="${ORIGIN}${path}"`);
});

test.each(["urn:latchkey:management", "keys", "https://elsewhere.example", "http://latchkey.example"])(
  "an audience that is not a URL of this API has no metadata (RFC 9728 §3.3): %s",
  async (audience) => {
    const target = appWith({ OAUTH_AUDIENCE: audience });
    await expectError(await call(WELL_KNOWN, {}, target), "NOT_FOUND");
    const refusal = await call("/settings/api-keys", {}, target);
    expect(refusal.headers.get("WWW-Authenticate")).toBe('Bearer realm="latchkey"');
  },
);

test("security.txt has the contact and expires within a year", async () => {
  const contact = "mailto:security@latchkey.example";
  const answer = await call(SECURITY_TXT, {}, appWith({ SECURITY_CONTACT: contact }));
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toMatch(/^text\/plain; ?charset=utf-8$/i);
  const [, expires] = /^Contact: mailto:security@latchkey\.example\nExpires: (.+)\n$/.exec(
    await answer.text(),
  ) ?? [undefined, ""];
  const days = (Date.parse(expires) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(30);
  expect(days).toBeLessThan(365);
});

test("without a contact there is no security.txt", async () => {
  await expectError(await call(SECURITY_TXT), "NOT_FOUND");
});
