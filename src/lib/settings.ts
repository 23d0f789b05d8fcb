import * as z from "zod/mini";

/** scope-token of RFC 6749 §3.3. */
export const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

/** What every domain's settings are made of. `zod/mini`, as these are read before the first verification. */
export const text = z.string().check(z.minLength(1, "must not be empty"));

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/;

/** Whether nobody on the way can change what comes from there: https, or http on loopback. */
export function isSecureUrl(value: string): boolean {
  if (!/^https?:\/\/\S+$/i.test(value) || !URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === "https:" || LOOPBACK.test(hostname);
}

/** Addresses that are not of the Internet, and names that only a network of its own knows. */
const PRIVATE =
  /^(0|10|127|169\.254|172\.(1[6-9]|2\d|3[01])|192\.168|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])|2(2[4-9]|[3-5]\d))\.[\d.]+$|^\[(::|64:ff9b:|f[cdef])|^[^.[]+\.?$|\.(local|localdomain|internal|lan|home\.arpa)\.?$/;

/** Whether it is a secure URL of the Internet, or of loopback, where nobody else could be meant. */
export function isPublicUrl(value: string): boolean {
  if (!isSecureUrl(value)) return false;
  const { hostname, username, password } = new URL(value);
  return username + password === "" && (LOOPBACK.test(hostname) || !PRIVATE.test(hostname));
}

export const url = z
  .string()
  .check(z.refine(isSecureUrl, { error: "must be an https URL (http on loopback alone)" }));

/** A URL, or empty: off. */
export const optionalUrl = z.union([z.literal(""), url]);

/** Words with spaces between, or a JSON array. */
export const words = z.transform((value) => (typeof value === "string" ? wordsOf(value) : value));

/** Words of which there may be none. */
export const listOrNone = z.pipe(words, z.array(text, "must be a list"));

/** The same, of one word or more. */
export const list = listOrNone.check(z.minLength(1, "must not be empty"));

function wordsOf(value: string): unknown {
  return value.trimStart().startsWith("[") ? fromJson(value) : value.split(" ").filter(Boolean);
}

export function whole(min: number, max: number) {
  return z.pipe(
    z.transform((value) => (typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value)),
    z.int(`must be a whole number from ${min} to ${max}`).check(z.minimum(min), z.maximum(max)),
  );
}

/** A table of texts, or its JSON. */
export const table = z.pipe(
  z.transform((value) => (typeof value === "string" ? fromJson(value) : value)),
  z.record(z.string(), z.string()),
);

/** A binding of `wrangler.toml`. */
export function bound<T extends object>() {
  return z.custom<T>((binding) => typeof binding === "object" && binding !== null, "is not bound");
}

/** A setting is missing or wrong. The message names each one and quotes no value. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/**
 * Settings that were read once.
 *
 * @throws SettingsError where one of them is missing or wrong: whoever needs them is closed, and nobody else.
 */
export type Settings<T> = () => T;

/** They are read when they are first asked for. @param env - The Worker's vars, secrets and bindings. */
export function readSettings<T>(schema: z.ZodMiniType<T>, env: object): Settings<T> {
  const read = once(() => schema.safeParse(env));
  return () => {
    const result = read();
    if (result.success) return result.data;
    const faults = result.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`);
    throw new SettingsError(`Wrong settings: ${faults.join("; ")}`);
  };
}

/** What `make` returns, made once. Where it throws, it is tried again with the next call. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** `undefined` for what is no JSON. */
export function fromJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
