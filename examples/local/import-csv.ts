import { readFile } from "node:fs/promises";

/** An entry of `POST /operator/keys/import`. */
export type Entry = Record<string, unknown>;

/** A field with quotes, or without, and what ends it: a comma, a line's end, or the end. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/** The rows of a CSV file (RFC 4180), each by the names of the first one. @throws Error where it is none. */
export function parseCsv(text: string): Record<string, string>[] {
  const rows: string[][] = [[]];
  const field = new RegExp(FIELD);
  field.lastIndex = text.startsWith("\uFEFF") ? 1 : 0;
  for (let end: string | undefined; end !== ""; ) {
    const found = field.exec(text);
    if (found === null) throw new Error(`Row ${rows.length} of the CSV file is broken`);
    rows.at(-1)?.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? "");
    end = found[3];
    if (end !== "," && end !== "") rows.push([]);
  }
  const [names = [], ...values] = rows.filter((row) => row.length > 1 || row[0] !== "");
  return values.map((row, i) => {
    if (row.length !== names.length)
      throw new Error(`Row ${i + 2} of the CSV file has ${row.length} fields, not ${names.length}`);
    return Object.fromEntries(names.map((name, column) => [name, row[column] ?? ""]));
  });
}

/** Keys of a CSV file whose first row names the members of an entry. Scopes are parted by spaces; what is empty is left out. */
export async function readCsv(file: string): Promise<Entry[]> {
  return parseCsv(await readFile(file, "utf8")).map(({ scopes = "", allowedIps = "", ...row }) => {
    const given = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== ""));
    const addresses = allowedIps.split(" ").filter(Boolean);
    return {
      ...given,
      scopes: scopes.split(" ").filter(Boolean),
      ...(addresses.length > 0 && { allowedIps: addresses }),
    };
  });
}
