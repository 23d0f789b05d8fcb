import { glob, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

/** What each folder of `src`, or file beside them, may import: of `src`, and of packages. Lower ones come first. */
const ALLOWED: Record<string, string> = {
  lib: "zod",
  db: "lib drizzle-orm zod",
  http: "db lib hono zod",
  oauth: "http lib hono jose oauth4webapi zod",
  audit: "db http lib oauth drizzle-orm hono @hono/zod-validator zod",
  companies: "audit db drizzle-orm",
  keys: "audit companies db http lib oauth drizzle-orm hono @hono/zod-validator zod",
  usage: "db http keys lib oauth drizzle-orm hono @hono/zod-validator zod",
  verify: "db http keys lib usage drizzle-orm hono zod",
  events: "audit db lib drizzle-orm standardwebhooks zod",
  leaks: "audit db http keys lib hono @hono/zod-validator jose zod",
  client: "events http lib verify hono",
  operator:
    "audit client companies dashboard db http keys lib oauth usage drizzle-orm hono @hono/zod-validator zod",
  health: "http lib hono",
  discovery: "http lib oauth hono zod",
  openapi: "audit discovery http keys leaks oauth operator usage verify hono zod client",
  dashboard: "audit db http keys lib oauth usage hono drizzle-orm @hono/zod-validator jose zod",
  retention: "dashboard db keys lib usage verify",
  isolate: "companies db http keys lib usage verify cloudflare:workers",
  services: "companies isolate keys",
  management:
    "audit companies dashboard db discovery events health http isolate keys leaks lib oauth openapi operator services usage hono",
  app: "http isolate lib management services verify",
  index: "app db events isolate keys lib retention usage verify cloudflare:workers",
};

const IMPORT = /^(?:import|export)\s[^;]*?from "([^"\s]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm;

/** Every file of `src`, with what it imports: files of `src` by their path there, packages by their name. */
async function imports(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for await (const path of glob("src/**/*.{ts,tsx}")) {
    const source = await readFile(path, "utf8");
    const names = [...source.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
    const resolved = names.map((name) =>
      name.startsWith(".") ? relative("src", join(dirname(path), name)) : packageOf(name),
    );
    found.set(relative("src", path), resolved);
  }
  return found;
}

function packageOf(name: string): string {
  const [scope = "", rest] = name.split("/");
  return scope.startsWith("@") ? `${scope}/${rest}` : scope;
}

/** The folder of a file, or its own name where it stands beside the folders. A package is a room by itself. */
function roomOf(name: string): string {
  return /\.(tsx?|json)$/.test(name) ? (name.split("/")[0] ?? "").replace(/\.tsx?$/, "") : name;
}

/** The first way that leads from a name back to itself. */
function circle(arrows: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const walk = (name: string, way: string[]): string[] => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
    if (done.has(name)) return [];
    for (const next of arrows.get(name) ?? []) {
      const found = walk(next, [...way, name]);
      if (found.length > 0) return found;
    }
    done.add(name);
    return [];
  };
  for (const name of arrows.keys()) {
    const found = walk(name, []);
    if (found.length > 0) return found;
  }
  return [];
}

test("every folder imports what the list allows it, and a folder that is new has its line", async () => {
  const wrong = [...(await imports())].flatMap(([file, names]) => {
    const room = roomOf(file);
    if (!Object.hasOwn(ALLOWED, room)) return [`${file} has no line`];
    const allowed = new Set([room, ...(ALLOWED[room] ?? "").split(" ")]);
    return names.filter((name) => !allowed.has(roomOf(name))).map((name) => `${file} imports ${name}`);
  });
  expect(wrong).toEqual([]);
});

test("the list holds no arrow that nobody needs, and no circle", async () => {
  const used = new Set(
    [...(await imports())].flatMap(([file, names]) => names.map((n) => `${roomOf(file)} ${roomOf(n)}`)),
  );
  const lines = Object.entries(ALLOWED).map(([room, names]): [string, string[]] => [room, names.split(" ")]);
  const unused = lines.flatMap(([room, names]) =>
    names.map((name) => `${room} ${name}`).filter((arrow) => !used.has(arrow)),
  );
  expect(unused).toEqual([]);
  expect(circle(new Map(lines))).toEqual([]);
});

test("no files import each other in a circle, types included", async () => {
  expect(circle(await imports())).toEqual([]);
});

test("a circle is found", () => {
  expect(
    circle(
      new Map([
        ["a", ["b"]],
        ["b", ["c", "d"]],
        ["c", []],
        ["d", ["b"]],
      ]),
    ),
  ).toEqual(["b", "d", "b"]);
});
