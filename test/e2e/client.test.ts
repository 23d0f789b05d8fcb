import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startTestIssuer } from "../support/issuer.ts";
import { bash, copyProject, NODE_MODULES, signToken, startLatchkey } from "./support.ts";

const CLIENT = join(import.meta.dirname, "client");

test("a client that openapi-typescript generates from the document compiles, and manages keys", async () => {
  const dir = await copyProject();
  const issuer = await startTestIssuer();
  await bash(dir, "npm run setup");
  const { url } = await startLatchkey(dir, { OAUTH_ISSUER: issuer.url });

  await mkdir(join(CLIENT, "generated"), { recursive: true });
  await writeFile(join(CLIENT, "generated/openapi.json"), await (await fetch(`${url}/openapi.json`)).text());
  const token = await signToken(issuer, "ES256", "at+jwt", {
    aud: "urn:latchkey:management",
    company_id: "acme",
    scope: "api-keys:read api-keys:write",
  });
  const driven = await bash(
    CLIENT,
    `set -e
    ./node_modules/.bin/openapi-typescript generated/openapi.json --output generated/api.d.ts
    ${NODE_MODULES}/.bin/tsc
    ${NODE_MODULES}/.bin/node drive.ts ${url} ${token}`,
  );
  expect(driven).toMatchObject({ code: 0, stderr: "" });
});
