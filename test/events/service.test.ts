import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import type { KeyEvent } from "../../src/events/contract.ts";
import { keyEvents } from "../../src/events/service.ts";
import { logged } from "../support/expect.ts";

const EVENT: KeyEvent = {
  id: "e",
  type: "company.suspended",
  timestamp: "2026-11-28T12:00:00.000Z",
  data: { companyId: "acme", key: null, actor: null, detail: null },
};

/** What comes from the queue, to a Worker with these bindings. */
async function consumed(bindings: object) {
  const message = {
    id: "m",
    timestamp: new Date(),
    attempts: 1,
    body: EVENT,
    ack: vi.fn(),
    retry: vi.fn(),
  };
  await keyEvents({ ...env, ...bindings }, Date.now).consume([message]);
  return message;
}

test("an event from the queue is told to the Worker that is bound, and does not come again", async () => {
  const receive = vi.fn(async () => {});
  const { ack, retry } = await consumed({ EVENTS: { receive } });
  expect(receive).toHaveBeenCalledExactlyOnceWith(EVENT);
  expect(ack).toHaveBeenCalledOnce();
  expect(retry).not.toHaveBeenCalled();
});

test("an event from the queue comes again where there is nobody to tell, and the log says why", async () => {
  const lines = logged();
  const { ack, retry } = await consumed({});
  expect(ack).not.toHaveBeenCalled();
  expect(retry).toHaveBeenCalledOnce();
  expect(lines.join()).toContain("There is neither WEBHOOK_URL nor EVENTS");
});
