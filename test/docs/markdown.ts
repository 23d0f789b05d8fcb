/** The cells of each row of the table that starts with these columns; of code, what is between the backticks. */
export function rowsOf(page: string, ...columns: string[]): string[][] {
  const lines = page.split("\n");
  const head = lines.findIndex((line) => cellsOf(line).slice(0, columns.length).join() === columns.join());
  if (head === -1) throw new Error(`No table of ${columns.join(", ")}`);
  const body = lines.slice(head + 2);
  const end = body.findIndex((line) => !line.startsWith("|"));
  return body.slice(0, end === -1 ? undefined : end).map(cellsOf);
}

function cellsOf(line: string): string[] {
  const cells = line.split("|").slice(1, -1);
  return cells.map((cell) => cell.trim().replace(/^`([^`]*)`$/, "$1"));
}

/** The texts of the fenced blocks of this language. */
export function blocksOf(page: string, language: string): string[] {
  return [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, found, text = ""]) =>
    found === language ? [text] : [],
  );
}

/** The files that the page shows, by their names: blocks below a line that begins with a name and ends with a colon. */
export function filesOf(page: string): Map<string, string> {
  const found = page.matchAll(/^`([\w./-]+\.\w+)`[^\n]*:\n\n```\w+\n(.*?)^```$/gms);
  return new Map([...found].map(([, name = "", text = ""]) => [name, text]));
}

/** The page without its fenced blocks, whose text is no Markdown. */
export function proseOf(page: string): string {
  return page.replace(/^```.*?^```$/gms, "");
}
