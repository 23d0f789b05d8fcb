/** Small mistakes, made in the source: what is put in place of what, one at a time. */
import { parseAst } from "vitest/node";

export interface Mutant {
  /** From the root of the repository. */
  file: string;
  start: number;
  end: number;
  /** What stands there in place of what stood there. */
  text: string;
}

interface Node {
  type: string;
  start: number;
  end: number;
  [property: string]: unknown;
}

/** Operators and functions that are easily mistaken for each other. */
const MISTAKEN: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "&&": "||",
  "||": "&&",
  and: "or",
  or: "and",
  eq: "ne",
  ne: "eq",
  gt: "gte",
  gte: "gt",
  lt: "lte",
  lte: "lt",
  isNull: "isNotNull",
  isNotNull: "isNull",
  exists: "notExists",
  notExists: "exists",
  max: "min",
  min: "max",
  primary: "nearest",
  some: "every",
  every: "some",
};

/** The same in SQL. */
const MISTAKEN_IN_SQL: readonly [RegExp, string][] = [
  [/\bmax\(/gi, "min("],
  [/\bmin\(/gi, "max("],
  [/\bIS NOT NULL\b/g, "IS NULL"],
  [/\bIS NULL\b/g, "IS NOT NULL"],
  [/\bAND\b/g, "OR"],
  [/\bOR\b(?! REPLACE| IGNORE)/g, "AND"],
  [/ <= /g, " < "],
  [/ < /g, " <= "],
  [/ > /g, " >= "],
  [/ >= /g, " > "],
  [/ \+ /g, " - "],
];

/** Not what the code does: log lines, types and imports. */
const LEFT_OUT = /^(TS(?!AsExpression|SatisfiesExpression)|Import)/;

/** @param file - A TypeScript file, from the root of the repository. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const found: Mutant[] = [];
  const put = (node: Node, text: string) => found.push({ file, start: node.start, end: node.end, text });
  const textOf = (node: Node) => source.slice(node.start, node.end);

  function mutate(node: Node): void {
    switch (node.type) {
      case "BinaryExpression":
      case "LogicalExpression": {
        const [left, right] = [node.left as Node, node.right as Node];
        const operator = String(node.operator);
        const other = MISTAKEN[operator];
        if (operator === "??") put(node, textOf(left));
        else if (other)
          put(
            { ...node, start: left.end, end: right.start },
            swapped(left.end, right.start, operator, other),
          );
        break;
      }
      case "UnaryExpression":
        if (node.operator === "!") put(node, textOf(node.argument as Node));
        break;
      case "Literal":
        if (typeof node.value === "boolean") put(node, String(!node.value));
        if (typeof node.value === "number") put(node, String(nextTo(node.value)));
        break;
      case "IfStatement":
        put(node.test as Node, "true");
        put(node.test as Node, "false");
        break;
      case "ConditionalExpression":
        put(node, textOf(node.consequent as Node));
        put(node, textOf(node.alternate as Node));
        break;
      case "ExpressionStatement":
        put(node, ";");
        break;
      case "CallExpression": {
        const callee = node.callee as Node;
        const name = callee.type === "MemberExpression" ? (callee.property as Node) : callee;
        const other = MISTAKEN[textOf(name)];
        if (
          other !== undefined &&
          (callee.type === "Identifier" || /^(max|min|some|every)$/.test(textOf(name)))
        )
          put(name, other);
        break;
      }
      case "AssignmentExpression":
        if (node.operator === "+=") put(node, textOf(node).replace("+=", "-="));
        break;
      case "UpdateExpression":
        put(node, textOf(node).replace("++", "--"));
        break;
      case "TemplateElement":
        for (const mutant of mistakesInSql(file, source, node.start, node.end)) found.push(mutant);
        break;
      case "ObjectExpression":
        for (const property of node.properties as Node[])
          if ((node.properties as Node[]).length > 1) put({ ...property, end: endOf(property) }, "");
        break;
    }
  }

  function swapped(start: number, end: number, operator: string, other: string): string {
    return source.slice(start, end).replace(operator, () => other);
  }

  /** With the comma. */
  function endOf(property: Node): number {
    return property.end + (/^\s*,/.exec(source.slice(property.end))?.[0].length ?? 0);
  }

  function visit(value: unknown): void {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (!isNode(value) || LEFT_OUT.test(value.type) || isLog(textOf(value))) return;
    mutate(value);
    for (const [name, child] of Object.entries(value)) if (name !== "typeAnnotation") visit(child);
  }

  visit(parseAst(source, { lang: "ts" }).body);
  return found;
}

/** The triggers of a migration that are there in the end: each left out, each column that it looks at, each operator. */
export function triggerMutants(file: string, sql: string, later: string): Mutant[] {
  return [...sql.matchAll(/CREATE TRIGGER (\w+)[\s\S]*?\nEND;/g)].flatMap(
    ({ 0: text, 1: name, index: start }) => {
      if (later.includes(`DROP TRIGGER ${name};`)) return [];
      const end = start + text.length;
      const columns = [...text.matchAll(/(?<= OF )[\w, ]+(?= ON)/g)].flatMap(({ 0: list, index }) =>
        list.split(", ").map((column, _, all) => ({
          file,
          start: start + index,
          end: start + index + list.length,
          text: all.filter((other) => other !== column).join(", "),
        })),
      );
      return [{ file, start, end, text: "SELECT 1;" }, ...columns, ...mistakesInSql(file, sql, start, end)];
    },
  );
}

function mistakesInSql(file: string, source: string, start: number, end: number): Mutant[] {
  return MISTAKEN_IN_SQL.flatMap(([pattern, text]) =>
    [...source.slice(start, end).matchAll(pattern)].map(({ 0: old, index }) => ({
      file,
      start: start + index,
      end: start + index + old.length,
      text,
    })),
  );
}

/** A number that is wrong, as little as somebody might notice. */
function nextTo(value: number): number {
  if (value < 10) return value === 0 ? 1 : value - 1;
  return Math.ceil(value * 1.2);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function isLog(text: string): boolean {
  return /^(console\.|report\()/.test(text);
}
