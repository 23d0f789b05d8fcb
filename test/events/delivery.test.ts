import { Webhook } from "standardwebhooks";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { consumeEvents, isKeyEvent } from "../../src/events/consumer.ts";
import type { KeyEvent } from "../../src/events/contract.ts";
import { binding, type Deliver, webhook } from "../../src/events/receivers.ts";
import { OLD_SECRET, SECRET } from "../support/events.ts";
import { logged } from "../support/expect.ts";

const URL = "https://hooks.example/latchkey";
const HOUR_MS = 3_600_000;
/** As wrangler.toml has it. */
const BATCH = 20;
const MAX_RETRIES = 13;

beforeEach(() => {
  logged();
  vi.useFakeTimers({ toFake: ["Date"] });
});

const event = (key: string): KeyEvent => ({
  id: crypto.randomUUID(),
  type: "api_key.created",
  timestamp: new Date().toISOString(),
  data: {
    companyId: "acme",
    key: { id: key, label: "Карьера", keyPrefix: "lk_live_aYDMW", expiresAt: null },
    actor: null,
    detail: null,
  },
});

interface Waiting {
  body: KeyEvent;
  attempts: number;
  dueAt: number;
}

/** A queue as Cloudflare documents it, on the clock of the test: batches in order, pauses, a dead-letter queue. */
function simulatedQueue(deliver: Deliver) {
  let waiting: Waiting[] = [];
  const dead: KeyEvent[] = [];

  async function deliverBatch(batch: Waiting[]): Promise<void> {
    const messages = batch.map((entry): Message<KeyEvent> => {
      const retry = ({ delaySeconds = 0 } = {}) => {
        expect(delaySeconds).toBeLessThanOrEqual(43_200);
        if (entry.attempts > MAX_RETRIES) dead.push(entry.body);
        else
          waiting.push({ ...entry, attempts: entry.attempts + 1, dueAt: Date.now() + delaySeconds * 1000 });
      };
      return {
        id: entry.body.id,
        timestamp: new Date(),
        body: entry.body,
        attempts: entry.attempts,
        ack() {},
        retry,
      };
    });
    await consumeEvents(messages, deliver);
  }

  return {
    dead,
    send: (...events: KeyEvent[]) =>
      void waiting.push(...events.map((body) => ({ body, attempts: 1, dueAt: Date.now() }))),
    /** Lets so much time pass, or until nothing waits. */
    async pass(milliseconds: number): Promise<void> {
      const end = Date.now() + milliseconds;
      for (;;) {
        const next = Math.min(...waiting.map(({ dueAt }) => dueAt));
        if (next > end || waiting.length === 0) break;
        vi.setSystemTime(Math.max(next, Date.now()));
        const due = waiting.filter(({ dueAt }) => dueAt <= Date.now()).slice(0, BATCH);
        waiting = waiting.filter((entry) => !due.includes(entry));
        await deliverBatch(due);
      }
      vi.setSystemTime(end);
    },
  };
}

/** The operator's endpoint: what it answers is set by the test; it takes only what its secret has signed. */
function endpoint(secret = SECRET) {
  const taken: KeyEvent[] = [];
  const state = { secret, status: 204, taken };
  vi.spyOn(globalThis, "fetch").mockImplementation(async (url, init) => {
    expect(url).toBe(URL);
    if (state.status !== 204) return new Response("no", { status: state.status });
    const headers = Object.fromEntries(new Headers(init?.headers));
    try {
      const payload = new Webhook(state.secret).verify(String(init?.body), headers);
      expect((payload as KeyEvent).id).toBe(headers["webhook-id"]);
      taken.push(payload as KeyEvent);
      return new Response(null, { status: 204 });
    } catch {
      return new Response(null, { status: 401 });
    }
  });
  return state;
}

describe("an endpoint", () => {
  test("that is down for an hour is told every event once it is up, none under another id, each key's in order", async () => {
    const hook = endpoint();
    const queue = simulatedQueue(webhook(URL, [SECRET], Date.now));
    hook.status = 503;
    const events: KeyEvent[] = [];
    for (let minute = 0; minute < 60; minute++) {
      const next = event(`k${minute % 7}`);
      events.push(next);
      queue.send(next);
      await queue.pass(60_000);
    }
    expect(hook.taken).toEqual([]);
    hook.status = 204;
    await queue.pass(2 * HOUR_MS);
    expect(hook.taken.map(({ id }) => id).sort()).toEqual(events.map(({ id }) => id).sort());
    expect(queue.dead).toEqual([]);
  });

  test("that is up is told in order, and each event once", async () => {
    const hook = endpoint();
    const queue = simulatedQueue(webhook(URL, [SECRET], Date.now));
    const events = Array.from({ length: 50 }, (_, i) => event(`k${i % 3}`));
    queue.send(...events);
    await queue.pass(1_000);
    for (const key of ["k0", "k1", "k2"]) {
      const ofKey = (all: KeyEvent[]) => all.filter(({ data }) => data.key?.id === key).map(({ id }) => id);
      expect(ofKey(hook.taken)).toEqual(ofKey(events));
    }
  });

  test("that is down for more than a day leaves its events in the dead-letter queue, from where they are sent again", async () => {
    const hook = endpoint();
    const deliver = webhook(URL, [SECRET], Date.now);
    const queue = simulatedQueue(deliver);
    hook.status = 500;
    const events = [event("a"), event("b")];
    queue.send(...events);
    await queue.pass(22 * HOUR_MS);
    expect(queue.dead).toEqual([]);
    await queue.pass(2 * HOUR_MS);
    expect(queue.dead).toEqual(events);
    hook.status = 204;
    const again = simulatedQueue(deliver);
    again.send(...queue.dead);
    await again.pass(1_000);
    expect(hook.taken).toEqual(events);
  });

  test("whose secret is replaced loses no event, and checks each with one secret", async () => {
    const hook = endpoint(OLD_SECRET);
    const settings = { secrets: [OLD_SECRET] };
    const queue = simulatedQueue((event) => webhook(URL, settings.secrets, Date.now)(event));
    const events = Array.from({ length: 4 }, (_, i) => event(`k${i}`));
    const [first, second, third, fourth] = events as [KeyEvent, KeyEvent, KeyEvent, KeyEvent];
    queue.send(first);
    await queue.pass(1_000);
    settings.secrets = [OLD_SECRET, SECRET];
    queue.send(second);
    await queue.pass(1_000);
    hook.secret = SECRET;
    queue.send(third);
    await queue.pass(1_000);
    settings.secrets = [SECRET];
    queue.send(fourth);
    await queue.pass(1_000);
    expect(hook.taken).toEqual(events);
  });

  test("that has a new secret too early is told again until the settings have it", async () => {
    const hook = endpoint(SECRET);
    const settings = { secrets: [OLD_SECRET] };
    const queue = simulatedQueue((event) => webhook(URL, settings.secrets, Date.now)(event));
    const one = event("a");
    queue.send(one);
    await queue.pass(HOUR_MS);
    settings.secrets = [OLD_SECRET, SECRET];
    await queue.pass(2 * HOUR_MS);
    expect(hook.taken).toEqual([one]);
  });

  test.each([301, 302, 307, 308, 400, 401, 404, 410, 429, 500, 503])(
    "that answers %i has not taken it",
    async (status) => {
      const hook = endpoint();
      hook.status = status;
      await expect(webhook(URL, [SECRET], Date.now)(event("a"))).rejects.toThrow(`answered ${status}`);
      expect(fetch).toHaveBeenCalledOnce();
      expect(fetch).toHaveBeenCalledWith(URL, expect.objectContaining({ redirect: "manual" }));
    },
  );
});

describe("a batch", () => {
  const message = (body: KeyEvent, attempts = 1) => ({
    id: body.id,
    timestamp: new Date(),
    body,
    attempts,
    ack: vi.fn<() => void>(),
    retry: vi.fn<(options?: QueueRetryOptions) => void>(),
  });

  test("tells of other keys while the receiver is slow with one, and of one key one after the other", async () => {
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const messages = [
      message(event("slow")),
      message(event("slow")),
      message(event("b")),
      message(event("c")),
    ];
    const done = consumeEvents(messages, (event) => {
      begun.push(event.data.key?.id ?? "");
      return event.data.key?.id === "slow" ? new Promise((end) => ends.push(end)) : Promise.resolve();
    });
    await vi.waitFor(() => expect(messages[3]?.ack).toHaveBeenCalled());
    expect(begun).toEqual(["slow", "b", "c"]);
    ends.shift()?.();
    await vi.waitFor(() => expect(begun).toEqual(["slow", "b", "c", "slow"]));
    ends.shift()?.();
    await done;
    for (const { ack } of messages) expect(ack).toHaveBeenCalledOnce();
  });

  test("never asks more at once than a Worker has connections", async () => {
    let open = 0;
    let most = 0;
    const messages = Array.from({ length: BATCH }, (_, i) => message(event(`k${i}`)));
    await consumeEvents(messages, async () => {
      most = Math.max(most, ++open);
      await scheduler.wait(1);
      open--;
    });
    expect(most).toBe(6);
    for (const { ack } of messages) expect(ack).toHaveBeenCalledOnce();
  });

  test("of which one event fails: that one comes again after a pause that grows, and no other", async () => {
    const messages = [message(event("a")), message(event("bad"), 3), message(event("c"))];
    await consumeEvents(messages, async ({ data }) => {
      if (data.key?.id === "bad") throw new Error("no");
    });
    const [a, bad, c] = messages;
    expect(bad?.retry).toHaveBeenCalledWith({ delaySeconds: 40 });
    expect(bad?.ack).not.toHaveBeenCalled();
    for (const other of [a, c]) expect(other?.ack).toHaveBeenCalledOnce();
  });
});

describe("a Worker that is bound", () => {
  test("is told with the event itself", async () => {
    const receive = vi.fn<(event: KeyEvent) => Promise<void>>(async () => {});
    const one = event("a");
    await binding({ receive })(one);
    expect(receive).toHaveBeenCalledExactlyOnceWith(one);
  });

  test("has not taken an event when it throws, or does not return in 30 seconds", async () => {
    const refuses = binding({ receive: () => Promise.reject(new Error("no")) });
    await expect(refuses(event("a"))).rejects.toThrow("no");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const hangs = binding({ receive: () => new Promise(() => {}) })(event("a"));
    const refused = expect(hangs).rejects.toThrow("No answer within 30000 ms");
    await vi.advanceTimersByTimeAsync(30_000);
    await refused;
  });
});

test.each([null, "api_key.created", {}, { type: 1 }, { type: "other" }, { keys: [] }])(
  "a message of %j is no event",
  (body) => {
    const message = { id: "m", timestamp: new Date(), attempts: 1, body, ack() {}, retry() {} };
    expect(isKeyEvent(message)).toBe(false);
  },
);
