import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { appWith, createKey, manage, type Target } from "../support/api.ts";
import { brokenFields, stored } from "../support/expect.ts";

const DAY_MS = 86_400_000;
const create = (expiresAt: unknown, target?: Target) =>
  manage("/settings/api-keys", {
    method: "POST",
    body: { label: "x", scopes: ["jobs:read"], expiresAt },
    ...(target && { target }),
  });

test.each([
  ["2999-01-01T00:00:00Z", "2999-01-01T00:00:00.000Z"],
  ["2999-01-01T00:00:00.5Z", "2999-01-01T00:00:00.500Z"],
  ["2999-01-01T00:00:00.123456789Z", "2999-01-01T00:00:00.123Z"],
  ["2999-01-01T00:00:00+00:00", "2999-01-01T00:00:00.000Z"],
  ["2999-01-01T00:00:00-00:00", "2999-01-01T00:00:00.000Z"],
  ["2999-01-01T00:00:00+05:45", "2998-12-31T18:15:00.000Z"],
  ["2999-01-01T00:00:00-23:59", "2999-01-01T23:59:00.000Z"],
  ["2999-01-01t00:00:00z", "2999-01-01T00:00:00.000Z"],
  ["2996-02-29T12:00:00Z", "2996-02-29T12:00:00.000Z"],
  ["2800-02-29T23:59:59Z", "2800-02-29T23:59:59.000Z"],
  ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
  ["9999-12-31T00:00:00-23:00", "9999-12-31T23:00:00.000Z"],
])("expiresAt %s is stored as that instant", async (sent, shown) => {
  const key = await createKey({ expiresAt: sent });
  expect(key.expiresAt).toBe(shown);
  expect(await (await manage(`/settings/api-keys/${key.id}`)).json()).toMatchObject({ expiresAt: shown });
  expect((await stored()).api_keys).toMatchObject([{ expires_at: Date.parse(shown) }]);
});

test("any future instant with any offset is stored as that instant", async () => {
  const instants = fc.tuple(
    fc.integer({ min: Date.now() + DAY_MS, max: Date.UTC(9999, 0, 1) }),
    fc.integer({ min: -1439, max: 1439 }),
  );
  await fc.assert(
    fc.asyncProperty(instants, async ([time, minutes]) => {
      const local = new Date(time + minutes * 60_000).toISOString().slice(0, -1);
      const part = (value: number) => String(Math.trunc(Math.abs(value))).padStart(2, "0");
      const offset = `${minutes < 0 ? "-" : "+"}${part(minutes / 60)}:${part(minutes % 60)}`;
      expect((await createKey({ expiresAt: local + offset })).expiresAt).toBe(new Date(time).toISOString());
    }),
    { numRuns: 50 },
  );
}, 60_000);

test.each([[null], [undefined]])("expiresAt %s means never", async (expiresAt) => {
  expect((await createKey({ expiresAt })).expiresAt).toBeNull();
});

test.each([
  "",
  " ",
  "never",
  "tomorrow",
  "2999",
  "2999-01",
  "2999-01-01",
  "2999-01-01T00:00",
  "2999-01-01T00:00Z",
  "2999-01-01T00:00:00",
  "2999-01-01 00:00:00Z",
  "2999-01-01T00:00:00 Z",
  " 2999-01-01T00:00:00Z",
  "2999-01-01T00:00:00Z ",
  "2999-01-01T00:00:00Z\n",
  "2999-01-01T00:00:00Z\u0000",
  "2999-01-01T00:00:00.Z",
  "2999-01-01T00:00:00,5Z",
  "2999-01-01T24:00:00Z",
  "2999-01-01T23:60:00Z",
  "2999-01-01T23:59:60Z",
  "2999-06-30T23:59:60+00:00",
  "2999-13-01T00:00:00Z",
  "2999-00-01T00:00:00Z",
  "2999-01-00T00:00:00Z",
  "2999-01-32T00:00:00Z",
  "2999-04-31T00:00:00Z",
  "2999-02-29T00:00:00Z",
  "2900-02-29T00:00:00Z",
  "2999-1-1T0:0:0Z",
  "2999-01-01T00:00:00+0000",
  "2999-01-01T00:00:00+00",
  "2999-01-01T00:00:00+24:00",
  "2999-01-01T00:00:00+00:60",
  "2999-01-01T00:00:00+5:45",
  "2999-01-01T00:00:00−05:00",
  "2999-01-01T00:00:00ZZ",
  "2999-01-01T00:00:00UTC",
  "2999-01-01T00:00:00[Europe/Paris]",
  "+002999-01-01T00:00:00Z",
  "-2999-01-01T00:00:00Z",
  "12999-01-01T00:00:00Z",
  "2999-W01-1T00:00:00Z",
  "2999-001T00:00:00Z",
  "29990101T000000Z",
  "P1Y",
  "Fri, 01 Jan 2999 00:00:00 GMT",
  "1/1/2999",
  "32472144000",
  "32472144000000",
  "1e15",
  "Infinity",
  "２９９９-01-01T00:00:00Z",
])("expiresAt %j is no RFC 3339 date and time: 422", async (expiresAt) => {
  const before = await stored();
  expect(await brokenFields(await create(expiresAt))).toEqual({
    expiresAt: "must be an RFC 3339 date and time with offset",
  });
  expect(await stored()).toEqual(before);
});

test.each([[0], [32_472_144_000_000], [-1], [1.5], [true], [false], [["2999-01-01T00:00:00Z"]], [{}], [[]]])(
  "expiresAt %j is no string: 422",
  async (expiresAt) => {
    expect(await brokenFields(await create(expiresAt))).toEqual({ expiresAt: "must be a string" });
  },
);

test.each(["0000-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2000-02-29T00:00:00+01:00"])(
  "expiresAt %s has passed: 422",
  async (expiresAt) => {
    expect(await brokenFields(await create(expiresAt))).toEqual({ expiresAt: "must be in the future" });
  },
);

test.each(["9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59-23:59"])(
  "expiresAt %s is an instant that RFC 3339 cannot write in UTC: 422",
  async (expiresAt) => {
    expect(await brokenFields(await create(expiresAt))).toEqual({
      expiresAt: "must be before the year 10000",
    });
  },
);

test("expiresAt equal to now is not in the future", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const target = appWith({});
  const at = (time: number) => create(new Date(time).toISOString(), target);
  expect(await brokenFields(await at(Date.now()))).toEqual({ expiresAt: "must be in the future" });
  expect((await at(Date.now() + 1)).status).toBe(201);
});

test("a key is active until its expiry and not from it on", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const target = appWith({});
  const expiry = Date.now() + 1_000;
  const key = await createKey({ expiresAt: new Date(expiry).toISOString() }, { target });
  const active = async () => {
    const found = await manage(`/settings/api-keys/${key.id}`, { target });
    const listed = await manage("/settings/api-keys?active=true", { target });
    const expired = await manage("/settings/api-keys?active=false", { target });
    const { active } = await found.json<{ active: boolean }>();
    return [active, (await listed.json<[]>()).length, (await expired.json<[]>()).length];
  };
  vi.setSystemTime(expiry - 1);
  expect(await active()).toEqual([true, 1, 0]);
  vi.setSystemTime(expiry);
  expect(await active()).toEqual([false, 0, 1]);
});

describe("MAX_KEY_LIFETIME_DAYS", () => {
  const createBounded = (body: object) =>
    manage("/settings/api-keys", {
      method: "POST",
      body: { label: "x", scopes: ["jobs:read"], ...body },
      target: appWith({ MAX_KEY_LIFETIME_DAYS: 30 }),
    });

  test.each([
    ["is required", {}],
    ["must be a string", { expiresAt: null }],
    ["must be an RFC 3339 date and time with offset", { expiresAt: "never" }],
  ])("a maximum makes expiresAt required: %s", async (message, body) => {
    expect(await brokenFields(await createBounded(body))).toEqual({ expiresAt: message });
  });

  test("the maximum itself is allowed, a millisecond more is 422", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const latest = Date.now() + 30 * DAY_MS;
    const expiringAt = (time: number) => createBounded({ expiresAt: new Date(time).toISOString() });
    expect((await expiringAt(latest)).status).toBe(201);
    expect(await brokenFields(await expiringAt(latest + 1))).toEqual({
      expiresAt: "must be at most 30 days from now",
    });
  });
});
