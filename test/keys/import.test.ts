import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { fullCompanies, type ImportedKey, importKeys, knownDigests } from "../../src/keys/import.ts";
import { addPlaces, placeFinder } from "../../src/keys/places.ts";
import { operate } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { stored } from "../support/expect.ts";
import { entryOf, foreignKey, imported } from "../support/imports.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const NOW = 1_000_000;
const CAPS = new Map([["acme", { live: 10, stored: 20 }]]);

function keyOf(digests: [string, ...string[]]): ImportedKey {
  const actor = { issuer: "https://login.example.com", subject: "olga", isOperator: true };
  return {
    id: crypto.randomUUID(),
    companyId: "acme",
    label: "Moved in",
    keyPrefix: "old_",
    generation: "b",
    scopes: ["jobs:read"],
    allowedIps: null,
    metadata: null,
    createdAt: 1,
    expiresAt: null,
    digests,
    event: { id: crypto.randomUUID(), action: "create", actor, at: NOW },
  };
}

test("an import, and a look-up of what it made, read no table whole", async () => {
  const statements = await statementsOf(async (db) => {
    await importKeys(db, [keyOf(["digest"])], CAPS, NOW);
    await fullCompanies(db, CAPS, NOW);
    await knownDigests(db, ["digest"]);
    await addPlaces(db, [{ digest: "digest", database: "00" }]);
    await placeFinder(db)(["none"]);
  });
  const plans = (await Promise.all(statements.map(planOf))).flat();
  expect(plans.filter((step) => /SCAN (api_keys|audit_events|imported_keys)\b/.test(step))).toEqual([]);
});

test("an import whose answer was lost is repeated, and makes each key and its event once", async () => {
  let isLost = false;
  const d1 = hooked(
    env.DB,
    () => {},
    () => {
      if (isLost) return;
      isLost = true;
      throw new Error("D1_ERROR: Network connection lost.");
    },
  );
  const keys = [keyOf(["one", "older"]), keyOf(["two"])];
  const found = await importKeys(d1, keys, CAPS, NOW);
  expect(found.map(({ id }) => id).sort()).toEqual(keys.map(({ id }) => id).sort());
  const { api_keys, audit_events } = await stored();
  expect([api_keys?.length, audit_events?.length]).toEqual([2, 2]);
});

test("a key that is there under an older pepper is not made again", async () => {
  await importKeys(env.DB, [keyOf(["older"])], CAPS, NOW);
  const found = await importKeys(env.DB, [keyOf(["newest", "older"])], CAPS, NOW);
  expect(found.map(({ digest }) => digest)).toEqual(["older"]);
});

test("dead keys take room as well, of what a company may have in all", async () => {
  await operate("/operator/companies/acme", { method: "PATCH", body: { maxLiveKeys: 50 } });
  await env.DB.prepare(
    `INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at, revoked_at)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
     SELECT 'id' || i, 'acme', 'x', 'x', 'd' || i, '[]', 1, 1 FROM n`,
  ).run();
  const outcomes = await imported([entryOf(foreignKey()), entryOf(foreignKey())]);
  expect(outcomes).toMatchObject([
    { status: "created" },
    {
      status: "refused",
      error: "CONFLICT",
      message: expect.stringContaining("1000 keys already, dead ones"),
    },
  ]);
});
