import { expect, test } from "vitest";
import { missing } from "../../examples/local/require-node.js";
import manifest from "../../package.json" with { type: "json" };

test.each([
  ["24.2.0", "linux", "x64"],
  ["24.21.0", "darwin", "arm64"],
  ["26.10.0", "darwin", "x64"],
])("on Node %s, %s-%s nothing is missing", (version, platform, arch) => {
  expect(missing(version, platform, arch)).toBeUndefined();
});

test.each(["18.20.8", "20.20.2", "22.23.2", "24.1.0"])(
  "Node %s is too old, and it is said how to get another",
  (version) => {
    expect(missing(version, "linux", "x64")).toBe(
      `Node 24.2.0 or newer is needed and this is ${version}: run \`npm ci --include=optional\`, which brings one.`,
    );
  },
);

test("on another system it is said that the runtime does not exist there", () => {
  expect(missing("24.21.0", "freebsd", "x64")).toContain("is not there for freebsd-x64: use linux-x64, ");
});

test("on Windows it is said that WSL is needed", () => {
  expect(missing("24.21.0", "win32", "x64")).toContain("in WSL");
});

test("the scripts that a newcomer starts check this first", () => {
  for (const script of ["start", "setup", "token"] as const) {
    expect(manifest.scripts[script]).toMatch(/^node --import \.\/examples\/local\/require-node\.js /);
  }
});
