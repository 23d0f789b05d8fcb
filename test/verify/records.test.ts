import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { addressList } from "../../src/lib/address.ts";
import { withDeadline } from "../../src/lib/deadline.ts";
import type { VerifyOptions } from "../../src/verify/contract.ts";
import { decide, type KeyRecord, weightOf } from "../../src/verify/decide.ts";
import { sharedRecords } from "../../src/verify/records.ts";
import type { SharedTexts } from "../../src/verify/signed.ts";
import type { KnownRecord } from "../../src/verify/snapshot.ts";
import { COMPANY_COLUMNS, feedStore, VERDICT_COLUMNS } from "../../src/verify/store.ts";
import { verifiedKey } from "../../src/verify/verified.ts";
import { createKey } from "../support/api.ts";
import { setCompany } from "../support/companies.ts";
import { digestOf } from "../support/database.ts";
import { RECORD } from "../support/record.ts";
import { memory } from "../support/verifier.ts";

const NOW = 1_000_000;
const CHANGE = { seq: 7, digest: "other", changedAt: NOW - 1_000 };

/** Everything set that there is. */
const FULL: KeyRecord = {
  id: "0197-id",
  companyId: "acme",
  scopes: ["jobs:read", "jobs:write"],
  expiresAt: NOW + 1_000,
  revokedAt: null,
  suspendedAt: null,
  metadata: { team: "carrières ☃", note: "" },
  allowedIps: addressList(["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]),
  company: {
    suspendedAt: null,
    allowedIps: addressList(["192.0.2.128/25", "2001:db8:1::/48"]),
    rateTier: "gold",
  },
};

/** An isolate's view of what its data centre shares. */
function records(texts: SharedTexts = memory(), random: () => number = () => 0) {
  const background: Promise<unknown>[] = [];
  const shared = sharedRecords({
    texts,
    random,
    inTime: withDeadline,
    background: (work) => background.push(work),
  });
  const all = (digest = "key") => shared.find(digest, (known) => known);
  return { ...shared, all, settle: () => Promise.all(background.splice(0)) };
}

/** What another isolate gets of a record. */
async function passed(known: KnownRecord): Promise<KnownRecord> {
  const texts = memory();
  const one = records(texts);
  one.tell("key", known.record, known.change);
  await one.settle();
  return (await records(texts).all()) ?? expect.fail("there is none");
}

describe("a record that is shared", () => {
  const moments = [NOW, NOW + 1_000, NOW + 1_001];
  const addresses = [
    undefined,
    "192.0.2.200",
    "::ffff:192.0.2.200",
    "192.0.2.7",
    "2001:db8:1::7",
    "2001:db8:2::7",
  ];
  const scopes = [[], ["jobs:read"], ["jobs:write", "jobs:read"], ["jobs:delete"]];
  const questions: [VerifyOptions, number][] = moments.flatMap((at) =>
    addresses.flatMap((clientIp) =>
      scopes.map((asked): [VerifyOptions, number] => [{ scopes: asked, ...(clientIp && { clientIp }) }, at]),
    ),
  );

  test.each<[string, KeyRecord]>([
    ["of everything that can be set", FULL],
    ["of nothing but a key", RECORD],
    ["of a key that was revoked", { ...FULL, revokedAt: NOW }],
    ["of a key that is suspended", { ...FULL, suspendedAt: NOW }],
    [
      "of a company that is suspended",
      { ...FULL, company: { suspendedAt: 1, allowedIps: null, rateTier: null } },
    ],
    ["that allows no address", { ...FULL, allowedIps: addressList([]) }],
    [
      "of a company that allows no address",
      { ...RECORD, company: { suspendedAt: null, allowedIps: addressList([]), rateTier: null } },
    ],
  ])("%s is judged by the others as by whoever has read it", async (_, record) => {
    const { record: got } = await passed({ change: CHANGE, record });
    for (const [options, at] of questions)
      expect(decide(got, options, at)).toEqual(decide(record, options, at));
    expect(verifiedKey(got)).toEqual(verifiedKey(record));
    expect(got.company?.rateTier).toBe(record.company?.rateTier);
    expect(weightOf(got)).toBe(weightOf(record));
    expect(JSON.stringify(got)).toBe(JSON.stringify(record));
  });

  test("is the same as the database has it", async () => {
    const { id } = await createKey({
      metadata: { team: "web" },
      allowedIps: ["192.0.2.0/24", "2001:db8::1"],
    });
    await setCompany({ allowedIps: ["192.0.2.0/25"], suspended: true });
    const { record } = await feedStore(env.DB).readPrimary(await digestOf(id));
    if (record === null) expect.fail("there is no key");
    const { record: got } = await passed({ change: CHANGE, record });
    expect(JSON.stringify(got)).toBe(JSON.stringify(record));
    expect(got.allowedIps?.has("192.0.2.9")).toBe(true);
  });

  test("comes with the change that was the newest one", async () => {
    expect((await passed({ change: CHANGE, record: RECORD })).change).toEqual(CHANGE);
  });

  test("holds nothing that whoever told of it has made of it for itself", async () => {
    const { record } = await passed({ change: CHANGE, record: { ...FULL, verified: verifiedKey(RECORD) } });
    expect(record).not.toHaveProperty("verified");
  });

  test("is that of its key alone", async () => {
    const texts = memory();
    const { tell, settle, all } = records(texts);
    tell("one", { ...RECORD, id: "1" }, CHANGE);
    tell("two", { ...RECORD, id: "2" }, CHANGE);
    await settle();
    expect((await all("one"))?.record.id).toBe("1");
    expect((await all("two"))?.record.id).toBe("2");
    expect(await all("three")).toBeNull();
  });

  test("is the last one that was told", async () => {
    const { tell, settle, all } = records();
    for (const id of ["1", "2"]) tell("key", { ...RECORD, id }, CHANGE);
    await settle();
    expect((await all())?.record.id).toBe("2");
  });

  test("is kept for an hour", async () => {
    const kept: number[] = [];
    const { tell, settle } = records({ ...memory(), put: async (_, __, seconds) => void kept.push(seconds) });
    tell("key", RECORD, CHANGE);
    await settle();
    expect(kept).toEqual([3_600]);
  });

  test("is under a name that tells all columns a verdict depends on, so that no other release reads it", async () => {
    const texts = memory();
    const { tell, settle } = records(texts);
    tell("key", RECORD, CHANGE);
    await settle();
    const [name = ""] = texts.kept.keys();
    const [ofKey = "", ofCompany = ""] = name.split("of the company");
    expect(ofKey.split(" ")).toEqual(expect.arrayContaining(Object.keys(VERDICT_COLUMNS)));
    expect(ofCompany.split(" ")).toEqual(expect.arrayContaining([...Object.keys(COMPANY_COLUMNS), "key"]));
    expect(name).not.toContain("\n");
  });

  test("of a release whose verdicts depend on other columns is not found", async () => {
    const texts = memory();
    const { tell, settle, all } = records(texts);
    tell("key", RECORD, CHANGE);
    await settle();
    const [[name = "", text = ""] = []] = texts.kept;
    texts.kept.clear();
    texts.kept.set(name.replace(" rateTier", ""), text);
    expect(await all()).toBeNull();
    texts.kept.set(name, text);
    expect(await all()).not.toBeNull();
  });
});

describe("a look for a record", () => {
  test("gives what is made of it", async () => {
    const { tell, settle, find } = records();
    tell("key", RECORD, CHANGE);
    await settle();
    expect(await find("key", ({ change, record }) => `${change.seq} ${record.id}`)).toBe("7 1");
  });

  test("that finds nothing makes nothing of it, and gives `null`", async () => {
    expect(await records().find("key", () => expect.fail("made of nothing"))).toBeNull();
  });

  test("that was not made gives `undefined`", async () => {
    const { tell, settle, find } = records({ ...memory(), get: () => expect.fail("has looked") }, () => 0.9);
    for (let i = 0; i < 20; i++) tell("key", RECORD, CHANGE);
    await settle();
    expect(await find("key", () => expect.fail("has looked"))).toBeUndefined();
  });

  test.each<[string, () => Promise<never>]>([
    ["throws", () => Promise.reject(new Error("no cache"))],
    ["hangs", () => new Promise(() => {})],
  ])("in a cache that %s finds nothing, and nobody hears of it", async (_, fault) => {
    const { tell, settle, all } = records({ get: fault, put: fault });
    tell("key", RECORD, CHANGE);
    expect(await settle()).toHaveLength(1);
    expect(await all()).toBeNull();
  });

  test("waits for the cache for 50 ms, and a writing is given up after a second", async () => {
    const waits: number[] = [];
    const { find, tell } = sharedRecords({
      texts: memory(),
      random: () => 0,
      inTime(work, milliseconds) {
        waits.push(milliseconds);
        return work;
      },
      background: () => {},
    });
    await find("key", () => null);
    tell("key", RECORD, CHANGE);
    expect(waits).toEqual([50, 1_000]);
  });
});

describe("how often is looked", () => {
  /** How many looks in a row are made while chance is as it is. @returns `most` where all are. */
  async function looks(find: () => Promise<unknown>, most: number): Promise<number> {
    for (let count = 0; count < most; count++) if ((await find()) === undefined) return count;
    return most;
  }

  /** An isolate, its chance, and whether there is something to be found, and of use. */
  async function lookedFor() {
    const chance = { next: 0 };
    const texts = memory();
    const { find, tell, settle } = records(texts, () => chance.next);
    tell("key", RECORD, CHANGE);
    await settle();
    const state = { isUsed: true, digest: "key", exists: true };
    const look = async () => {
      const found = await find(state.digest, ({ record }) => (state.isUsed ? record : null));
      if (found === null && state.exists) tell("yet another", RECORD, undefined);
      return found;
    };
    return { chance, state, look };
  }

  test("an isolate that starts looks each time", async () => {
    const { chance, look } = await lookedFor();
    chance.next = 0.999_999;
    expect(await looks(look, 1)).toBe(1);
  });

  test("while things are found it is looked each time", async () => {
    const { chance, look } = await lookedFor();
    chance.next = 0.999_999;
    expect(await looks(look, 200)).toBe(200);
  });

  test("a key that does not exist makes looks no rarer", async () => {
    const { chance, state, look } = await lookedFor();
    Object.assign(state, { digest: "another", exists: false });
    chance.next = 0.999_999;
    expect(await looks(look, 200)).toBe(200);
  });

  test.each<[string, Partial<{ isUsed: boolean; digest: string }>]>([
    ["nothing is found", { digest: "another" }],
    ["what is found is of no use", { isUsed: false }],
  ])("while %s it becomes as rare as one look in 1,024, and no rarer", async (_, difference) => {
    const { chance, state, look } = await lookedFor();
    Object.assign(state, difference);
    chance.next = 0.5;
    expect(await looks(look, 100)).toBeGreaterThan(5);
    expect(await looks(look, 100)).toBe(0);
    chance.next = 0;
    await looks(look, 1_000);
    chance.next = 1 / 1_024;
    expect(await looks(look, 1)).toBe(0);
    chance.next = 0.999 / 1_024;
    expect(await looks(look, 1_000)).toBe(1_000);
  });

  test("it becomes usual again when things are found", async () => {
    const { chance, state, look } = await lookedFor();
    state.digest = "another";
    await looks(look, 1_000);
    state.digest = "key";
    chance.next = 0.9;
    expect(await looks(look, 1)).toBe(0);
    chance.next = 0;
    await looks(look, 50);
    chance.next = 0.9;
    expect(await looks(look, 100)).toBe(100);
  });

  test("where a quarter of what is looked for is found, about half of the looks are made", async () => {
    const { chance, state, look } = await lookedFor();
    let made = 0;
    for (let i = 0; i < 2_000; i++) {
      chance.next = (i * 0.618_034) % 1;
      state.digest = made % 4 === 0 ? "key" : "another";
      if ((await look()) !== undefined) made += 1;
    }
    expect(made).toBeGreaterThan(700);
    expect(made).toBeLessThan(1_300);
  });
});
