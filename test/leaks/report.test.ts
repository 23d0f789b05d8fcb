import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ShownEvent } from "../../src/audit/schema.ts";
import { BODY_DEADLINE_MS } from "../../src/http/body.ts";
import { keyFormat } from "../../src/keys/format.ts";
import type { ApiKey } from "../../src/keys/schema.ts";
import { appWith, type CreatedKey, call, createKey, manage, ORIGIN } from "../support/api.ts";
import { malformed } from "../support/bodies.ts";
import { hooked } from "../support/d1.ts";
import { brokenFields, expectError, logged, stored } from "../support/expect.ts";
import { keyPair } from "../support/jws.ts";
import { published, REPORTS, reporter, reporterPair, signed } from "../support/report.ts";
import { BOUND_MS, isolate } from "../support/verifier.ts";

const MIB = 1024 * 1024;
const LOST = "D1_ERROR: Network connection lost.";
const URL_FOUND = "https://github.com/octocat/Hello-World/blob/1234/foo.txt";
const match = (token: string, more: Record<string, unknown> = {}) => ({
  token,
  type: "latchkey_api_key",
  url: URL_FOUND,
  source: "content",
  ...more,
});

let key: CreatedKey;

beforeEach(async () => {
  key = await createKey();
});

const get = async (id: string, company?: string) =>
  (await manage(`/settings/api-keys/${id}`, { company })).json<ApiKey>();
const revocations = async (company?: string) =>
  (await manage("/settings/events?action=revoke", { company })).json<ShownEvent[]>();
const labels = async (answer: Response) =>
  (await answer.json<{ label: string }[]>()).map(({ label }) => label);
async function sha256(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toBase64();
}
/** The same key with another last character. */
const mistyped = (token: string) => token.slice(0, -1) + (token.endsWith("a") ? "b" : "a");

describe("a genuine key that is reported", () => {
  test("is revoked: whoever presents it is told so", async () => {
    const { report } = await reporter();
    expect((await report([match(key.rawKey)])).status).toBe(200);
    expect(await get(key.id)).toMatchObject({ active: false, revokedAt: expect.any(String) });
    const answer = await call("/public/v1/key", { headers: { "X-API-Key": key.rawKey } });
    await expectError(answer, "KEY_REVOKED");
  });

  test("is answered as a true positive, by its SHA-256", async () => {
    const { report } = await reporter();
    const answer = await report([match(key.rawKey)]);
    expect(answer.headers.get("Content-Type")).toBe("application/json; charset=utf-8");
    expect(await answer.json()).toEqual([
      { token_hash: await sha256(key.rawKey), token_type: "latchkey_api_key", label: "true_positive" },
    ]);
  });

  test("is recorded with the reason, where it was found, and whose signature said so", async () => {
    const { report, url } = await reporter();
    await report([match(key.rawKey)]);
    const { revokedAt } = await get(key.id);
    expect(await revocations()).toEqual([
      {
        id: expect.any(String),
        action: "revoke",
        keyId: key.id,
        actor: { issuer: url, subject: "current" },
        at: revokedAt,
        detail: { reason: "leaked", source: "content", url: URL_FOUND },
      },
    ]);
  });

  test.each([
    ["no source", { source: undefined }, { url: URL_FOUND }],
    ["an empty source", { source: "" }, { url: URL_FOUND }],
    ["an empty URL", { url: "" }, { source: "content", url: "" }],
    [
      "what SQL and JSON write otherwise",
      { url: "'\"\\\u0000\u{1F511}\uD800" },
      { source: "content", url: "'\"\\\u0000\u{1F511}\uD800" },
    ],
  ])("is recorded also with %s", async (_, more, detail) => {
    const { report } = await reporter();
    await report([match(key.rawKey, more)]);
    expect((await revocations()).map((event) => event.detail)).toEqual([{ reason: "leaked", ...detail }]);
  });

  test("is not written down again where its URL holds it", async () => {
    const { report } = await reporter();
    await report([match(key.rawKey, { url: `https://x.example/${key.rawKey}?k=${key.rawKey}` })]);
    expect((await revocations())[0]?.detail?.url).toBe("https://x.example/***?k=***");
    expect(JSON.stringify(await stored())).not.toContain(key.rawKey);
  });

  test("is known to isolates that hold it within the bound, by the change feed", async () => {
    const { clock, verify, settle } = isolate();
    expect((await verify(key.rawKey)).valid).toBe(true);
    await settle();
    const { report } = await reporter();
    await report([match(key.rawKey)]);
    clock.now += BOUND_MS;
    expect(await verify(key.rawKey)).toMatchObject({ valid: false, error: "KEY_REVOKED" });
  });

  test("is revoked once by several reports of it, with the first one's URL", async () => {
    const { report } = await reporter();
    const answer = await report([match(key.rawKey, { url: "first" }), match(key.rawKey, { url: "second" })]);
    expect(await labels(answer)).toEqual(["true_positive", "true_positive"]);
    expect((await revocations()).map((event) => event.detail?.url)).toEqual(["first"]);
  });

  test("is revoked once by a replay, which is answered alike", async () => {
    const { target, headers } = await reporter();
    const body = JSON.stringify([match(key.rawKey)]);
    const init = { method: "POST", headers: await headers(body), body };
    const first = await (await call(REPORTS, init, target)).json();
    const before = await stored();
    expect(await (await call(REPORTS, init, target)).json()).toEqual(first);
    expect(await stored()).toEqual(before);
  });

  test("keeps the time of its revocation where it was revoked before, and is a true positive", async () => {
    await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
    const before = await stored();
    const { report } = await reporter();
    expect(await labels(await report([match(key.rawKey)]))).toEqual(["true_positive"]);
    expect(await stored()).toEqual(before);
  });

  test("is revoked also where it has expired", async () => {
    await env.DB.prepare("UPDATE api_keys SET expires_at = 1").run();
    const { report } = await reporter();
    expect(await labels(await report([match(key.rawKey)]))).toEqual(["true_positive"]);
    expect((await get(key.id)).revokedAt).not.toBeNull();
  });

  test("takes no other key along", async () => {
    const { id } = await createKey();
    const { report } = await reporter();
    await report([match(key.rawKey)]);
    expect((await get(id)).active).toBe(true);
    expect(await revocations()).toHaveLength(1);
  });
});

describe("what a reporter says of where a key was found", () => {
  const detailOf = async (more: Record<string, unknown>) => {
    const { report } = await reporter();
    await report([match(key.rawKey, more)]);
    return (await revocations())[0]?.detail;
  };

  test("is kept without another company's key, however that is written", async () => {
    const theirs = (await createKey({}, { company: "globex" })).rawKey;
    const url = `https://x.example/?a=${theirs}&b=${theirs.replaceAll("_", "%5F")}#${key.rawKey}`;
    expect(await detailOf({ url, source: theirs })).toEqual({
      reason: "leaked",
      source: "***",
      url: "https://x.example/?a=***&b=***#***",
    });
    expect(JSON.stringify(await stored())).not.toContain(theirs.slice(13));
  });

  test("is answered without a key, where its type holds one", async () => {
    const { report } = await reporter();
    const answer = await report([match(key.rawKey, { type: `key ${key.rawKey}` })]);
    expect(await answer.json()).toMatchObject([{ label: "true_positive", token_type: "key ***" }]);
  });

  test("is kept up to a length", async () => {
    const detail = await detailOf({ url: `https://x.example/${"a".repeat(5_000)}`, source: "s".repeat(500) });
    expect([detail?.url?.length, detail?.source?.length]).toEqual([2_000, 100]);
  });
});

test("keys of several companies in one report are each revoked and recorded in their own", async () => {
  const theirs = await createKey({}, { company: "globex" });
  const { report } = await reporter();
  const answer = await report([match(theirs.rawKey, { url: "theirs" }), match(key.rawKey, { url: "ours" })]);
  expect(await labels(answer)).toEqual(["true_positive", "true_positive"]);
  expect((await get(theirs.id, "globex")).active).toBe(false);
  const events = [...(await revocations()), ...(await revocations("globex"))];
  expect(events.map(({ keyId, detail }) => [keyId, detail?.url])).toEqual([
    [key.id, "ours"],
    [theirs.id, "theirs"],
  ]);
});

describe("a false positive is", () => {
  test("a key whose tag is wrong, and what is no key at all, without the database", async () => {
    const trips: string[][] = [];
    const { report } = await reporter({ DB: hooked(env.DB, (sql) => void trips.push(sql)) });
    const tokens = [mistyped(key.rawKey), key.rawKey.slice(1), `${key.rawKey}a`, "some_token", ""];
    expect(await (await report(tokens.map((token) => match(token)))).json()).toEqual(
      await Promise.all(
        tokens.map(async (token) => ({
          token_hash: await sha256(token),
          token_type: "latchkey_api_key",
          label: "false_positive",
        })),
      ),
    );
    expect(trips).toEqual([]);
    expect((await get(key.id)).active).toBe(true);
  });

  test("a key with the right tag that the database does not have", async () => {
    await env.DB.prepare("DELETE FROM api_keys").run();
    const { report } = await reporter();
    expect(await labels(await report([match(key.rawKey)]))).toEqual(["false_positive"]);
  });

  test("told apart from a genuine key in the same report, in its order", async () => {
    const { report } = await reporter();
    const answer = await report([match("x"), match(key.rawKey), match(mistyped(key.rawKey))]);
    expect(await labels(answer)).toEqual(["false_positive", "true_positive", "false_positive"]);
  });
});

test("5,000 genuine keys in matches of real size are all revoked, by parameters that D1 takes", async () => {
  const format = keyFormat("lk_live", new Map(Object.entries(JSON.parse(env.KEY_PEPPERS))), (bytes) =>
    crypto.getRandomValues(bytes),
  );
  const made = await Promise.all(Array.from({ length: 5_000 }, () => format.create()));
  await env.DB.prepare(
    `INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at)
     SELECT 'id-' || key, 'acme', 'x', 'x', value, '[]', 0 FROM json_each(?)`,
  )
    .bind(JSON.stringify(made.map(({ digest }) => digest)))
    .run();
  const sizes: number[] = [];
  const bind = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get(target, name) {
        if (name !== "bind") return Reflect.get(target, name).bind(target);
        return (...values: unknown[]) => {
          sizes.push(...values.map((value) => new TextEncoder().encode(String(value)).length));
          return target.bind(...values);
        };
      },
    });
  const withSession = (start: D1SessionConstraint) => {
    const session = env.DB.withSession(start);
    const prepare = (sql: string) => bind(session.prepare(sql));
    return { prepare, batch: (statements: D1PreparedStatement[]) => session.batch(statements) };
  };
  const { report } = await reporter({ DB: Object.assign(Object.create(env.DB), { withSession }) });
  const url = "https://github.com/octocat/Hello-World/blob/6dcb09b5b57875f334f6/config.json";
  const answer = await report(made.map(({ rawKey }) => match(rawKey, { url })));
  expect(new Set(await labels(answer))).toEqual(new Set(["true_positive"]));
  expect(
    await env.DB.prepare("SELECT count(*) AS n FROM audit_events WHERE action = 'revoke'").first("n"),
  ).toBe(5_000);
  expect(Math.max(...sizes)).toBeLessThan(2_000_000);
});

describe("the database", () => {
  test("is asked once for a report of many keys, in three statements", async () => {
    const keys: CreatedKey[] = [];
    while (keys.length < 120)
      keys.push(...(await Promise.all(Array.from({ length: 20 }, () => createKey()))));
    const trips: string[][] = [];
    const { report } = await reporter({ DB: hooked(env.DB, (sql) => void trips.push(sql)) });
    const answer = await report(keys.map(({ rawKey }) => match(rawKey)));
    expect(new Set(await labels(answer))).toEqual(new Set(["true_positive"]));
    expect(trips[0]).toHaveLength(3);
    expect(trips.length).toBeLessThanOrEqual(2); // and what this isolate asks to know of it at once
    const { revoked } =
      (await env.DB.prepare(
        "SELECT count(*) AS revoked FROM audit_events JOIN api_keys ON api_keys.id = key_id AND revoked_at = at WHERE action = 'revoke'",
      ).first()) ?? {};
    expect(revoked).toBe(keys.length);
  });

  test("looks each key up by its digest: no table is scanned", async () => {
    const trips: string[][] = [];
    const { report } = await reporter({ DB: hooked(env.DB, (sql) => void trips.push(sql)) });
    await report([match(key.rawKey)]);
    for (const sql of trips.flat()) {
      const values = Array(sql.split("?").length - 1).fill("[]");
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...values)
        .all<{ detail: string }>();
      const steps = results.map(({ detail }) => detail).filter((detail) => detail.includes("api_keys"));
      expect(steps).toEqual([
        expect.stringMatching(/^SEARCH api_keys USING (COVERING )?INDEX api_keys_digest/),
      ]);
    }
  });

  test("whose answer is lost has revoked and recorded once", async () => {
    let losses = 1;
    const lose = () => {
      if (losses-- > 0) throw new Error(LOST);
    };
    const { report } = await reporter({ DB: hooked(env.DB, () => {}, lose) });
    expect(await labels(await report([match(key.rawKey)]))).toEqual(["true_positive"]);
    expect(losses).toBeLessThan(0);
    expect(await revocations()).toHaveLength(1);
  });

  test("that fails half-way has neither revoked nor recorded, and the report is 500", async () => {
    await env.DB.prepare(
      "CREATE TRIGGER broken BEFORE UPDATE ON api_keys BEGIN SELECT RAISE(ABORT, 'broken'); END",
    ).run();
    const before = await stored();
    logged();
    const { report } = await reporter();
    await expectError(await report([match(key.rawKey)]), "INTERNAL_ERROR", REPORTS);
    expect(await stored()).toEqual(before);
  });
});

describe("a report is refused with 401, logged without a token, and changes nothing", () => {
  /** What is sent in place of a good report. */
  type Forgery = (body: string, good: Record<string, string>) => Promise<Record<string, string>>;
  const signature = (change: (der: Uint8Array<ArrayBuffer>) => Uint8Array | string): Forgery => {
    return async (_, good) => {
      const changed = change(Uint8Array.fromBase64(good["Github-Public-Key-Signature"] ?? ""));
      const text = typeof changed === "string" ? changed : changed.toBase64();
      return { ...good, "Github-Public-Key-Signature": text };
    };
  };
  const forgeries: [string, Forgery][] = [
    ["without headers", async () => ({})],
    ["without an identifier", async (_, { "Github-Public-Key-Identifier": __, ...rest }) => rest],
    ["without a signature", async (_, { "Github-Public-Key-Signature": __, ...rest }) => rest],
    ["with an empty signature", signature(() => "")],
    ["with an unknown identifier", async (_, good) => ({ ...good, "Github-Public-Key-Identifier": "other" })],
    [
      "with two identifiers",
      async (_, good) => ({ ...good, "Github-Public-Key-Identifier": "current, current" }),
    ],
    ["with another key's signature", async (body) => signed("current", (await keyPair()).key, body)],
    ["with the signature of another body", async (body, _) => signed("current", own, `${body} `)],
    [
      "with a changed signature",
      signature((der) => der.map((byte, i) => (i === der.length - 1 ? byte ^ 1 : byte))),
    ],
    ["with bytes after the signature", signature((der) => Uint8Array.of(...der, 0))],
    ["with a signature of zeros", signature(() => Uint8Array.fromHex("3006020100020100"))],
    ["with a raw signature", signature(() => new Uint8Array(64).fill(1))],
    ["with a signature that is no base64", signature(() => "%%%")],
  ];
  let own: CryptoKey;

  test.each(forgeries)("%s", async (_, forge) => {
    const { target, headers, key: signer } = await reporter();
    own = signer;
    const body = JSON.stringify([match(key.rawKey)]);
    const before = await stored();
    const forged = { "Content-Type": "application/json", ...(await forge(body, await headers(body))) };
    const log = logged();
    const answer = await call(REPORTS, { method: "POST", headers: forged, body }, target);
    const { message } = await expectError(answer, "UNAUTHORIZED", REPORTS);
    expect(message).toBe("Invalid or missing signature");
    expect(answer.headers.get("WWW-Authenticate")).toBe('GitHub-Signature realm="latchkey"');
    expect(log).toEqual([expect.stringContaining('"event":"request_refused"')]);
    expect(log.join()).not.toContain(key.rawKey);
    expect(await stored()).toEqual(before);
  });

  test("before its body is parsed: a malformed one without a good signature is 401", async () => {
    const { report } = await reporter();
    const wrong = { "Github-Public-Key-Signature": "MAYCAQECAQE=" };
    for (const body of ["{", Uint8Array.of(0xff), "null"]) {
      await expectError(await report(body, wrong), "UNAUTHORIZED");
    }
    await expectError(await report("[]", { ...wrong, "Content-Type": "text/plain" }), "UNAUTHORIZED");
  });
});

describe("a signed report", () => {
  test.each(malformed)("that is malformed is 400: %s", async (_, body) => {
    const { report } = await reporter();
    const bytes = typeof body === "string" ? body : Uint8Array.from(body);
    expect((await expectError(await report(bytes), "BAD_REQUEST")).message).toBe("Malformed JSON body");
  });

  test.each([
    ["null", null],
    ["an object", match("x")],
    ["a text", '"x"'],
  ])("that is no list is 422: %s", async (_, body) => {
    const { report } = await reporter();
    expect(await brokenFields(await report(body))).toEqual({ body: "must be a JSON array" });
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["a text", "x"],
    ["a list", []],
    ["no token", match("x", { token: undefined })],
    ["a token that is no text", match("x", { token: 1 })],
  ])(
    "of which an entry is %s: that one is passed over, the others count, and the log tells",
    async (_, odd) => {
      const { report } = await reporter();
      const lines = logged();
      expect(await labels(await report([odd, match(key.rawKey), odd]))).toEqual(["true_positive"]);
      expect((await get(key.id)).active).toBe(false);
      expect(lines).toEqual(['{"event":"leak_report_odd_entries","entries":2}']);
    },
  );

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["no type", { type: undefined }, { source: "content", url: URL_FOUND }],
    ["no url", { url: undefined }, { source: "content", url: "" }],
    ["a url that is null", { url: null }, { source: "content", url: "" }],
    ["a url that is an object", { url: {} }, { source: "content", url: "" }],
    ["a source that is no text", { source: {} }, { url: URL_FOUND }],
    ["a source that is null", { source: null }, { url: URL_FOUND }],
  ])("of which a match has %s revokes its key all the same", async (_, more, detail) => {
    const { report } = await reporter();
    const answer = await report([match(key.rawKey, more)]);
    expect(await answer.json()).toMatchObject([
      { label: "true_positive", token_type: "type" in more ? "" : "latchkey_api_key" },
    ]);
    expect((await revocations())[0]?.detail).toEqual({ reason: "leaked", ...detail });
  });

  test("may have members that are not known yet", async () => {
    const { report } = await reporter();
    expect(await labels(await report([match(key.rawKey, { new: 1 })]))).toEqual(["true_positive"]);
  });

  test("of nothing is answered with nothing", async () => {
    const { report } = await reporter();
    expect(await (await report([])).json()).toEqual([]);
  });

  test("of 5,000 matches is read, one of a match more is 422", async () => {
    const { report } = await reporter();
    const matches = Array.from({ length: 5_000 }, () => match("x"));
    expect((await report(matches)).status).toBe(200);
    expect(await brokenFields(await report([...matches, match("x")]))).toEqual({
      body: "must have at most 5000 entries",
    });
  });

  test("of 1 MiB is read, one of a byte more is 413", async () => {
    const { report } = await reporter();
    const text = JSON.stringify([match(key.rawKey)]);
    expect((await report(text.padEnd(MIB))).status).toBe(200);
    const { message } = await expectError(await report(text.padEnd(MIB + 1)), "PAYLOAD_TOO_LARGE");
    expect(message).toBe("Request body is larger than 1024 KiB");
  });

  test("of another media type is 415", async () => {
    const { report } = await reporter();
    const answer = await report([match(key.rawKey)], { "Content-Type": "text/plain" });
    await expectError(answer, "UNSUPPORTED_MEDIA_TYPE");
    expect((await get(key.id)).active).toBe(true);
  });
});

/** A body of which only the first byte ever comes. */
function endless(): ReadableStream {
  let pulls = 0;
  return new ReadableStream({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(new TextEncoder().encode("["));
      return pulls === 1 ? undefined : new Promise(() => {});
    },
  });
}

test.each<[string, (good: Record<string, string>) => Record<string, string>]>([
  ["no headers", () => ({})],
  ["a malformed signature", (good) => ({ ...good, "Github-Public-Key-Signature": "AAAA" })],
  ["an unknown key", (good) => ({ ...good, "Github-Public-Key-Identifier": "other" })],
])("with %s a body is not read before it is refused", async (_, change) => {
  const { target, headers } = await reporter();
  logged();
  const init = { method: "POST", headers: change(await headers("[]")), body: endless() };
  await expectError(await call(REPORTS, init, target), "UNAUTHORIZED");
});

test("a body that does not come in time is 400, and no more than 32 are waited for at once", async () => {
  const { target, headers } = await reporter();
  logged();
  const send = async () =>
    call(REPORTS, { method: "POST", headers: await headers("[]"), body: endless() }, target);
  await call(REPORTS, { method: "POST", headers: await headers("[]"), body: "[]" }, target);
  vi.useFakeTimers();
  const slow = Array.from({ length: 32 }, send);
  await vi.advanceTimersByTimeAsync(100);
  await expectError(await send(), "UNAVAILABLE");
  await vi.advanceTimersByTimeAsync(BODY_DEADLINE_MS);
  for (const answer of await Promise.all(slow)) {
    expect((await expectError(answer, "BAD_REQUEST")).message).toBe("The request body came too slowly");
  }
  const next = await call(REPORTS, { method: "POST", headers: await headers("[]"), body: "[]" }, target);
  expect(next.status).toBe(200);
});

test("a body that is cut off is 400", async () => {
  const { target, headers } = await reporter();
  const body = new ReadableStream({
    pull(controller) {
      controller.error(new Error("cut off"));
    },
  });
  const answer = await call(REPORTS, { method: "POST", headers: await headers("[]"), body }, target);
  await expectError(answer, "BAD_REQUEST");
});

test("while the keys cannot be had, a report is 503 with Retry-After, and nothing is revoked", async () => {
  const { answer, report } = await reporter();
  await answer({ status: 500 });
  logged();
  const refused = await report([match(key.rawKey)]);
  await expectError(refused, "UNAVAILABLE", REPORTS);
  expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
  expect(await get(key.id)).toMatchObject({ active: true });
});

// The examples of https://docs.github.com/code-security/secret-scanning/secret-scanning-partner-program, signed by GitHub.
test.each([
  [
    "whose integers both fill their bytes",
    '[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]',
    "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d",
    "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY=",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP\nHzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==",
  ],
  [
    "whose second integer is short",
    '[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]',
    "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c",
    "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\nAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==",
  ],
])("GitHub's own example is answered, %s", async (_, body, identifier, signature, spki) => {
  const server = await reporter();
  const pem = `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`;
  await server.answer(published({ key_identifier: identifier, key: pem, is_current: true }));
  const answer = await server.report(body, {
    "Github-Public-Key-Identifier": identifier,
    "Github-Public-Key-Signature": signature,
  });
  expect(await answer.json()).toEqual([
    { token_hash: await sha256("some_token"), token_type: "some_type", label: "false_positive" },
  ]);
});

test("any of the published keys may sign", async () => {
  const next = await reporterPair("next");
  const server = await reporter();
  await server.answer(published(next.published));
  const body = JSON.stringify([match(key.rawKey)]);
  const answer = await server.report(body, await signed("next", next.key, body));
  expect(await labels(answer)).toEqual(["true_positive"]);
  expect((await revocations())[0]?.actor).toEqual({ issuer: server.url, subject: "next" });
});

test("another method is 405 with Allow", async () => {
  const { target } = await reporter();
  const answer = await call(REPORTS, {}, target);
  await expectError(answer, "METHOD_NOT_ALLOWED");
  expect(answer.headers.get("Allow")).toBe("POST");
});

test("reports are off until their keys' URL is set: 404, as any unknown route", async () => {
  const { headers } = await reporter();
  const body = JSON.stringify([match(key.rawKey)]);
  const target = appWith({ LEAK_REPORT_KEYS_URL: "" });
  for (const path of [REPORTS, "/nowhere"]) {
    const init = { method: "POST", headers: await headers(body), body };
    const answer = await target(new Request(new URL(path, ORIGIN), init));
    expect((await expectError(answer, "NOT_FOUND", path)).message).toBe("No such route");
  }
  expect((await get(key.id)).active).toBe(true);
});
