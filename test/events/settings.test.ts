import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { eventSettings, noticeSettings } from "../../src/events/settings.ts";
import { readSettings } from "../../src/lib/settings.ts";
import { OLD_SECRET, SECRET } from "../support/events.ts";

const read = (overrides: object) => readSettings(eventSettings, { ...env, ...overrides })();
const readNotices = (EXPIRY_NOTICE_DAYS: unknown) => readSettings(noticeSettings, { EXPIRY_NOTICE_DAYS })();

test("nobody is told by default", () => {
  expect(read({})).toMatchObject({ WEBHOOK_URL: "", WEBHOOK_SECRETS: [] });
});

describe("WEBHOOK_URL", () => {
  const url = (WEBHOOK_URL: string) => read({ WEBHOOK_URL, WEBHOOK_SECRETS: SECRET });

  test.each([
    "https://hooks.example/a?b=c",
    "https://93.184.216.34/",
    "https://[2606:2800:220:1::1]/",
    "http://localhost:8080/",
    "http://127.0.0.1:8080/",
    "http://[::1]:8080/",
  ])("may be %s", (value) => {
    expect(url(value).WEBHOOK_URL).toBe(value);
  });

  test.each([
    "http://hooks.example/",
    "hooks.example",
    "ftp://hooks.example/",
    "https://user:password@hooks.example/",
    "https://10.0.0.1/",
    "https://10.1/",
    "https://0x0a000001/",
    "https://167772161/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://[ff02::1]/",
    "https://intranet/",
    "https://intranet./",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://router.home.arpa/",
  ])("is refused where nobody on the Internet is meant, or others may listen: %s", (value) => {
    expect(() => url(value)).toThrow("WEBHOOK_URL: must be an https URL of a public host");
  });
});

describe("WEBHOOK_SECRETS", () => {
  const secrets = (WEBHOOK_SECRETS: unknown) =>
    read({ WEBHOOK_URL: "https://hooks.example", WEBHOOK_SECRETS });

  test("are one, or two while one is replaced", () => {
    expect(secrets(SECRET).WEBHOOK_SECRETS).toEqual([SECRET]);
    expect(secrets(`${OLD_SECRET} ${SECRET}`).WEBHOOK_SECRETS).toEqual([OLD_SECRET, SECRET]);
    expect(() => secrets(`${SECRET} ${SECRET} ${SECRET}`)).toThrow("must be at most 2");
  });

  test("are needed with a URL", () => {
    expect(() => secrets(undefined)).toThrow("WEBHOOK_SECRETS: is missing, and WEBHOOK_URL is set");
    expect(() => secrets("")).toThrow("WEBHOOK_SECRETS: is missing, and WEBHOOK_URL is set");
  });

  test.each([
    "secret",
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
    `whsec_${btoa("x".repeat(23))}`,
    `whsec_${btoa("x".repeat(65))}`,
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
  ])("are of the form of Standard Webhooks, which %s is not; the log does not quote it", (value) => {
    expect(() => secrets(value)).toThrow(
      /^Wrong settings: WEBHOOK_SECRETS: must be whsec_ and 24 to 64 bytes in base64$/,
    );
  });

  test.each([24, 25, 26, 32, 63, 64])("may hold %i bytes", (bytes) => {
    const value = `whsec_${btoa("x".repeat(bytes))}`;
    expect(secrets(value).WEBHOOK_SECRETS).toEqual([value]);
  });
});

test("a binding takes the place of a URL, and is not beside one", () => {
  const EVENTS = { receive: async () => {} };
  expect(read({ EVENTS }).EVENTS).toBe(EVENTS);
  const both = { EVENTS, WEBHOOK_URL: "https://hooks.example", WEBHOOK_SECRETS: SECRET };
  expect(() => read(both)).toThrow("WEBHOOK_URL: must be empty where EVENTS is bound");
});

test("whoever is told needs the queue", () => {
  expect(() => read({ EVENTS: { receive: async () => {} }, EVENT_QUEUE: undefined })).toThrow(
    "EVENT_QUEUE: is not bound",
  );
  expect(read({ EVENT_QUEUE: undefined }).WEBHOOK_URL).toBe("");
});

test.each<[unknown, number[]]>([
  ["30 7 1", [30, 7, 1]],
  [
    [30, 7, 1],
    [30, 7, 1],
  ],
  ["", []],
  [[], []],
])("EXPIRY_NOTICE_DAYS %j is %j", (value, days) => {
  expect(readNotices(value).EXPIRY_NOTICE_DAYS).toEqual(days);
});

test.each(["0", "366", "1.5", "soon", "1 2 3 4 5 6 7 8 9 10 11", undefined])(
  "EXPIRY_NOTICE_DAYS %j is refused",
  (value) => {
    expect(() => readNotices(value)).toThrow("EXPIRY_NOTICE_DAYS: ");
  },
);
