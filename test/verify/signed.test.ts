import { expect, test, vi } from "vitest";
import { signedText } from "../../src/verify/signed.ts";

const PEPPERS = new Map([
  ["a", "a retired pepper of 32 characters or more"],
  ["b", "the newest pepper, of 32 characters or more"],
]);

/** Where the text of a database is kept, to write past whoever signs. */
async function written(database: string) {
  const cache = await caches.open("latchkey");
  const url = `https://latchkey.invalid/feed/${database}`;
  const put = (body: BodyInit) =>
    cache.put(url, new Response(body, { headers: { "Cache-Control": "max-age=60" } }));
  return { put, bytes: async () => (await cache.match(url))?.bytes() ?? new Uint8Array() };
}

test("what one isolate has written another one reads", async () => {
  await signedText("t1", PEPPERS).put("changes: ä");
  expect(await signedText("t1", PEPPERS).get()).toBe("changes: ä");
});

test("where nothing was written there is no text", async () => {
  expect(await signedText("t2", PEPPERS).get()).toBeNull();
});

test("a text of another database is none", async () => {
  await signedText("t3", PEPPERS).put("changes");
  await (await written("t4")).put(await (await written("t3")).bytes());
  expect(await signedText("t4", PEPPERS).get()).toBeNull();
});

test("a text under another pepper is none", async () => {
  await signedText("t5", new Map([["a", "another pepper, of 32 characters or more"]])).put("changes");
  expect(await signedText("t5", PEPPERS).get()).toBeNull();
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
  const { put, bytes } = await written("t6");
  await signedText("t6", PEPPERS).put("changes");
  await put(await new Response(change(await bytes())).bytes());
  expect(await signedText("t6", PEPPERS).get()).toBeNull();
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
  expect(await signedText("t7", PEPPERS).get()).toBeNull();
  expect(pulled).toBeLessThan(10);
});

test("a cache that fails is told of: whoever asks decides", async () => {
  vi.spyOn(caches, "open").mockRejectedValue(new Error("no cache"));
  await expect(signedText("t8", PEPPERS).get()).rejects.toThrow("no cache");
  await expect(signedText("t8", PEPPERS).put("changes")).rejects.toThrow("no cache");
});
