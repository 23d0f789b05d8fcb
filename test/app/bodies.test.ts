import { describe, expect, test, vi } from "vitest";
import { BODY_DEADLINE_MS } from "../../src/http/body.ts";
import { appWith, call, createKey, manage } from "../support/api.ts";
import { malformed, wrongShape } from "../support/bodies.ts";
import { brokenFields, expectError, stored } from "../support/expect.ts";
import { ask, bodyOf, pathOf, withBody } from "../support/routes.ts";

const KIB = 1024;

function streamOf(...chunks: (Uint8Array | Error)[]): ReadableStream {
  const left = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { value, done } = left.next();
      if (done) controller.close();
      else if (value instanceof Error) controller.error(value);
      else controller.enqueue(value);
    },
  });
}

describe.each(withBody)("$method $path", (route) => {
  test.each(malformed)("malformed JSON is 400 and changes nothing: %s", async (_, body) => {
    const key = await createKey();
    const before = await stored();
    const { message } = await expectError(await ask(route, key, { body }), "BAD_REQUEST");
    expect(message).toBe("Malformed JSON body");
    expect(await stored()).toEqual(before);
  });

  test.each(wrongShape)("JSON of a wrong shape is 422 and changes nothing: %s", async (_, body) => {
    const key = await createKey();
    const before = await stored();
    expect(await brokenFields(await ask(route, key, { body }))).not.toEqual({});
    expect(await stored()).toEqual(before);
  });

  test("a body that does not come in time is 400 and changes nothing", async () => {
    const key = await createKey();
    const before = await stored();
    const target = appWith({});
    await manage("/settings/scopes", { target }); // has fetched the issuer's keys
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const never = new ReadableStream({ pull: () => new Promise(() => {}) });
    const answer = ask(route, key, { body: never, target });
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0));
    await vi.advanceTimersByTimeAsync(BODY_DEADLINE_MS);
    expect((await expectError(await answer, "BAD_REQUEST")).message).toBe("The request body came too slowly");
    expect(await stored()).toEqual(before);
  });

  test("a body that is no object is told so", async () => {
    const answer = await ask(route, await createKey(), { body: "[]" });
    expect(await brokenFields(answer)).toEqual({ body: "must be a JSON object" });
  });

  test("a malformed body without a token is 401", async () => {
    const init = { method: route.method, headers: { "Content-Type": "application/json" }, body: "{" };
    await expectError(await call(pathOf(route, await createKey()), init), "UNAUTHORIZED");
  });

  test.each([
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonp",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/json, application/json",
    "application/json; charset=iso-8859-1",
    "application/json; charset=utf-16",
    "application/json; charset=utf-8; charset=utf-7",
    "application/json; boundary=x",
    "application/json;",
    "json",
    "*/*",
    "",
  ])("a body of media type %j is 415 and changes nothing", async (type) => {
    const key = await createKey();
    const before = await stored();
    const answer = await ask(route, key, { headers: { "Content-Type": type } });
    await expectError(answer, "UNSUPPORTED_MEDIA_TYPE");
    expect(await stored()).toEqual(before);
  });

  test.each([
    "application/json",
    "APPLICATION/JSON",
    "application/json;charset=UTF-8",
    'application/json ; charset="utf-8"',
  ])("a body of media type %j is read", async (type) => {
    const answer = await ask(route, await createKey(), { headers: { "Content-Type": type } });
    expect(answer.status).toBe(route.success);
    expect(await answer.json()).toEqual(expect.any(Object));
  });

  const { maxKib = 16 } = route;

  test(`a body of ${maxKib} KiB is read, one of a byte more is 413`, async () => {
    const key = await createKey();
    const text = String(bodyOf(route, key));
    const padded = (size: number) => text + " ".repeat(size - text.length);
    expect((await ask(route, key, { body: padded(maxKib * KIB) })).status).toBe(route.success);
    await expectError(await ask(route, key, { body: padded(maxKib * KIB + 1) }), "PAYLOAD_TOO_LARGE");
  });

  test.each([
    ["of 10 MB", "x".repeat(10_000_000)],
    ["of 10 MB, nested", "[".repeat(10_000_000)],
    ["of very many scopes", JSON.stringify({ label: "x", scopes: Array(100 * maxKib).fill("jobs:read") })],
    ["of unknown length", streamOf(...Array<Uint8Array>(maxKib + 4).fill(new Uint8Array(KIB).fill(0x20)))],
  ])("a body %s is 413 and changes nothing", async (_, body) => {
    const key = await createKey();
    const before = await stored();
    await expectError(await ask(route, key, { body }), "PAYLOAD_TOO_LARGE");
    expect(await stored()).toEqual(before);
  });

  test("a body of unknown length is read", async () => {
    const key = await createKey();
    const bytes = new TextEncoder().encode(bodyOf(route, key));
    const body = streamOf(...[...bytes].map((byte) => Uint8Array.of(byte)));
    expect((await ask(route, key, { body })).status).toBe(route.success);
  });

  test("a body that is cut off is 400 and changes nothing", async () => {
    const key = await createKey();
    const before = await stored();
    const whole = new TextEncoder().encode(bodyOf(route, key));
    for (const sent of [whole.slice(0, 5), whole]) {
      const body = streamOf(sent, new Error("cut off"));
      const answer = await ask(route, key, { body, target: appWith({}) });
      expect((await expectError(answer, "BAD_REQUEST")).message).toBe("Malformed JSON body");
    }
    expect(await stored()).toEqual(before);
  });

  test("no body at all is taken for an empty object", async () => {
    const key = await createKey();
    const { body: _, ...bodiless } = route;
    expect((await ask(bodiless, key)).status).toBe(route.bodiless);
  });

  test("a byte order mark before the JSON is skipped", async () => {
    const key = await createKey();
    const answer = await ask(route, key, { body: `\uFEFF${bodyOf(route, key)}` });
    expect(answer.status).toBe(route.success);
  });

  test("a form in place of JSON never carries a credential", async () => {
    const body = new URLSearchParams({ access_token: "x", label: "x" }).toString();
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const path = pathOf(route, await createKey());
    await expectError(await call(path, { method: route.method, headers, body }), "UNAUTHORIZED");
  });
});
