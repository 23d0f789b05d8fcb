import { expect, test, vi } from "vitest";
import { signedTexts } from "../../src/verify/signed.ts";

const PEPPERS = new Map([
  ["a", "a retired pepper of 32 characters or more"],
  ["b", "the newest pepper, of 32 characters or more"],
]);

/** Texts that isolates of this database share, and what of them reaches the cache. */
async function shared(database: string, peppers = PEPPERS) {
  const cache = await caches.open("latchkey");
  const texts = signedTexts(database, peppers);
  /** The URL under which the text of this name is kept, and how it is kept. */
  async function written(name: string, text: string, seconds = 60) {
    const put = vi.spyOn(Cache.prototype, "put");
    await texts.put(name, text, seconds);
    const [url, response] = put.mock.lastCall ?? expect.fail("nothing was written");
    put.mockRestore();
    const bytes = await (await cache.match(url))?.bytes();
    return { url: String(url), bytes: bytes ?? expect.fail("nothing is kept"), headers: response.headers };
  }
  const overwrite = (url: string, body: BodyInit) =>
    cache.put(url, new Response(body, { headers: { "Cache-Control": "max-age=60" } }));
  return { ...texts, written, overwrite };
}

test("what one isolate has written another one reads", async () => {
  await signedTexts("t1", PEPPERS).put("feed", "changes: ä", 60);
  expect(await signedTexts("t1", PEPPERS).get("feed")).toBe("changes: ä");
});

test("where nothing was written under a name there is no text", async () => {
  const { put, get } = signedTexts("t2", PEPPERS);
  await put("feed", "changes", 60);
  expect(await get("record")).toBeNull();
});

test("each name has a text of its own, and the last one that was written", async () => {
  const { put, get } = signedTexts("t9", PEPPERS);
  for (const text of ["one", "two"]) await put("feed", text, 60);
  await put("record", "three", 60);
  expect([await get("feed"), await get("record")]).toEqual(["two", "three"]);
});

test("a text of another database is none", async () => {
  const [one, other] = [await shared("t3"), await shared("t4")];
  const { bytes } = await one.written("feed", "changes");
  const { url } = await other.written("feed", "changes");
  await other.overwrite(url, bytes);
  expect(await other.get("feed")).toBeNull();
  expect(await one.get("feed")).toBe("changes");
});

test("a text of another name is none, though its bytes are copied", async () => {
  const { get, written, overwrite } = await shared("t10");
  const [one, other] = [await written("record one", "good"), await written("record other", "bad")];
  await overwrite(other.url, one.bytes);
  expect(await get("record other")).toBeNull();
  await overwrite(one.url, one.bytes);
  expect(await get("record one")).toBe("good");
});

test("a text under another pepper is none", async () => {
  await signedTexts("t5", new Map([["a", "another pepper, of 32 characters or more"]])).put(
    "feed",
    "changes",
    60,
  );
  expect(await signedTexts("t5", PEPPERS).get("feed")).toBeNull();
});

test("no name is in a URL, so that no log of URLs holds a digest", async () => {
  const digest = "S1gIFRcVW0bHjJ6MBOAdn5VZ2JQ4wR0Yb4cUyV7WxkE";
  const { url } = await (await shared("t12")).written(`record ${digest}`, "good");
  expect(url).toMatch(/^https:\/\/latchkey\.invalid\/t12\/[\w-]{43}$/);
  expect(url).not.toContain(digest);
  expect(url).not.toContain("record");
});

test.each([1, 3_600])("a text is kept for the %i seconds that were asked for", async (seconds) => {
  const { headers } = await (await shared("t13")).written("record", "good", seconds);
  expect(headers.get("Cache-Control")).toBe(`max-age=${seconds}`);
});

test.each<[string, (signed: Uint8Array) => BodyInit]>([
  ["whose last byte was changed", (signed) => signed.slice().fill(0, -1)],
  ["whose signature was changed", (signed) => signed.slice().fill((signed[0] ?? 0) ^ 1, 0, 1)],
  ["that was cut off", (signed) => signed.slice(0, -1)],
  ["that is shorter than a signature", () => "short"],
  ["that is empty", () => ""],
  ["without a signature", (signed) => signed.slice(32)],
  ["that is longer than any that is written", (signed) => new Blob([signed, new Uint8Array(200_000)])],
])("a text %s is none", async (_, change) => {
  const { get, written, overwrite } = await shared("t6");
  const { url, bytes } = await written("feed", "changes");
  await overwrite(url, await new Response(change(bytes)).bytes());
  expect(await get("feed")).toBeNull();
});

test("of a body that is too long the rest is not read", async () => {
  let pulled = 0;
  const long = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(50_000));
      if (++pulled === 100) controller.close();
    },
  });
  const match = async () => new Response(long);
  vi.spyOn(caches, "open").mockResolvedValue({ match } as unknown as Cache);
  expect(await signedTexts("t7", PEPPERS).get("feed")).toBeNull();
  expect(pulled).toBeLessThan(10);
});

test("a cache that fails is told of: whoever asks decides", async () => {
  vi.spyOn(caches, "open").mockRejectedValue(new Error("no cache"));
  await expect(signedTexts("t8", PEPPERS).get("feed")).rejects.toThrow("no cache");
  await expect(signedTexts("t8", PEPPERS).put("feed", "changes", 60)).rejects.toThrow("no cache");
});
