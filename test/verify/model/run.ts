import fc from "fast-check";
import type { Sqlite } from "./database.ts";
import EXAMPLES from "./examples.json" with { type: "json" };
import { CACHES, type Code, ISOLATES, KEYS, World } from "./world.ts";

const isolate = fc.nat(ISOLATES - 1);
const key = fc.nat(KEYS - 1);
const pick = fc.nat(7);
const ms = (...values: number[]) => fc.constantFrom(...values);
const named = <E extends string>(event: E) => ({ event: fc.constant(event) });

/** Now and then from the primary. */
const isStrong = fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true));
const verify = fc.record({ ...named("verify"), isolate, key, isStrong });
const execute = fc.record({ ...named("execute"), pick, ahead: fc.nat(3) });
const deliver = fc.record({ ...named("deliver"), pick });
const moment = fc.record({ ...named("tick"), ms: ms(1, 20, 50, 300) });
const span = fc.record({ ...named("tick"), ms: ms(900, 1_600, 2_500, 5_000, 11_000) });
/** What a company does to a key, each by a method of its own. */
const COMPANY = ["revoke", "expire", "suspend", "resume", "restrict", "widen"] as const;
const COMPANY_ITSELF = ["suspendCompany", "resumeCompany", "restrictCompany", "widenCompany"] as const;
const change = fc.oneof(
  fc.record({ event: fc.constantFrom(...COMPANY, "create" as const), key }),
  fc.record({ event: fc.constantFrom(...COMPANY_ITSELF) }),
  fc.record({ ...named("change here"), isolate, key, change: fc.constantFrom(...COMPANY) }),
);
const byHand = fc.record({
  event: fc.constantFrom("delete" as const, "revive" as const, "displace" as const),
  key,
});
const fault = fc.record({ event: fc.constantFrom("fail" as const, "abort" as const), pick });
const restart = fc.record({ ...named("restart"), isolate });
const flood = (sizes: fc.Arbitrary<number>) => fc.record({ ...named("flood"), count: sizes });
const feed = fc.oneof(
  { weight: 4, arbitrary: fc.record({ event: fc.constant("trim" as const) }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant("empty" as const) }) },
  { weight: 2, arbitrary: fc.record({ ...named("restore"), back: fc.nat(6) }) },
);
const clock = fc.record({
  ...named("clock"),
  isolate,
  ms: ms(-20_000, -5_000, -1_000, -150, -60, -5, 60, 3_000),
});

const cache = fc.oneof(
  { weight: 4, arbitrary: fc.record({ ...named("replay"), pick }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant("evict" as const) }) },
  { weight: 2, arbitrary: fc.record({ ...named("cache"), cache: fc.constantFrom(...CACHES) }) },
);

/** How often a thing happens in one history: what is rare everywhere is never seen together. */
const weight = fc.constantFrom(0, 2, 8, 20);

/** @param sizes - Of floods. */
export const histories = (sizes: fc.Arbitrary<number>) =>
  fc
    .tuple(
      weight,
      weight,
      weight,
      weight,
      weight,
      weight,
      weight,
      weight,
      weight,
      fc.constantFrom(0, 400, 7_000),
      fc.boolean(),
    )
    .chain(([moments, whiles, changes, hands, faults, restarts, feeds, clocks, caches, lagMs, isShared]) => {
      const event = fc.oneof(
        { weight: 30, arbitrary: verify },
        { weight: 20, arbitrary: execute },
        { weight: 20, arbitrary: deliver },
        { weight: moments, arbitrary: moment },
        { weight: whiles, arbitrary: span },
        { weight: changes, arbitrary: change },
        { weight: Math.ceil(hands / 4), arbitrary: byHand },
        { weight: Math.ceil(faults / 2), arbitrary: fault },
        { weight: Math.ceil(restarts / 4), arbitrary: restart },
        { weight: Math.ceil(feeds / 4), arbitrary: fc.oneof(feed, flood(sizes)) },
        { weight: clocks === 20 ? 4 : 0, arbitrary: clock },
        { weight: isShared ? Math.ceil(caches / 4) : 0, arbitrary: cache },
      );
      const events = fc.array(event, { minLength: 20, maxLength: 160, size: "max" });
      return fc.record({ lagMs: fc.constant(lagMs), isShared: fc.constant(isShared), events });
    });

type Arbitrary<T> = T extends fc.Arbitrary<infer U> ? U : never;
export type History = Arbitrary<ReturnType<typeof histories>>;
type Event = History["events"][number];

/** Histories that chance takes long to find, each with the fault in the code that it shows. */
export const examples = EXAMPLES as unknown as readonly History[];

/** Lives through a history; resolves with the world, whose `fault` is the first broken promise. */
export async function live(code: Code, databases: [Sqlite, ...Sqlite[]], history: History): Promise<World> {
  const world = new World(code, databases, history.lagMs, history.isShared);
  await world.begin();
  for (const event of history.events) {
    await happen(world, event);
    if (world.fault) break;
  }
  await world.finish();
  return world;
}

async function happen(world: World, step: Event): Promise<void> {
  switch (step.event) {
    case "verify":
      return world.verify(step.isolate, step.key, step.isStrong);
    case "execute":
      return world.execute(step.pick, step.ahead);
    case "deliver":
      return world.deliver(step.pick);
    case "tick":
      return world.tick(step.ms);
    case "revoke":
    case "expire":
    case "suspend":
    case "resume":
    case "restrict":
    case "widen":
    case "create":
      return world[step.event](step.key);
    case "suspendCompany":
    case "resumeCompany":
    case "restrictCompany":
    case "widenCompany":
      return world[step.event]();
    case "change here":
      return world.changeAt(step.isolate, step.key, world[step.change]);
    case "delete":
      return world.delete(step.key);
    case "revive":
      return world.revive(step.key);
    case "displace":
      return world.displace(step.key);
    case "fail":
      return world.fail(step.pick);
    case "abort":
      return world.abort(step.pick);
    case "restart":
      return world.restart(step.isolate);
    case "trim":
      return world.trim();
    case "flood":
      return world.flood(step.count);
    case "empty":
      return world.empty();
    case "restore":
      return world.restore(step.back);
    case "clock":
      return world.setClock(step.isolate, step.ms);
    case "cache":
      return world.setCache(step.cache);
    case "evict":
      return world.evict();
    case "replay":
      return world.replay(step.pick);
  }
}
