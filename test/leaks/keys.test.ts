import { beforeEach, expect, test, vi } from "vitest";
import type { ApiError, ErrorCode } from "../../src/http/errors.ts";
import { COOLDOWN_MS, MAX_AGE_MS, reporterKeys } from "../../src/leaks/keys.ts";
import { RETRY_MS } from "../../src/lib/remote.ts";
import type { Answer } from "../support/answer.ts";
import { logged } from "../support/expect.ts";
import { P256 } from "../support/jws.ts";
import { published, reporterPair } from "../support/report.ts";
import { behind, scenario } from "../support/scenario.ts";

const ES256 = { name: "ECDSA", hash: "SHA-256" };
const YEAR_MS = 365 * 86_400_000;
const UNKNOWN = "unknown";
const UNAVAILABLE: ErrorCode = "UNAVAILABLE";

let now: number;
let one: Awaited<ReturnType<typeof reporterPair>>;
let two: typeof one;

beforeEach(async () => {
  now = 1_800_000_000_000;
  one = await reporterPair("one");
  two = await reporterPair("two");
});

/** The view of a reporter whose URL answers `first`. */
async function reporter(first: Answer) {
  const server = await scenario(first);
  const { background, settled } = behind();
  const keys = reporterKeys({ url: `${server.url}/keys`, now: () => now, background });
  return {
    ...server,
    settled,
    fetches: async () => (await server.asked()).length,
    /** Whose signature is checked under this identifier: `one` or `two`; or what went wrong. */
    async keyOf(identifier: string): Promise<string | undefined> {
      const key = await keys(identifier).catch((error: ApiError) => error.code);
      if (typeof key !== "object") return key ?? UNKNOWN;
      for (const [name, pair] of Object.entries({ one, two })) {
        const signature = await crypto.subtle.sign(ES256, pair.key, new Uint8Array());
        if (await crypto.subtle.verify(ES256, key, signature, new Uint8Array())) return name;
      }
      return undefined;
    },
  };
}

test("the keys are fetched once, not for each report", async () => {
  const { keyOf, fetches } = await reporter(published(one.published, two.published));
  for (let i = 0; i < 5; i++) expect(await keyOf("one")).toBe("one");
  now += MAX_AGE_MS - 1;
  expect(await keyOf("two")).toBe("two");
  expect(await fetches()).toBe(1);
});

test("a key that is not the current one is known as well: the identifier tells", async () => {
  const { keyOf } = await reporter(published({ ...one.published, is_current: false }, two.published));
  expect(await keyOf("one")).toBe("one");
});

test("GitHub is told who asks: it refuses requests without a User-Agent", async () => {
  const { keyOf } = await reporter(published(one.published));
  const fetched = vi.spyOn(globalThis, "fetch");
  await keyOf("one");
  expect(fetched.mock.calls.map(([, init]) => new Headers(init?.headers).get("User-Agent"))).toEqual([
    "latchkey",
  ]);
});

test("unknown identifiers cause one fetch a cool-down", async () => {
  const { keyOf, fetches } = await reporter(published(one.published));
  await keyOf("one");
  for (let round = 1; round <= 3; round++) {
    now += COOLDOWN_MS - 1;
    expect(await keyOf("two")).toBe(UNKNOWN);
    expect(await fetches()).toBe(round);
    now += 1;
    for (let i = 0; i < 10; i++) expect(await keyOf(`unknown ${i}`)).toBe(UNKNOWN);
    expect(await fetches()).toBe(round + 1);
  }
});

test("unknown identifiers cause one fetch a cool-down also while it fails, and known keys go on", async () => {
  const { keyOf, fetches, answer } = await reporter(published(one.published));
  await keyOf("one");
  await answer({ status: 500 });
  for (let round = 1; round <= 3; round++) {
    now += COOLDOWN_MS;
    for (let i = 0; i < 10; i++) expect(await keyOf(`unknown ${i}`)).toBe(UNKNOWN);
    expect(await keyOf("one")).toBe("one");
    expect(await fetches()).toBe(round + 1);
  }
});

test("a new key works at once, or a cool-down after the last fetch", async () => {
  const { keyOf, answer } = await reporter(published(one.published));
  await keyOf("one");
  await answer(published(one.published, two.published));
  now += COOLDOWN_MS - 1;
  expect(await keyOf("two")).toBe(UNKNOWN);
  now += 1;
  expect(await keyOf("two")).toBe("two");
});

test("a withdrawn key stops within an hour, with the fetch behind the next answer", async () => {
  const { keyOf, answer, settled } = await reporter(published(one.published, two.published));
  await keyOf("one");
  await answer(published(two.published));
  now += MAX_AGE_MS - 1;
  expect(await keyOf("one")).toBe("one");
  now += 1;
  expect(await keyOf("one")).toBe("one");
  await settled();
  expect(await keyOf("one")).toBe(UNKNOWN);
});

test("reports that come at once and find no keys yet make one fetch, and all are served", async () => {
  const { keyOf, fetches } = await reporter({ ...published(one.published), delayMs: 100 });
  const found = await Promise.all(Array.from({ length: 20 }, () => keyOf("one")));
  expect(new Set(found)).toEqual(new Set(["one"]));
  expect(await fetches()).toBe(1);
});

test("without a key set a failing URL is asked once in 5 s, and nobody can be judged", async () => {
  const { keyOf, fetches, answer } = await reporter({ status: 503 });
  for (let i = 0; i < 5; i++) expect(await keyOf("one")).toBe(UNAVAILABLE);
  now += RETRY_MS - 1;
  expect(await keyOf("one")).toBe(UNAVAILABLE);
  expect(await fetches()).toBe(1);
  await answer(published(one.published));
  now += 1;
  expect(await keyOf("one")).toBe("one");
});

const failures: [string, () => Answer | Promise<Answer>][] = [
  ["is not there", () => ({ status: 404 })],
  ["limits the rate", () => ({ status: 403, headers: { "Retry-After": "60" } })],
  ["answers 500 with keys", () => ({ ...published(two.published), status: 500 })],
  ["redirects", () => ({ status: 302, headers: { Location: "/scenarios/elsewhere/keys" } })],
  ["answers HTML", () => ({ body: "<!doctype html>" })],
  ["answers nothing", () => ({ body: "" })],
  ["answers null", () => ({ body: "null" })],
  ["answers a list", () => ({ body: JSON.stringify([two.published]) })],
  ["answers no keys", () => published()],
  ["answers keys that are no objects", () => published(null, 1, "two", [])],
  ["answers a key without an identifier", () => published({ key: two.published.key })],
  ["answers an identifier that is no text", () => published({ ...two.published, key_identifier: 2 })],
  ["answers a key without a key", () => published({ key_identifier: "two" })],
  ["answers no PEM", () => published({ ...two.published, key: "two" })],
  ["answers PEM of nothing", () => published({ ...two.published, key: pem("") })],
  ["answers PEM of garbage", () => published({ ...two.published, key: pem("AAAA") })],
  ["answers a key of P-384", async () => published(await other({ ...P256, namedCurve: "P-384" }))],
  ["answers an RSA key", async () => published(await other(RSA))],
];
const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
};
const pem = (base64: string) => `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----`;
const other = async (algorithm: object) => (await reporterPair("two", algorithm)).published;

test.each(failures)("a URL that %s leaves the last good key set as it is", async (_, failure) => {
  const { keyOf, answer, fetches } = await reporter(published(one.published));
  await keyOf("one");
  await answer(await failure());
  now += MAX_AGE_MS;
  expect(await keyOf("one")).toBe("one");
  expect(await keyOf("two")).toBe(UNKNOWN);
  expect(await fetches()).toBe(2);
});

test.each(failures)("a URL that %s from the start opens nothing", async (_, failure) => {
  const log = logged();
  const { keyOf } = await reporter(await failure());
  expect(await keyOf("two")).toBe(UNAVAILABLE);
  expect(log).toEqual([expect.stringContaining('"event":"leak_report_keys_fetch_failed"')]);
});

test("the last good key set goes on without limit while the URL fails", async () => {
  const { keyOf, answer } = await reporter(published(one.published));
  await keyOf("one");
  await answer({ status: 500 });
  now += YEAR_MS;
  expect(await keyOf("one")).toBe("one");
});

test("one bad key does not spoil the good ones beside it", async () => {
  const { keyOf } = await reporter(published({ ...two.published, key: "two" }, null, one.published));
  expect(await keyOf("one")).toBe("one");
  expect(await keyOf("two")).toBe(UNKNOWN);
});
