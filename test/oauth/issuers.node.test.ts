import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { experimental_readRawConfig } from "wrangler";
import { readSettings } from "../../src/lib/settings.ts";
import { clientSettings, oauthSettings } from "../../src/oauth/settings.ts";
import { TokenError, tokenVerifier } from "../../src/oauth/token.ts";
import shapes from "./shapes.json" with { type: "json" };
import traps from "./traps.json" with { type: "json" };

/** An access token as an issuer documents it, with made-up values. */
interface Shape {
  name: string;
  header: { alg: string; typ?: string };
  claims: Record<string, unknown>;
  /** Settings that are right for it, beside the defaults. */
  settings: Record<string, unknown>;
  /** `null`: it names none, which is 403. */
  company: string | null;
  /** Those of the management API that it grants; others are not looked at. */
  scopes: string[];
  /** The claim that makes it no access token, which is 401. */
  refused?: string;
  /** The document of this issuer, and which of its blocks of settings is for this shape. */
  page?: string;
  block?: number;
}

/** A change that makes of a shape something that must be refused. */
interface Trap {
  base: string;
  what: string;
  /** `null` leaves a claim out. */
  change: Record<string, unknown>;
  settings?: Record<string, unknown>;
  header?: Record<string, unknown>;
}

const SHAPES: Shape[] = shapes;
const TRAPS: Trap[] = traps;
const ROOT = join(import.meta.dirname, "../..");
const PAGES = join(ROOT, "docs/issuers");
const DEFAULTS = varsOf(readFileSync(join(ROOT, "wrangler.toml"), "utf8"));
const JWKS_URL = "https://keys.example/jwks";

const keys = new Map<string, { privateKey: CryptoKey; jwk: JWK }>();
beforeAll(async () => {
  for (const alg of new Set(SHAPES.map(({ header }) => header.alg))) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    keys.set(alg, { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: alg, alg } });
  }
});

/** The vars of a file for wrangler, read as wrangler reads them. */
function varsOf(toml: string): Record<string, unknown> {
  const dir = mkdtempSync(join(tmpdir(), "latchkey-settings-"));
  try {
    const config = join(dir, "wrangler.toml");
    writeFileSync(config, toml);
    return { ...experimental_readRawConfig({ config }).rawConfig.vars };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The blocks of settings of a document, in their order. */
function blocksOf(page: string): Record<string, unknown>[] {
  const text = readFileSync(join(PAGES, `${page}.md`), "utf8");
  return [...text.matchAll(/^```toml\n(.*?)^```$/gms)].map(([, block = ""]) => varsOf(`[vars]\n${block}`));
}

function settingsOf(vars: Record<string, unknown>) {
  const env = { ...DEFAULTS, OAUTH_CLIENT_SECRET: "secret", ...vars };
  readSettings(clientSettings, env)();
  return readSettings(oauthSettings, env)();
}

/** What Latchkey makes of a token of these claims: company and scopes, or the claim that it is refused for. */
async function judged(vars: Record<string, unknown>, header: object, claims: Record<string, unknown>) {
  const { alg, ...rest } = header as Shape["header"];
  const key = keys.get(alg);
  if (key === undefined) throw new Error(`No key for ${alg}`);
  const now = Math.floor(Date.now() / 1000);
  const token = await new SignJWT({ iat: now, exp: now + 60, ...claims } as JWTPayload)
    .setProtectedHeader({ ...rest, alg, kid: alg })
    .sign(key.privateKey);
  const keySet = createLocalJWKSet({ keys: [...keys.values()].map(({ jwk }) => jwk) });
  try {
    const { companyId, scopes } = await tokenVerifier({ ...settingsOf(vars), keys: keySet })(token);
    return { company: companyId, scopes };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return { refused: error.message.split(":")[0] };
  }
}

function expected({ company, scopes, refused }: Shape): object {
  return refused === undefined ? { company, scopes: expect.arrayContaining(scopes) } : { refused };
}

/** An issuer that is no URL needs to be told where its keys are. */
const withKeys = (vars: Record<string, unknown>) => ({ ...vars, OAUTH_JWKS_URL: JWKS_URL });

describe.each(SHAPES)("the token $name", (shape) => {
  test("names its company and scopes, or is refused for what it is", async () => {
    if (Object.keys(shape.settings).length === 0) return;
    expect(await judged(withKeys(shape.settings), shape.header, shape.claims)).toEqual(expected(shape));
  });

  test.runIf(shape.page)("does so with the settings of its page", async () => {
    const vars = blocksOf(shape.page ?? "")[(shape.block ?? 1) - 1] ?? {};
    expect(vars).toHaveProperty("OAUTH_ISSUER");
    expect(await judged(vars, shape.header, shape.claims)).toEqual(expected(shape));
  });

  test("is good with the right issuer, audience and signer alone", async () => {
    const { settings, page, block = 1 } = shape;
    const vars = withKeys(page === undefined ? settings : (blocksOf(page)[block - 1] ?? {}));
    const changed = { iss: "https://elsewhere.example", aud: "elsewhere" };
    for (const [claim, value] of Object.entries(changed)) {
      const refusal = await judged(vars, shape.header, { ...shape.claims, [claim]: value });
      expect(refusal).toEqual({ refused: claim });
    }
  });
});

test.each(TRAPS)("the trap at $base is refused: $what", async ({ base, change, settings, header }) => {
  const shape = SHAPES.find(({ name }) => name === base);
  if (shape === undefined) throw new Error(`No shape ${base}`);
  const changed = Object.entries({ ...shape.claims, ...change }).filter(([, value]) => value !== null);
  const vars = { ...shape.settings, ...settings, OAUTH_JWKS_URL: JWKS_URL };
  const outcome = await judged(vars, { ...shape.header, ...header }, Object.fromEntries(changed));
  expect("refused" in outcome || outcome.company === null).toBe(true);
});

test("every block of settings of every page is that of a token, and every page is listed", () => {
  const index = readFileSync(join(PAGES, "README.md"), "utf8");
  for (const file of readdirSync(PAGES).filter((name) => name !== "README.md")) {
    expect(index).toContain(`](${file})`);
    const page = file.replace(/\.md$/, "");
    const used = new Set(SHAPES.filter((shape) => shape.page === page).map(({ block = 1 }) => block));
    expect([...used].sort(), page).toEqual(blocksOf(page).map((_, index) => index + 1));
  }
});
