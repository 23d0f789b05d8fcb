import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { keyFormat } from "../../src/keys/format.ts";
import type { RandomSource } from "../../src/lib/encoding.ts";

const OLD = "a retired pepper of 32 characters or more";
const NEW = "the newest pepper, of 32 characters or more";
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RAW_KEY = /^lk_live_[0-9A-Za-z]{41}00b[0-9A-Za-z]{6}$/;

const secure: RandomSource = (bytes) => crypto.getRandomValues(bytes);
const peppers = (table: Record<string, string>) => new Map(Object.entries(table));
const format = keyFormat("lk_live", peppers({ a: OLD, b: NEW }), secure);

/** Gives `values`, one after the other and round again. */
function sequence(values: readonly number[]): RandomSource {
  let i = 0;
  return (bytes) => {
    for (let at = 0; at < bytes.length; at++) bytes[at] = values[i++ % values.length] ?? 0;
  };
}

test("a key is prefix_, 41 random characters, its database, a generation and a tag of 6, all base62", async () => {
  for (let i = 0; i < 200; i++) expect((await format.create()).rawKey).toMatch(RAW_KEY);
});

test("41 base62 characters are at least 244 random bits", () => {
  expect(41 * Math.log2(62)).toBeGreaterThanOrEqual(244);
});

test("keyPrefix is the start of the key up to 5 random characters", async () => {
  const { rawKey, keyPrefix } = await format.create();
  expect(keyPrefix).toBe(rawKey.slice(0, "lk_live_".length + 5));
});

test("the randomness is that of crypto.getRandomValues", async () => {
  const spy = vi.spyOn(crypto, "getRandomValues");
  await format.create();
  expect(spy).toHaveBeenCalled();
});

test("each character comes from four of the 248 bytes that are used: no modulo bias", async () => {
  const sources = new Map<string, number>();
  for (let byte = 0; byte < 248; byte++) {
    const { rawKey } = await keyFormat("lk_live", peppers({ b: NEW }), sequence([byte])).create();
    const character = rawKey.charAt(8);
    expect(rawKey.slice(8, 51)).toBe(`${character.repeat(41)}00`);
    sources.set(character, (sources.get(character) ?? 0) + 1);
  }
  expect([...sources]).toEqual([...ALPHABET].map((character) => [character, 4]));
});

test.each([248, 250, 255])("the byte %i is skipped, wherever it comes", async (biased) => {
  const drawn = keyFormat("lk_live", peppers({ b: NEW }), sequence([biased, 61, biased, biased, 247]));
  expect((await drawn.create()).rawKey.slice(8, 49)).toMatch(/^z+$/);
});

test("the digest is HMAC-SHA-256 of all before the tag under the generation's pepper; its first 48 bits are the tag", async () => {
  const { rawKey, digest } = await format.create();
  const secret = new TextEncoder().encode(NEW);
  const hmac = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);
  const bytes = new Uint8Array(
    await crypto.subtle.sign("HMAC", hmac, new TextEncoder().encode(rawKey.slice(0, -6))),
  );
  expect(digest).toBe(bytes.toBase64({ alphabet: "base64url", omitPadding: true }));
  let rest = bytes.slice(0, 6).reduce((value, byte) => value * 256n + BigInt(byte), 0n);
  let tag = "";
  for (let i = 0; i < 6; i++, rest /= 62n) tag = ALPHABET.charAt(Number(rest % 62n)) + tag;
  expect(rawKey.slice(-6)).toBe(tag);
});

test("a created key gives its digest back, whatever the randomness", async () => {
  const randomness = fc.uint8Array({ minLength: 41, maxLength: 41, max: 247 });
  await fc.assert(
    fc.asyncProperty(randomness, async (bytes) => {
      const drawn = keyFormat("lk_live", peppers({ a: OLD, b: NEW }), sequence([...bytes]));
      const { rawKey, digest } = await drawn.create();
      expect(rawKey).toMatch(RAW_KEY);
      expect(await format.digest(rawKey)).toBe(digest);
    }),
  );
});

test("two keys are never the same, nor their digests", async () => {
  const keys = await Promise.all(Array.from({ length: 500 }, () => format.create()));
  expect(new Set(keys.map((key) => key.rawKey)).size).toBe(500);
  expect(new Set(keys.map((key) => key.digest)).size).toBe(500);
});

describe("is no key", () => {
  test("each change of a single character to any other", async () => {
    const { rawKey } = await format.create();
    const changed: string[] = [];
    for (let at = 0; at < rawKey.length; at++) {
      for (const character of `${ALPHABET}_-é`) {
        if (character !== rawKey[at]) changed.push(rawKey.slice(0, at) + character + rawKey.slice(at + 1));
      }
    }
    const accepted = [];
    for (const text of changed) if ((await format.digest(text)) !== null) accepted.push(text);
    expect(accepted).toEqual([]);
    expect(changed.length).toBeGreaterThan(3_000);
  });

  test("each swap of two neighbours", async () => {
    const { rawKey } = await format.create();
    for (let at = 0; at + 1 < rawKey.length; at++) {
      const [a = "", b = ""] = rawKey.slice(at, at + 2);
      const swapped = rawKey.slice(0, at) + b + a + rawKey.slice(at + 2);
      if (a !== b) expect(await format.digest(swapped)).toBeNull();
    }
  });

  test.each<[string, (rawKey: string) => string]>([
    ["nothing", () => ""],
    ["a cut-off key", (rawKey) => rawKey.slice(0, -1)],
    ["a key with more behind it", (rawKey) => `${rawKey}0`],
    ["a key twice", (rawKey) => `${rawKey}, ${rawKey}`],
    ["a key after a space", (rawKey) => ` ${rawKey}`],
    ["a key before a line break", (rawKey) => `${rawKey.slice(0, -1)}\n`],
    ["a key with another prefix", (rawKey) => rawKey.replace("lk_live_", "lk_test_")],
    ["a key without a prefix", (rawKey) => rawKey.slice(8)],
    ["a key in capitals", (rawKey) => rawKey.toUpperCase()],
    ["a key of full-width digits", (rawKey) => rawKey.slice(0, 8) + "１".repeat(50)],
    ["a key of surrogates", (rawKey) => rawKey.slice(0, 8) + "\uD800".repeat(50)],
    ["a key with an unknown generation", (rawKey) => `${rawKey.slice(0, 51)}z${rawKey.slice(52)}`],
    ["a key of a million characters", (rawKey) => rawKey + "a".repeat(1_000_000)],
    ["a well-formed forgery", () => `lk_live_${"a".repeat(43)}baaaaaa`],
  ])("%s", async (_, change) => {
    const { rawKey } = await format.create();
    expect(await format.digest(change(rawKey))).toBeNull();
  });

  test("any text that was not created", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(RAW_KEY)), async (text) => {
        expect(await format.digest(text)).toBeNull();
      }),
    );
  });

  test("a key of another pepper under the same generation", async () => {
    const { rawKey } = await keyFormat("lk_live", peppers({ b: OLD }), secure).create();
    expect(rawKey).toMatch(RAW_KEY);
    expect(await format.digest(rawKey)).toBeNull();
  });
});

describe("several generations", () => {
  test("new keys get the newest pepper, the last of the map", async () => {
    const { rawKey } = await keyFormat("lk_live", peppers({ b: NEW, a: OLD }), secure).create();
    expect(rawKey.at(-7)).toBe("a");
  });

  test("a key of a retired generation is still known while its pepper is there", async () => {
    const before = keyFormat("lk_live", peppers({ a: OLD }), secure);
    const { rawKey, digest } = await before.create();
    expect(await format.digest(rawKey)).toBe(digest);
    expect(await keyFormat("lk_live", peppers({ b: NEW }), secure).digest(rawKey)).toBeNull();
  });

  test("a key moved to another generation is no key", async () => {
    const { rawKey } = await format.create();
    expect(await format.digest(`${rawKey.slice(0, 51)}a${rawKey.slice(52)}`)).toBeNull();
  });

  test("without a pepper no key is made", async () => {
    const create = () => keyFormat("lk_live", new Map(), secure).create();
    await expect(create()).rejects.toThrow("keyFormat: no pepper");
  });
});

test("another prefix makes keys of that prefix, and knows no others", async () => {
  const other = keyFormat("acme_test", peppers({ b: NEW }), secure);
  const { rawKey, keyPrefix } = await other.create();
  expect(rawKey).toMatch(/^acme_test_[0-9A-Za-z]{50}$/);
  expect(keyPrefix).toMatch(/^acme_test_[0-9A-Za-z]{5}$/);
  expect(await format.digest(rawKey)).toBeNull();
  expect(await other.digest((await format.create()).rawKey)).toBeNull();
});

test("tags are compared in constant time", async () => {
  const spy = vi.spyOn(crypto.subtle, "timingSafeEqual");
  const { rawKey } = await format.create();
  await format.digest(rawKey);
  expect(spy).toHaveBeenCalledTimes(1);
});

test("keys that are checked at the same time are not mixed up", async () => {
  const keys = await Promise.all(Array.from({ length: 100 }, () => format.create()));
  const wrong = keys.map(({ rawKey }, i) => rawKey.slice(0, -6) + keys.at(i - 1)?.rawKey.slice(-6));
  const checked = [...keys.map(({ rawKey }) => rawKey), ...wrong].map((rawKey) => format.digest(rawKey));
  expect(await Promise.all(checked)).toEqual([...keys.map(({ digest }) => digest), ...wrong.map(() => null)]);
});

describe("a key that begins with an accepted prefix", () => {
  const renamed = keyFormat("acme_live", peppers({ a: OLD, b: NEW }), secure, {
    accepted: ["lk_live", "old"],
  });

  test("is known, and new keys begin with the new prefix", async () => {
    const { rawKey, digest } = await format.create();
    expect(await renamed.digest(rawKey)).toBe(digest);
    const made = await renamed.create();
    expect(made.rawKey).toMatch(/^acme_live_/);
    expect(await renamed.digest(made.rawKey)).toBe(made.digest);
  });

  test("is not known with another prefix in its place", async () => {
    const { rawKey } = await format.create();
    for (const prefix of ["acme_live", "old", "lk_test"]) {
      expect(await renamed.digest(rawKey.replace("lk_live", prefix))).toBeNull();
    }
  });

  test("is not mixed up with one of another length that is checked at the same time", async () => {
    const short = keyFormat("old", peppers({ b: NEW }), secure);
    const keys = await Promise.all(
      Array.from({ length: 60 }, (_, i) => [format, short, renamed][i % 3]?.create() ?? format.create()),
    );
    const digests = await Promise.all(keys.map(({ rawKey }) => renamed.digest(rawKey)));
    expect(digests).toEqual(keys.map(({ digest }) => digest));
  });
});

describe("a generation without a pepper", () => {
  test("is told of with the first key of it, the tenth and so on, however often it is presented", async () => {
    const { rawKey } = await keyFormat("lk_live", peppers({ a: OLD }), secure).create();
    const missing: [string, number][] = [];
    const { digest } = keyFormat("lk_live", peppers({ b: NEW }), secure, {
      onMissingPepper: (...told) => missing.push(told),
    });
    for (let i = 0; i < 120; i++) expect(await digest(rawKey)).toBeNull();
    await digest("lk_live_x");
    await digest((await format.create()).rawKey);
    expect(missing).toEqual([
      ["a", 1],
      ["a", 10],
      ["a", 100],
    ]);
  });

  test("is not among those that can be checked", () => {
    expect(format.generations).toEqual(["a", "b"]);
  });

  test("is not that of a new key", async () => {
    expect((await format.create()).generation).toBe("b");
  });
});

describe("a key of another database", () => {
  const several = keyFormat("lk_live", peppers({ b: NEW }), secure, { databases: ["00", "01"] });

  test("says which one it is", async () => {
    const { rawKey, digest } = await several.create("01");
    expect(rawKey).toMatch(/^lk_live_[0-9A-Za-z]{41}01b[0-9A-Za-z]{6}$/);
    expect(several.database(rawKey)).toBe("01");
    expect(await several.digest(rawKey)).toBe(digest);
    expect(several.database((await several.create()).rawKey)).toBe("00");
  });

  test("moved to another one is no key", async () => {
    const { rawKey } = await several.create("01");
    expect(await several.digest(`${rawKey.slice(0, -9)}00${rawKey.slice(-7)}`)).toBeNull();
  });

  test("that is not there is no key, and told of with the first key of it, the tenth and so on", async () => {
    const missing: [string, number][] = [];
    const { digest } = keyFormat("lk_live", peppers({ b: NEW }), secure, {
      onMissingDatabase: (...told) => missing.push(told),
    });
    const { rawKey } = await several.create("01");
    for (let i = 0; i < 12; i++) expect(await digest(rawKey)).toBeNull();
    for (const other of ["lk_live_x", `${rawKey}0`, (await several.create()).rawKey]) await digest(other);
    expect(missing).toEqual([
      ["01", 1],
      ["01", 10],
    ]);
  });
});
