// Prints how large each entry of the built package is, and fails where one needs another package.
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const folder = import.meta.dirname;
const manifest = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));

for (const [entry, { default: file }] of Object.entries(manifest.exports)) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: folder,
    entryPoints: [file],
    bundle: true,
    minify: true,
    format: "esm",
    packages: "external",
    metafile: true,
    write: false,
  });
  const [{ contents }] = outputFiles;
  const name = entry.replace(".", manifest.name).padEnd(16);
  process.stdout.write(`${name} ${contents.length} bytes minified, ${gzipSync(contents).length} with gzip\n`);
  const needed = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  if (needed.length > 0) throw new Error(`${name} needs ${needed.join(", ")}`);
}
