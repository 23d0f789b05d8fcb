import type { Import } from "../../src/operator/import-schema.ts";
import { operate, type Target } from "./api.ts";

/** A key that was made elsewhere, as `IMPORTED_KEY_PATTERN` of the tests has it. */
export function foreignKey(): string {
  const random = [...crypto.getRandomValues(new Uint8Array(20))];
  return `old_${random.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** An entry of an import. */
export function entryOf(key: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    companyId: "acme",
    label: "Moved in",
    scopes: ["jobs:read"],
    keyPrefix: key.slice(0, 8),
    key,
    ...changes,
  };
}

/** What becomes of `entries`. */
export async function imported(entries: readonly unknown[], target?: Target): Promise<Import["keys"]> {
  const answer = await operate("/operator/keys/import", {
    method: "POST",
    body: { keys: entries },
    ...(target && { target }),
  });
  if (answer.status !== 200) throw new Error(`could not import: ${answer.status} ${await answer.text()}`);
  return (await answer.json<Import>()).keys;
}

/** The id of a key that was made elsewhere, and has moved in. */
export async function importKey(key: string, changes: Record<string, unknown> = {}): Promise<string> {
  const [outcome] = await imported([entryOf(key, changes)]);
  if (outcome?.status !== "created") throw new Error(`not created: ${JSON.stringify(outcome)}`);
  return outcome.id ?? "";
}
