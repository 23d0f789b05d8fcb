import { expect, test } from "vitest";
import { originsFrom, stateOf } from "../../src/dashboard/state.ts";

const NOW = Date.UTC(2026, 10, 25);
const DAY_MS = 86_400_000;
const at = (milliseconds: number) => new Date(milliseconds).toISOString();
const key = {
  id: "6001d30f-4ca8-4278-ba11-8964895e31cf",
  keyPrefix: "lk_live_aYDMW",
  label: "Careers page",
  scopes: ["jobs:read"],
  createdAt: at(NOW - DAY_MS),
  expiresAt: null,
  revokedAt: null,
  suspendedAt: null,
  createdBy: null,
  allowedIps: null,
  metadata: {},
  lastUsedAt: null,
  replaces: null,
  active: true,
};
const SUCCESSOR = "7001d30f-4ca8-4278-ba11-8964895e31cf";

test.each([
  ["active", "a key without an end", {}, null],
  ["active", "a key that ends in 7 days", { expiresAt: at(NOW + 7 * DAY_MS) }, null],
  ["expiring", "a key that ends sooner than in 7 days", { expiresAt: at(NOW + 7 * DAY_MS - 1) }, null],
  ["overlap", "a key that was replaced and goes on", { expiresAt: at(NOW + 1) }, SUCCESSOR],
  ["expired", "a key at its very end", { expiresAt: at(NOW) }, null],
  ["replaced", "a key that was replaced and has ended", { expiresAt: at(NOW) }, SUCCESSOR],
  ["unverifiable", "a key whose pepper is missing", { active: false }, null],
  ["suspended", "a suspended key that goes on", { suspendedAt: at(NOW - 1) }, null],
  [
    "suspended",
    "a suspended key in overlap",
    { suspendedAt: at(NOW - 1), expiresAt: at(NOW + 1) },
    SUCCESSOR,
  ],
  ["expired", "a suspended key at its end", { suspendedAt: at(NOW - 1), expiresAt: at(NOW) }, null],
  ["revoked", "a suspended key that was revoked", { suspendedAt: at(NOW - 1), revokedAt: at(NOW) }, null],
  ["revoked", "a revoked key, whatever else", { revokedAt: at(NOW - 1), expiresAt: at(NOW - 1) }, SUCCESSOR],
])("%s: %s", (state, _, changes, replacedBy) => {
  expect(stateOf({ ...key, ...changes }, replacedBy, NOW)).toBe(state);
});

const event = { id: SUCCESSOR, keyId: key.id, at: at(NOW) };
const ada = { issuer: "https://login.example.com", subject: "ada" };

test("who created a key and what came after it are told by the audit log", () => {
  const originOf = originsFrom([
    { ...event, action: "create", actor: ada, detail: null },
    { ...event, action: "rotate", actor: ada, detail: { replacedBy: SUCCESSOR } },
  ]);
  expect(originOf(key.id)).toEqual({ createdBy: "ada", replacedBy: SUCCESSOR });
  expect(originOf(SUCCESSOR)).toEqual({ createdBy: null, replacedBy: null });
});
