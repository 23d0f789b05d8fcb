// Plain JavaScript that is loaded before the scripts, as an older Node cannot read their TypeScript.

/** What the scripts cannot do without, in one sentence; `undefined` where all is there. */
export function missing(version, platform, arch) {
  if (platform === "win32")
    return "On Windows, Latchkey runs in WSL: https://learn.microsoft.com/windows/wsl/install";
  if (!SYSTEMS.includes(`${platform}-${arch}`)) {
    return `Cloudflare's runtime is not there for ${platform}-${arch}: use ${SYSTEMS.join(", ")}.`;
  }
  if (version.localeCompare(OLDEST, undefined, { numeric: true }) < 0) {
    return `Node ${OLDEST} or newer is needed and this is ${version}: run \`npm ci --include=optional\`, which brings one.`;
  }
  return undefined;
}

const SYSTEMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"];
const OLDEST = "24.2.0";

const sentence = missing(process.versions.node, process.platform, process.arch);
if (sentence !== undefined) {
  console.error(sentence);
  process.exit(1);
}
