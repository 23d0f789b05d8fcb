import fc from "fast-check";
import { type Code, ISOLATES, KEYS, World } from "./world.ts";

const isolate = fc.nat(ISOLATES - 1);
const key = fc.nat(KEYS - 1);
const pick = fc.nat(7);

/** Now and then from the primary. */
const strong = fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true));
const verify = fc.record({ event: fc.constant("verify" as const), isolate, key, strong });
const execute = fc.record({ event: fc.constant("execute" as const), pick, ahead: fc.nat(3) });
const deliver = fc.record({ event: fc.constant("deliver" as const), pick });
const moment = fc.record({ event: fc.constant("tick" as const), ms: fc.constantFrom(1, 50, 300) });
const span = fc.record({
  event: fc.constant("tick" as const),
  ms: fc.constantFrom(900, 1_600, 2_500, 5_000, 11_000),
});
const change = fc.record({
  event: fc.constantFrom("revoke" as const, "expire" as const, "create" as const),
  key,
});
const byHand = fc.record({ event: fc.constantFrom("delete" as const, "revive" as const), key });
const fault = fc.record({ event: fc.constantFrom("fail" as const, "abort" as const), pick });
const restart = fc.record({ event: fc.constantFrom("restart" as const, "catch up" as const), isolate });
const feed = fc.record({ event: fc.constantFrom("trim" as const, "flood" as const) });

const event = fc.oneof(verify, execute, deliver, moment, span, change, byHand, fault, restart, feed);
export type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** How often a thing happens in one history: what is rare everywhere is never seen together. */
const weight = fc.constantFrom(0, 2, 8, 20);

export const history: fc.Arbitrary<Event[]> = fc
  .tuple(weight, weight, weight, weight, weight, weight, weight)
  .chain(([moments, whiles, changes, hands, faults, restarts, feeds]) => {
    const arbitrary = fc.oneof(
      { weight: 30, arbitrary: verify },
      { weight: 20, arbitrary: execute },
      { weight: 20, arbitrary: deliver },
      { weight: moments, arbitrary: moment },
      { weight: whiles, arbitrary: span },
      { weight: changes, arbitrary: change },
      { weight: Math.ceil(hands / 4), arbitrary: byHand },
      { weight: Math.ceil(faults / 2), arbitrary: fault },
      { weight: Math.ceil(restarts / 2), arbitrary: restart },
      { weight: Math.ceil(feeds / 4), arbitrary: feed },
    );
    return fc.array(arbitrary, { minLength: 20, maxLength: 160, size: "max" });
  });

const verified = (key: number): Event => ({ event: "verify", isolate: 0, key, strong: false });
const executed: Event = { event: "execute", pick: 0, ahead: 3 };
const delivered = (pick: number): Event => ({ event: "deliver", pick });
const revoked = (key: number): Event => ({ event: "revoke", key });
const late: Event = { event: "tick", ms: 900 };

/** Histories that chance takes long to find. */
export const examples: Event[][] = [
  // An old read comes back after a newer one.
  [
    ...[late, verified(0), executed, delivered(0)],
    ...[verified(1), executed, revoked(1), verified(1), executed, delivered(1), delivered(0), verified(1)],
  ],
  // The same, after the isolate has started afresh.
  [
    ...[late, verified(0), executed, revoked(0), verified(0), executed, delivered(1)],
    ...[{ event: "flood" } as const, verified(1), executed, delivered(1), delivered(0), verified(0)],
  ],
];

/** Lives through `events`; resolves with the world, whose `fault` is the first broken promise. */
export async function live(code: Code, events: readonly Event[]): Promise<World> {
  const world = new World(code);
  for (let key = 0; key < KEYS - 1; key++) world.create(key);
  for (const event of events) {
    await happen(world, event);
    if (world.fault) break;
  }
  await world.finish();
  return world;
}

async function happen(world: World, step: Event): Promise<void> {
  switch (step.event) {
    case "verify":
      return world.verify(step.isolate, step.key, step.strong);
    case "execute":
      return world.execute(step.pick, step.ahead);
    case "deliver":
      return world.deliver(step.pick);
    case "tick":
      return world.tick(step.ms);
    case "revoke":
      return world.change(step.key, (record) => ({ ...record, revokedAt: record.revokedAt ?? world.time }));
    case "expire":
      return world.change(step.key, (record) => ({ ...record, expiresAt: world.time + 1_000 }));
    case "create":
      return world.create(step.key);
    case "delete":
      return world.change(step.key, () => null);
    case "revive":
      return world.change(step.key, (record) => ({ ...record, revokedAt: null, expiresAt: null }));
    case "fail":
      return world.fail(step.pick);
    case "abort":
      return world.abort(step.pick);
    case "restart":
      return world.restart(step.isolate);
    case "catch up":
      return world.catchUp(step.isolate);
    case "trim":
      return world.trim();
    case "flood":
      return world.flood();
  }
}
