import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { basename, dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { proseOf } from "./markdown.ts";

const LINK = /\]\(([^()\s]+)\)/g;

const OTHERS = ["node_modules", ".wrangler", "coverage", "dist"];
const pages = await Array.fromAsync(glob("**/*.md", { exclude: (name) => OTHERS.includes(basename(name)) }));

/** The fragments that GitHub gives to the page's headings. */
function headingsOf(page: string): Set<string> {
  const seen = new Map<string, number>();
  const fragments = [...proseOf(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => {
    const text = heading.replace(/\[(.*?)\]\(.*?\)/g, "$1").toLowerCase();
    const slug = text.replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, "").replaceAll(" ", "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
  return new Set(fragments);
}

async function isBroken(page: string, link: string): Promise<boolean> {
  const [file = "", fragment] = link.split("#");
  const target = file === "" ? page : normalize(join(dirname(page), file));
  if (target.startsWith("..") || !existsSync(target)) return true;
  if (fragment === undefined) return false;
  return !headingsOf(await readFile(target, "utf8")).has(fragment);
}

test("the pages of the project are found", () => {
  expect(pages).toContain("README.md");
  expect(pages).toContain("docs/settings.md");
});

test.each(pages)("every relative link of %s leads to a file and a heading that exist", async (page) => {
  const links = [...proseOf(await readFile(page, "utf8")).matchAll(LINK)].map(([, link = ""]) => link);
  const broken: string[] = [];
  for (const link of links.filter((link) => !/^[a-z]+:/.test(link))) {
    if (await isBroken(page, link)) broken.push(link);
  }
  expect(broken).toEqual([]);
});

test("every page of docs is linked from the README", async () => {
  const readme = await readFile("README.md", "utf8");
  const unlinked = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page) && !readme.includes(`(${page})`));
  expect(unlinked).toEqual([]);
});

test.each(pages)("every npm script that %s names exists", async (page) => {
  const { scripts } = JSON.parse(await readFile("package.json", "utf8"));
  const named = [...(await readFile(page, "utf8")).matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)];
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named.map(([, name]) => name)));
});
