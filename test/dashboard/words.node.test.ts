import { glob, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { parseAst } from "vitest/node";
import { de } from "../../src/dashboard/words/de.ts";
import { en } from "../../src/dashboard/words/en.ts";
import { FAULTS, REFUSALS } from "../../src/dashboard/words/wire.ts";

/** Files whose texts are not among the messages yet. */
const NOT_YET: string[] = [];

/** What is the same in German. */
const SAME = ["status.version", "status.megabytes", "status.generation"];

interface Node {
  type: string;
  [name: string]: unknown;
}

/** Names of formats, such as CSV, are the same in every language. */
const LETTERS = /\p{Ll}/u;
/** How a sentence or a heading looks. */
const PROSE = /^\p{Lu}\p{Ll}+(?:$|[ :,.…’])|\p{L} \p{L}/u;
/** What looks so and is none: markup, what is in headers, examples and code. What is refused has its words by what the API says. */
const CODE = [
  /^["<]/,
  /^(?:Accept|Vary|Link|Content-|Sec-|must )/,
  /^(?:\d|\w+=|import |const |Python$)/,
  ...Object.values(REFUSALS),
  /^(?:Edge?|Opera|Chrome|Chromium|Firefox|Safari|Android|Windows|Mac OS X|macOS|Linux|iPhone|iPad|iOS|CrOS|Mobile|Version)\b/,
];
/** Attributes that people read or hear. */
const READ = /^(title|label|placeholder|alt|aria-(label|description|roledescription|valuetext))$/;

function isCode(text: string): boolean {
  return CODE.some((pattern) => pattern.test(text));
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** The texts that the syntax of a page holds itself. */
function textsIn(node: Node): string[] {
  const { type } = node;
  if (type === "JSXText") return [String(node.value)].filter((text) => LETTERS.test(text));
  if (type === "JSXAttribute") {
    const isRead = READ.test(String((node.name as Node).name));
    if (!isNode(node.value)) return [];
    return isRead ? shownBy(node.value) : node.value.type === "Literal" ? [] : textsOf(node.value);
  }
  if (type === "JSXExpressionContainer") return [...shownBy(node), ...childrenOf(node).flatMap(textsIn)];
  if (isNode(node.source)) return [];
  if (type === "BinaryExpression")
    return childrenOf(node)
      .filter((one) => !stringOf(one))
      .flatMap(textsIn);
  return textsOf(node);
}

function textsOf(node: Node): string[] {
  const text = stringOf(node);
  const isText = text !== undefined && PROSE.test(text) && !isCode(text);
  return [...(isText ? [text] : []), ...childrenOf(node).flatMap(textsIn)];
}

/** Texts with letters that an expression comes to, in any case. */
function shownBy(node: Node): string[] {
  const { type } = node;
  const text = stringOf(node);
  if (text !== undefined) return LETTERS.test(text) && !isCode(text) ? [text] : [];
  const ways: Record<string, unknown[]> = {
    JSXExpressionContainer: [node.expression],
    ConditionalExpression: [node.consequent, node.alternate],
    LogicalExpression: [node.left, node.right],
    TemplateLiteral: [node.quasis, node.expressions],
  };
  return (ways[type] ?? []).flat().filter(isNode).flatMap(shownBy);
}

function stringOf(node: Node): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  return node.type === "TemplateElement" ? (node.value as { cooked: string }).cooked : undefined;
}

function childrenOf(node: Node): Node[] {
  return Object.values(node).flat().filter(isNode);
}

async function texts(path: string): Promise<string[]> {
  const program: unknown = parseAst(await readFile(path, "utf8"), { lang: "tsx" });
  return isNode(program) ? textsIn(program) : [];
}

const pages = (await Array.fromAsync(glob("src/{,operator/}dashboard/**/*.tsx"))).sort();

describe("texts", () => {
  test.each(pages.filter((path) => !NOT_YET.includes(path)))("of %s are among the messages", async (path) => {
    expect(await texts(path)).toEqual([]);
  });

  test.each([
    ["<p class='notice bad' id={`a-#{b}`}>{c} </p>", []],
    ["<p>{a === 'b' ? 'not' : d && `and #{c} that`}</p>", ["not", "and ", " that"]],
    ["<p title='x' aria-label={`y #{z}`}>w</p>", ["x", "y ", "w"]],
    ["page(c, 'Keys', <a />); const NAMES = { a: 'Revoked' }", ["Keys", "Revoked"]],
    ["import a from 'A b'; new ApiError('FORBIDDEN', { message: 'Sign in again' })", []],
  ])("are found wherever a page can have them: %s", (source, expected) => {
    const found = textsIn(parseAst(source.replaceAll("#{", "${"), { lang: "tsx" }) as unknown as Node);
    expect(found.sort()).toEqual(expected.sort());
  });
});

/** The messages by their path; of a function, what it says of parts that are told apart by number. */
function flat(messages: object, path = ""): [string, string][] {
  return Object.entries(messages).flatMap(([name, value]) => {
    const at = path + name;
    if (typeof value === "function") {
      const parts = Array.from({ length: value.length }, (_, i) => i + 2);
      return [[at, [value(...parts)].flat(9).join("")]];
    }
    return typeof value === "string" ? [[at, value]] : flat(value, `${at}.`);
  });
}

const [english, german] = [flat(en), new Map(flat(de))];

describe("German", () => {
  test("says everything in other words than English", () => {
    expect(english.filter(([at, text]) => german.get(at) === text).map(([at]) => at)).toEqual(SAME);
  });

  test("has every part that English has", () => {
    const parts = (text = "") => text.match(/\$?\d+/g)?.sort() ?? [];
    for (const [at, text] of english) expect([at, parts(german.get(at))]).toEqual([at, parts(text)]);
  });
});

/** Of files below src, the texts in quotes that match. */
async function saidIn(files: string, pattern: RegExp): Promise<string[]> {
  const sources = await Array.fromAsync(glob(`src/${files}`), (path) => readFile(path, "utf8"));
  const found = sources.flatMap((source) => [...source.matchAll(pattern)]);
  return found.map(([, quoted, text = quoted ?? ""]) => text.replace(/\$\{[^}]*\}/g, "7"));
}

/** What is said of other types than those that forms send. */
const NEVER = [
  "must be a string",
  "must be an array, or null",
  "must hold texts by name",
  "must be an object of texts",
];

describe("what the API says", () => {
  test("of the fields of forms is said in the language of the page", async () => {
    const FORMS = "{keys/{label,expiry,addresses,rules,metadata},operator/dashboard/policy-form}.ts";
    const said = await saidIn(FORMS, /"((?:must|are no longer) [^"]+)"|`((?:must|are no longer) [^`]+)`/g);
    const others = said.filter((text) => !Object.values(FAULTS).some((pattern) => pattern.test(text)));
    expect(others).toEqual(NEVER);
  });

  test("of a refusal is said in the language of the page", async () => {
    const FILES = "{keys/rules,dashboard/{guard,session,sign-in},oauth/login}.{ts,tsx}";
    const said = await saidIn(FILES, /message:\s*(?:\w+\s*\?\s*)?(?:"([^"]+)"|`([^`]+)`)/g);
    const others = said.filter((text) => !Object.values(REFUSALS).some((pattern) => pattern.test(text)));
    expect(others).toEqual([]);
  });
});
