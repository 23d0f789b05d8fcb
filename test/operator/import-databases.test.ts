import { beforeEach, describe, expect, test } from "vitest";
import { appWith, call, createKey, operate, type Target } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { threeDatabases } from "../support/database.ts";
import { expectError, logged } from "../support/expect.ts";
import { entryOf, foreignKey, imported } from "../support/imports.ts";

let bindings: Awaited<ReturnType<typeof threeDatabases>>;
let target: Target;

const present = (rawKey: string, to = target) =>
  call("/public/v1/key", { headers: { "X-API-Key": rawKey } }, to);
const keysIn = (d1: D1Database) => d1.prepare("SELECT count(*) AS n FROM api_keys").first<number>("n");
const places = async () =>
  (await bindings.DB.prepare("SELECT database FROM imported_keys ORDER BY database").all()).results.map(
    ({ database }) => database,
  );

/** `acme` lives in `DB_01`, `globex` in `DB_02`. */
beforeEach(async () => {
  bindings = await threeDatabases();
  target = appWith({ ...bindings });
  await createKey({}, { company: "acme", target: appWith({ ...bindings, PLACE_NEW_COMPANIES: "01" }) });
  await createKey({}, { company: "globex", target });
});

const toBoth = (keys: readonly string[]) =>
  keys.map((key, i) => entryOf(key, { companyId: i % 2 === 0 ? "acme" : "globex" }));

describe("with several databases", () => {
  test("each imported key is in that of its company, and found there", async () => {
    const keys = Array.from({ length: 6 }, foreignKey);
    expect((await imported(toBoth(keys), target)).map(({ status }) => status)).toEqual(
      Array(6).fill("created"),
    );
    expect([await keysIn(bindings.DB), await keysIn(bindings.DB_01), await keysIn(bindings.DB_02)]).toEqual([
      0, 4, 4,
    ]);
    expect(await places()).toEqual(["01", "01", "01", "02", "02", "02"]);
    for (const to of [target, appWith({ ...bindings })]) {
      for (const [i, key] of keys.entries())
        expect(await (await present(key, to)).json()).toMatchObject({
          companyId: i % 2 === 0 ? "acme" : "globex",
        });
    }
    expect((await imported(toBoth(keys), target)).every(({ status }) => status === "exists")).toBe(true);
  });

  test("a company that is new comes to live where new ones do", async () => {
    const key = foreignKey();
    await imported([entryOf(key, { companyId: "initech" })], target);
    expect(await places()).toEqual(["02"]);
    expect(await (await present(key)).json()).toMatchObject({ companyId: "initech" });
  });

  test("a key stays with the company that has it, in whichever database", async () => {
    const key = foreignKey();
    await imported([entryOf(key)], target);
    const [outcome] = await imported([entryOf(key, { companyId: "globex" })], target);
    expect(outcome).toMatchObject({ status: "refused", error: "CONFLICT" });
    expect(await keysIn(bindings.DB_02)).toBe(1);
    expect(await (await present(key)).json()).toMatchObject({ companyId: "acme" });
  });

  test("of two companies that import the same key at once, one has it", async () => {
    const key = foreignKey();
    const others = [target, appWith({ ...bindings })];
    const outcomes = await Promise.all(
      others.map((to, i) => imported([entryOf(key, { companyId: ["acme", "globex"][i] })], to)),
    );
    const statuses = outcomes.flat().map(({ status }) => status);
    expect(statuses.sort()).toEqual(["created", "refused"]);
    const winner = ["acme", "globex"][outcomes.findIndex(([outcome]) => outcome?.status === "created")];
    expect(await (await present(key, appWith({ ...bindings }))).json()).toMatchObject({ companyId: winner });
    const live = await operate("/operator/keys?prefix=old_", { target });
    const found = await live.json<{ companyId: string; active: boolean }[]>();
    expect(found.filter(({ active }) => active).map(({ companyId }) => companyId)).toEqual([winner]);
  });

  test("a key whose row was dropped by hand is nobody's, and may move in elsewhere", async () => {
    const key = foreignKey();
    await imported([entryOf(key)], target);
    await bindings.DB_01.prepare("DELETE FROM api_keys WHERE key_prefix = ?").bind(key.slice(0, 8)).run();
    const other = appWith({ ...bindings });
    await expectError(await present(key, other), "UNAUTHORIZED");
    expect(await imported([entryOf(key, { companyId: "globex" })], other)).toMatchObject([
      { status: "created" },
    ]);
    expect(await (await present(key, other)).json()).toMatchObject({ companyId: "globex" });
  });

  test("an import that dies between two databases goes on where it is repeated", async () => {
    logged();
    const keys = Array.from({ length: 4 }, foreignKey);
    let dies = true;
    const DB = hooked(bindings.DB, ([sql = ""]) => {
      if (dies && /insert into "imported_keys"/.test(sql))
        throw new Error("D1_ERROR: Network connection lost.");
    });
    const dying = appWith({ ...bindings, DB });
    const answer = await operate("/operator/keys/import", {
      method: "POST",
      body: { keys: toBoth(keys) },
      target: dying,
    });
    await expectError(answer, "UNAVAILABLE");
    await expectError(await present(keys[0] ?? ""), "UNAUTHORIZED");
    dies = false;
    expect((await imported(toBoth(keys), dying)).map(({ status }) => status).sort()).toEqual([
      "created",
      "created",
      "exists",
      "exists",
    ]);
    for (const key of keys) expect((await present(key, dying)).status).toBe(200);
  });

  test("is revoked and found in whichever database it is", async () => {
    const [key, other] = [foreignKey(), foreignKey()];
    await imported(toBoth([key, other]), target);
    const identified = await operate("/operator/keys/identify", {
      method: "POST",
      body: { key: other },
      target,
    });
    expect(await identified.json()).toMatchObject({ companyId: "globex" });
    const headers = { "X-API-Key": other };
    expect((await call("/public/v1/key", { method: "DELETE", headers }, target)).status).toBe(204);
    await expectError(await present(other), "KEY_REVOKED");
    expect((await present(key)).status).toBe(200);
  });

  test("a database that is out of reach makes only its own keys so", async () => {
    logged();
    const [key, other] = [foreignKey(), foreignKey()];
    await imported(toBoth([key, other]), target);
    const DB_02 = hooked(bindings.DB_02, () =>
      Promise.reject(new Error("D1_ERROR: Network connection lost.")),
    );
    const broken = appWith({ ...bindings, DB_02 });
    expect((await present(key, broken)).status).toBe(200);
    await expectError(await present(other, broken), "UNAVAILABLE");
  });
});
