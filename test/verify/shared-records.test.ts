import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { type SharedTexts, signedTexts } from "../../src/verify/signed.ts";
import { type CreatedKey, createKey, manage } from "../support/api.ts";
import { changeElsewhere, digestOf } from "../support/database.ts";
import { logged } from "../support/expect.ts";
import { replicated } from "../support/replica.ts";
import { BOUND_MS, isolate, memory } from "../support/verifier.ts";

const run = (sql: string) => env.DB.prepare(sql).run();
const revoke = ({ id }: CreatedKey) => manage(`/settings/api-keys/${id}`, { method: "DELETE" });
const outcome = async (verdict: Promise<{ valid: boolean; error?: string }>) =>
  (await verdict).error ?? "valid";

type Options = NonNullable<Parameters<typeof isolate>[0]>;

/** A data centre, whose isolates share what they read, and see one clock. */
async function dataCentre(texts: SharedTexts = memory(), options: Options = {}) {
  const known = await createKey();
  const clocks: { now: number }[] = [];
  let now = Date.now();
  const pass = (milliseconds: number) => {
    now += milliseconds;
    for (const clock of clocks) clock.now = now;
  };

  /** An isolate that has just started, and knows the newest change. */
  async function start(more: Options = {}) {
    const one = isolate({ texts, ...options, ...more });
    clocks.push(one.clock);
    one.clock.now = now;
    /** Uses a key that it holds, so that it looks what changed; counts queries anew. */
    const look = async () => {
      await one.verify(known.rawKey);
      await one.settle();
      await one.settle();
      one.queries.length = 0;
    };
    /** The verdict on a key, once it is shared. */
    const judge = async ({ rawKey }: CreatedKey) => {
      const verdict = await outcome(one.verify(rawKey));
      await one.settle();
      return verdict;
    };
    /** Learns what has changed by now. */
    const catchUp = async () => {
      pass(BOUND_MS / 2);
      await look();
    };
    await look();
    return { ...one, judge, catchUp };
  }
  return { start, pass };
}

/** A data centre with two isolates, and a key that neither has looked up. */
async function pair(...how: Parameters<typeof dataCentre>) {
  const { start, pass } = await dataCentre(...how);
  const key = await createKey();
  return { start, pass, key, one: await start(), two: await start() };
}

/** The shared records, their names first. */
const recordsOf = ({ kept }: ReturnType<typeof memory>) =>
  [...kept].filter(([name]) => name.startsWith("record"));

describe("a record that one isolate has read", () => {
  test("is used by another one, whose first use of a key needs no read of the database", async () => {
    const { start } = await dataCentre();
    const key = await createKey({ scopes: ["jobs:read"], metadata: { team: "web" } });
    const [one, two] = [await start(), await start()];
    const verdict = await one.verify(key.rawKey);
    await one.settle();
    expect(one.queries).toHaveLength(1);
    expect(await two.verify(key.rawKey)).toEqual(verdict);
    expect(two.queries).toEqual([]);
  });

  test("is held there from then on, without another look", async () => {
    const texts = memory();
    const { key, one, two } = await pair(texts);
    await one.judge(key);
    await two.judge(key);
    texts.kept.clear();
    expect(await two.judge(key)).toBe("valid");
    expect(two.queries).toEqual([]);
  });

  test("is not shared again by those who have it from others", async () => {
    const texts = memory();
    const { key, one, two } = await pair(texts);
    await one.judge(key);
    const put = vi.spyOn(texts, "put");
    await two.judge(key);
    expect(put).not.toHaveBeenCalled();
  });

  test("is used by an isolate that started later, as it looks back", async () => {
    const { start } = await dataCentre();
    const key = await createKey();
    await changeElsewhere(5);
    await (await start()).judge(key);
    await changeElsewhere(900, "later");
    const late = await start();
    expect(await late.judge(key)).toBe("valid");
    expect(late.queries).toEqual([]);
  });

  test("is not used by an isolate that could not look back, which answers all the same", async () => {
    logged();
    const { start } = await dataCentre();
    const key = await createKey();
    await changeElsewhere(5);
    await (await start()).judge(key);
    await changeElsewhere(5, "later");
    const late = await start({
      hook: ([sql]) => {
        if (sql?.includes("coalesce")) throw new Error("D1_ERROR: Network connection lost.");
      },
    });
    expect(await late.judge(key)).toBe("valid");
    expect(late.queries).toHaveLength(1);
  });

  test("is used while the database does not answer", async () => {
    logged();
    const { start } = await dataCentre();
    const [key, other] = [await createKey(), await createKey()];
    let isBroken = false;
    const one = await start();
    const two = await start({
      hook: () => {
        if (isBroken) throw new Error("D1_ERROR: Network connection lost.");
      },
    });
    await one.judge(key);
    isBroken = true;
    expect(await two.judge(key)).toBe("valid");
    expect(await two.judge(other)).toBe("UNAVAILABLE");
  });

  test("counts as of what is known of the changes, however old it is", async () => {
    const { start, pass } = await dataCentre();
    const key = await createKey();
    const one = await start();
    await one.judge(key);
    pass(3 * BOUND_MS);
    const two = await start();
    const { now } = two.clock;
    pass(1_000);
    const checkedAt = new Date(now).toISOString();
    expect(await two.verify(key.rawKey)).toMatchObject({ valid: true, checkedAt, stale: false });
    expect(two.queries).toEqual([]);
  });

  test("is not used where what is known of the changes has become a bound old while it was looked for", async () => {
    const texts = memory();
    const { key, one, two, pass } = await pair(texts);
    await one.judge(key);
    await revoke(key);
    pass(BOUND_MS - 1);
    const { get } = texts;
    vi.spyOn(texts, "get").mockImplementation(async (name) => {
      if (name !== "feed") pass(1);
      return get(name);
    });
    expect(await two.judge(key)).toBe("KEY_REVOKED");
  });

  test("is not used once what is known of the changes is a bound old: the primary is asked first", async () => {
    const { key, one, two, pass } = await pair();
    await one.judge(key);
    await revoke(key);
    pass(BOUND_MS);
    expect(await two.judge(key)).toBe("KEY_REVOKED");
    expect(two.queries).toHaveLength(1);
  });
});

describe("a record that was not looked for", () => {
  test("is not shared either: as few look as find something, it would be written for nobody", async () => {
    const texts = memory();
    const { start } = await dataCentre(texts);
    const keys = await Promise.all(Array.from({ length: 20 }, () => createKey()));
    const one = await start({ random: () => 0.9 });
    for (const key of keys) expect(await one.judge(key)).toBe("valid");
    const shared = recordsOf(texts).length;
    expect(shared).toBeLessThan(keys.length);
    expect(await one.judge(await createKey())).toBe("valid");
    expect(recordsOf(texts)).toHaveLength(shared);
  });
});

describe("what is shared of a key that was changed since", () => {
  test("is not used by an isolate that knows of the change, though it says good", async () => {
    const texts = memory();
    const { key, one, two } = await pair(texts);
    await one.judge(key);
    await revoke(key);
    await two.catchUp();
    expect(recordsOf(texts)[0]?.[1]).toContain('"revokedAt":null');
    expect(await two.judge(key)).toBe("KEY_REVOKED");
  });

  test("is not used by an isolate that started after the change", async () => {
    const { start } = await dataCentre();
    const key = await createKey();
    await (await start()).judge(key);
    await revoke(key);
    await changeElsewhere(5);
    expect(await (await start()).judge(key)).toBe("KEY_REVOKED");
  });

  test("is not used by the isolate that has changed it, which knows nothing of it from the feed", async () => {
    const { key, one, two } = await pair();
    await one.judge(key);
    await revoke(key);
    two.forget([await digestOf(key.id)]);
    expect(await two.judge(key)).toBe("KEY_REVOKED");
    expect(await two.judge(key)).toBe("KEY_REVOKED");
  });

  test("is not used where it is changed here while the look for it is under way", async () => {
    const texts = memory();
    const { key, one, two } = await pair(texts);
    await one.judge(key);
    const digest = await digestOf(key.id);
    const { get } = texts;
    vi.spyOn(texts, "get").mockImplementation(async (name) => {
      const text = await get(name);
      await run(`UPDATE api_keys SET revoked_at = 1 WHERE id = '${key.id}'`);
      two.forget([digest]);
      return text;
    });
    expect(await two.judge(key)).toBe("KEY_REVOKED");
  });

  test("is replaced by what it has become", async () => {
    const texts = memory();
    const { start } = await dataCentre(texts);
    const key = await createKey();
    const [one, two, three] = [await start(), await start(), await start()];
    await one.judge(key);
    await revoke(key);
    await two.catchUp();
    await two.judge(key);
    expect(recordsOf(texts)).toHaveLength(1);
    await three.catchUp();
    expect(await three.judge(key)).toBe("KEY_REVOKED");
    expect(three.queries).toEqual([]);
  });

  test("is not used where an older record is put back in the place of the newer one", async () => {
    const texts = memory();
    const { start } = await dataCentre(texts);
    const key = await createKey();
    const [one, two, three] = [await start(), await start(), await start()];
    await one.judge(key);
    const [[name, older] = ["", ""]] = recordsOf(texts);
    await revoke(key);
    await two.catchUp();
    await two.judge(key);
    expect(texts.kept.get(name)).not.toBe(older);
    texts.kept.set(name, older);
    await three.catchUp();
    expect(await three.judge(key)).toBe("KEY_REVOKED");
    texts.kept.set(name, older);
    expect(await (await start()).judge(key)).toBe("KEY_REVOKED");
  });
});

describe("what is shared", () => {
  test("is what the primary said of a key that was just revoked: the next isolate need not ask it", async () => {
    const key = await createKey();
    await changeElsewhere(1);
    const { d1 } = await replicated();
    const { start } = await dataCentre(memory(), { d1 });
    await revoke(key);
    const [one, two] = [await start(), await start()];
    expect(await one.judge(key)).toBe("KEY_REVOKED");
    expect(one.queries).toHaveLength(2);
    expect(await two.judge(key)).toBe("KEY_REVOKED");
    expect(two.queries).toEqual([]);
  });

  test("is what the primary said of a new key that no replica has yet", async () => {
    const { d1 } = await replicated();
    const { start } = await dataCentre(memory(), { d1 });
    const key = await createKey();
    const [one, two] = [await start(), await start()];
    expect(await one.judge(key)).toBe("valid");
    expect(one.queries).toHaveLength(2);
    expect(await two.judge(key)).toBe("valid");
    expect(two.queries).toEqual([]);
  });

  test("is also what a replica that lags has of a key that did not change", async () => {
    const key = await createKey();
    const { d1 } = await replicated();
    const { start } = await dataCentre(memory(), { d1 });
    await changeElsewhere(5);
    const [one, two] = [await start(), await start()];
    expect(await one.judge(key)).toBe("valid");
    expect(one.queries).toHaveLength(1);
    expect(await two.judge(key)).toBe("valid");
    expect(two.queries).toEqual([]);
  });

  test("is no key that nobody has: each isolate asks the primary", async () => {
    const texts = memory();
    const { start } = await dataCentre(texts);
    const key = await createKey();
    await run(`DELETE FROM api_keys WHERE id = '${key.id}'`);
    for (const one of [await start(), await start()]) {
      expect(await one.judge(key)).toBe("UNAUTHORIZED");
      expect(one.queries).toHaveLength(2);
    }
    expect(recordsOf(texts)).toEqual([]);
  });

  test("is nothing that a replica has which is ahead of what the isolate knows", async () => {
    const texts = memory();
    const { start } = await dataCentre(texts);
    const [key, other] = [await createKey(), await createKey()];
    const one = await start();
    await changeElsewhere(3);
    expect(await one.judge(key)).toBe("valid");
    expect(recordsOf(texts)).toEqual([]);
    await one.catchUp();
    expect(await one.judge(other)).toBe("valid");
    expect(recordsOf(texts)).toHaveLength(1);
  });

  test("is nothing that is read with strong consistency, nor does that use what is shared", async () => {
    const texts = memory();
    const { start } = await dataCentre(texts);
    const [key, shared] = [await createKey(), await createKey()];
    const [one, two] = [await start(), await start()];
    expect(await outcome(one.verify(key.rawKey, { consistency: "strong" }))).toBe("valid");
    await one.settle();
    expect(recordsOf(texts)).toEqual([]);
    await one.judge(shared);
    await revoke(shared);
    expect(await outcome(two.verify(shared.rawKey, { consistency: "strong" }))).toBe("KEY_REVOKED");
  });

  test("holds no key and no text of one", async () => {
    const texts = memory();
    const { start } = await dataCentre(texts);
    const key = await createKey();
    await (await start()).judge(key);
    const all = JSON.stringify([...texts.kept]);
    expect(all).toContain(key.id);
    expect(all).not.toContain(key.rawKey);
    expect(all).not.toContain(key.rawKey.slice(0, -6));
  });

  test.each<[string, () => Promise<never>]>([
    ["throws", () => Promise.reject(new Error("no cache"))],
    ["hangs", () => new Promise(() => {})],
  ])("is nothing in a cache that %s, and all answers are as without it", async (_, fault) => {
    const { start } = await dataCentre({ get: fault, put: fault });
    const [good, bad] = [await createKey(), await createKey()];
    await revoke(bad);
    for (const one of [await start(), await start()]) {
      expect(await one.judge(good)).toBe("valid");
      expect(await one.judge(bad)).toBe("KEY_REVOKED");
      expect(one.queries).toHaveLength(2);
    }
  });
});

describe("in the Cache API of the platform", () => {
  const texts = (database: string) =>
    signedTexts(database, new Map([["a", "a pepper, of 32 characters or more, for this"]]));

  test("records are shared", async () => {
    const { start } = await dataCentre(texts("r1"));
    const key = await createKey({ allowedIps: ["2001:db8::/32"] });
    const [one, two] = [await start(), await start()];
    await one.judge(key);
    expect(await outcome(two.verify(key.rawKey, { clientIp: "2001:db8::7" }))).toBe("valid");
    expect(await outcome(two.verify(key.rawKey, { clientIp: "192.0.2.7" }))).toBe("FORBIDDEN");
    expect(two.queries).toEqual([]);
  });

  test("the record of another key is refused, though its bytes are copied to the place of this one", async () => {
    const { start } = await dataCentre(texts("r2"));
    const [good, bad] = [await createKey(), await createKey()];
    await revoke(bad);
    const [one, two] = [await start(), await start()];
    const put = vi.spyOn(Cache.prototype, "put");
    const placeOf = async (key: CreatedKey) => {
      await one.judge(key);
      return String(put.mock.lastCall?.[0]);
    };
    const [from, to] = [await placeOf(good), await placeOf(bad)];
    put.mockRestore();
    expect(from).not.toBe(to);
    const cache = await caches.open("latchkey");
    const bytes = await (await cache.match(from))?.bytes();
    await cache.put(to, new Response(bytes ?? null, { headers: { "Cache-Control": "max-age=60" } }));
    expect(await two.judge(bad)).toBe("KEY_REVOKED");
    expect(two.queries).toHaveLength(1);
    expect(await two.judge(good)).toBe("valid");
    expect(two.queries).toHaveLength(1);
  });
});

describe("after a restore", () => {
  /** Back to before all changes but the first: the key was revoked then, which no change tells. */
  async function restore(more: () => Promise<unknown>): Promise<void> {
    await run("DELETE FROM key_changes WHERE seq > 1");
    await run("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'key_changes'");
    await run("DROP TRIGGER api_keys_updated");
    await run("UPDATE api_keys SET revoked_at = 1");
    await more();
  }
  const tell = () => run("INSERT INTO key_changes (digest) VALUES ('')");

  describe.each<[string, () => Promise<unknown>]>([
    ["that a change of every key tells of", tell],
    ["that it tells of once others have changed", () => changeElsewhere(20, "after").then(tell)],
    ["that it tells of before others change", () => tell().then(() => changeElsewhere(20, "after"))],
    ["that nothing tells of, where numbers are still behind", () => changeElsewhere(3, "after")],
    ["that nothing tells of, where numbers have come to be the same", () => changeElsewhere(10, "after")],
    ["that nothing tells of, where numbers are past those before", () => changeElsewhere(20, "after")],
    ["that nothing tells of, and nothing followed on", async () => {}],
  ])("%s", (_, more) => {
    test("an isolate that has noticed uses no record from before", async () => {
      const texts = memory();
      const { start } = await dataCentre(texts);
      const key = await createKey();
      await changeElsewhere(10);
      const [one, two] = [await start(), await start()];
      expect(await one.judge(key)).toBe("valid");
      await restore(more);
      await two.catchUp();
      expect(recordsOf(texts)).toHaveLength(1);
      expect(await two.judge(key)).toBe("KEY_REVOKED");
    });

    test("nor does one that starts", async () => {
      const { start, pass } = await dataCentre();
      const key = await createKey();
      await changeElsewhere(10);
      expect(await (await start()).judge(key)).toBe("valid");
      await restore(more);
      pass(BOUND_MS);
      expect(await (await start()).judge(key)).toBe("KEY_REVOKED");
    });

    test("what is shared from then on is used", async () => {
      const { start, pass } = await dataCentre();
      const key = await createKey();
      await changeElsewhere(10);
      const one = await start();
      await one.judge(key);
      await restore(more);
      pass(BOUND_MS);
      const [two, three] = [await start(), await start()];
      expect(await two.judge(key)).toBe("KEY_REVOKED");
      expect(await three.judge(key)).toBe("KEY_REVOKED");
      expect(three.queries).toEqual([]);
    });
  });

  test("that a change of every key tells of, a key that was made since is unknown, though nothing else was undone", async () => {
    const { start, pass } = await dataCentre();
    await changeElsewhere(5);
    const one = await start();
    const key = await createKey();
    expect(await one.judge(key)).toBe("valid");
    await run("DROP TRIGGER api_keys_deleted");
    await run(`DELETE FROM api_keys WHERE id = '${key.id}'`);
    await tell();
    await changeElsewhere(5, "after");
    pass(BOUND_MS);
    expect(await (await start()).judge(key)).toBe("UNAUTHORIZED");
    expect(await one.judge(key)).toBe("UNAUTHORIZED");
  });

  test("that nothing tells of, a key that was made since is unknown to an isolate that has noticed", async () => {
    const { start } = await dataCentre();
    await changeElsewhere(2);
    const [one, two] = [await start(), await start()];
    const key = await createKey();
    expect(await one.judge(key)).toBe("valid");
    await changeElsewhere(3, "undone");
    await two.catchUp();
    await run("DROP TRIGGER api_keys_deleted");
    await run(`DELETE FROM api_keys WHERE id = '${key.id}'`);
    await run("DELETE FROM key_changes WHERE digest LIKE 'undone%'");
    await two.catchUp();
    expect(await two.judge(key)).toBe("UNAUTHORIZED");
  });

  test("a record of before it is used where nothing of what followed on it was undone", async () => {
    const { start, pass } = await dataCentre();
    const key = await createKey();
    await changeElsewhere(5);
    await (await start()).judge(key);
    await changeElsewhere(5, "undone");
    await run("DELETE FROM key_changes WHERE digest LIKE 'undone%'");
    await changeElsewhere(5, "after");
    pass(BOUND_MS);
    const two = await start();
    expect(await two.judge(key)).toBe("valid");
    expect(two.queries).toEqual([]);
  });
});
